"""Shows in a chat that Rekku is thinking, where the interface can."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rekku.chain.draft import Spawn
from rekku.core.message import Conversation
from rekku.core.registry import Component, Kind, Registry

log = logging.getLogger(__name__)

LIMIT = 5.0
"""Seconds that an interface may take to show it; nothing waits for it."""


class Presence:
    """Tells interfaces when thinking begins and ends."""

    def __init__(self, registry: Registry, spawn: Spawn) -> None:
        self._registry = registry
        self._spawn = spawn

    @asynccontextmanager
    async def thinking(self, where: Conversation) -> AsyncIterator[None]:
        """Rekku thinks for the length of the block."""
        interface = self._registry.get(Kind.INTERFACE, where.interface)
        if interface is None or not interface.members.has("typing"):
            yield
            return
        self._spawn(self._show(interface, where, True), "typing")
        stopping = False
        try:
            yield
        except asyncio.CancelledError:
            stopping = True  # the process ends, and the interface with it
            raise
        finally:
            if not stopping:
                self._spawn(self._show(interface, where, False), "typing ends")

    async def _show(self, interface: Component, where: Conversation, active: bool) -> None:
        payload = {"target": where.chat_id, "thread_id": where.thread_id, "active": active}
        try:
            await interface.members.call("typing", payload, limit=LIMIT)
        except Exception as error:  # noqa: BLE001 - a door: it is only a sign of life
            log.debug("The interface %s could not show that Rekku thinks: %r", interface.name, error)
