"""Shows the slash commands on every interface that has a way of its own to offer them, whenever they change."""

import asyncio
import logging
from collections.abc import Sequence

from rekku.commands import Commands
from rekku.core.commands import Command
from rekku.core.registry import Component, Kind, Registry

log = logging.getLogger(__name__)

LIMIT = 60.0
"""Seconds that an interface may take to show them."""


class Menus:
    """What each interface was last shown."""

    def __init__(self, registry: Registry, commands: Commands) -> None:
        self._registry = registry
        self._commands = commands
        self._shown: dict[int, Sequence[tuple[str, str]]] = {}
        self._news = asyncio.Event()
        registry.on_change(self._news.set)
        self._news.set()

    async def keep(self) -> None:
        """Show what has changed, again and again; runs for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            commands = sorted((await self._commands.known()).values(), key=lambda command: command.name)
            interfaces = [c for c in self._registry.of(Kind.INTERFACE) if c.members.has("show_commands")]
            self._shown = {id(c.instance): self._shown.get(id(c.instance), ()) for c in interfaces}
            for interface in interfaces:
                await self._show(interface, commands)

    async def _show(self, interface: Component, commands: Sequence[Command]) -> None:
        listing = [(command.name, command.summary) for command in commands]
        if self._shown[id(interface.instance)] == listing:
            return
        try:
            await interface.members.call("show_commands", commands, limit=LIMIT)
            self._shown[id(interface.instance)] = listing
        except Exception:  # the door to an interface: without a menu the commands can still be typed
            log.exception("The interface %s could not show the slash commands.", interface.name)
