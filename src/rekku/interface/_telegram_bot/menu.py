"""The menu of slash commands that Telegram shows: everybody's, and in the owner's chats all of them."""

import asyncio
import logging
import re
from collections.abc import Sequence

from telegram import Bot, BotCommand, BotCommandScopeChat
from telegram.error import BadRequest, Forbidden, RetryAfter, TelegramError

from rekku.core.commands import Command
from rekku.core.host import Host
from rekku.core.principal import Role
from rekku.interface._telegram_bot.faults import FIRST_WAIT, LONGEST_WAIT, passing, seconds

log = logging.getLogger(__name__)

NAME = re.compile(r"[a-z0-9_]{1,32}\Z")
MOST, LONGEST = 100, 256
"""How many commands a menu may have, and how long a description may be (Bot API, setMyCommands)."""


class Menu:
    """What Telegram offers; it is told again until it has it."""

    def __init__(self, host: Host, bot: Bot, interface: str) -> None:
        self._host = host
        self._bot = bot
        self._interface = interface
        self._commands: Sequence[Command] = ()
        self._absent: set[str] = set()
        self._news = asyncio.Event()

    @property
    def names(self) -> frozenset[str]:
        """The commands that are offered."""
        return frozenset(command.name.lower() for command in self._commands)

    def show(self, commands: Sequence[Command]) -> None:
        """Offer these from now on."""
        self._commands = commands
        self._news.set()

    def seen(self, user_id: str) -> None:
        """Somebody writes: if it is the owner, who had no chat with the bot before, the menu can be shown there."""
        if user_id in self._absent:
            self._news.set()

    async def keep(self) -> None:
        """Tell Telegram what has changed; runs for ever."""
        wait = FIRST_WAIT
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                await self._tell()
                wait = FIRST_WAIT
            except TelegramError as error:
                log.warning("The menu of commands could not be shown on Telegram: %s", error.message)
                if passing(error):
                    wait = min(2 * wait, LONGEST_WAIT)
                    await self._host.clock.sleep(seconds(error.retry_after) if isinstance(error, RetryAfter) else wait)
                    self._news.set()

    async def _tell(self) -> None:
        listed = [command for command in self._commands if NAME.match(command.name.lower())][:MOST]
        told = [(c.role, BotCommand(c.name.lower(), (c.summary or c.name)[:LONGEST])) for c in listed]
        await self._bot.set_my_commands([command for role, command in told if role <= Role.UNKNOWN])
        self._absent.clear()
        for owner in await self._owners():
            try:
                await self._bot.set_my_commands([command for _, command in told], scope=BotCommandScopeChat(int(owner)))
            except (BadRequest, Forbidden):
                self._absent.add(owner)

    async def _owners(self) -> list[str]:
        """The owner's accounts here; an administrator who hides has none."""
        people = [person for person in await self._host.people() if person.role is Role.TRAINER]
        accounts = [account for person in people for account in person.accounts]
        return [a.user.id for a in accounts if a.interface == self._interface and a.user.id.isdigit()]
