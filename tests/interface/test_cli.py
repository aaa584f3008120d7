"""The terminal: its part of the suite, over its real socket."""

import asyncio
import contextlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

from rekku.chat.connection import Connection, connect
from rekku.testing import Bot
from tests.interface.conformance import Conformance
from tests.interface.world import File, Shown, World


class Terminal:
    """The owner's terminal. There is one person and one chat; what is edited or taken back is seen at once."""

    interface = "cli"
    owner = "local"
    can: Collection[str] = ("edit", "typing")
    secret = ""
    max_length = 0

    def __init__(self) -> None:
        self.settings: dict[str, str] = {}
        self.pings: list[str] = []
        self.lines: dict[str, Shown] = {}
        self.typing = False
        self.connection: Connection | None = None
        self.reading: asyncio.Task[None] | None = None
        self.last = ("", "")

    async def open(self) -> None:
        """There is nothing to open before Rekku is there."""

    async def close(self) -> None:
        """Hang up."""
        if self.connection and self.reading:
            self.connection.close()
            self.reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.reading

    async def attach(self, bot: Bot) -> None:
        """Open the terminal."""
        await self.close()
        self.connection = await connect(bot.home)
        await self.connection.hello(tty=False)
        self.reading = asyncio.create_task(self._read(self.connection))

    async def says(
        self,
        text: str,
        *,
        user: str = "local",
        chat: str = "",
        thread: str = "",
        reply_to: str = "",
        mention: bool = False,
        files: Sequence[File] = (),
        bot: bool = False,
    ) -> str:
        """Type a line."""
        assert self.connection is not None
        self.last = (text, await self.connection.say(text))
        return self.last[1]

    def shown(self, chat: str = "", thread: str = "") -> list[Shown]:
        """What stands on the screen."""
        return list(self.lines.values())

    def typed(self, chat: str = "") -> bool:
        """Whether it was seen to think."""
        return self.typing

    async def redelivers(self) -> None:
        """The same line with the same id, as after a lost connection."""
        assert self.connection is not None
        await self.connection.say(*self.last)

    async def _read(self, connection: Connection) -> None:
        async for record in connection.records():
            match record:
                case {"type": "message" | "edit" as kind, "id": str(number), "text": str(text)}:
                    before = self.lines.get(number)
                    edits = before.edits + 1 if before and kind == "edit" else 0
                    self.lines[number] = Shown(number, text, edits=edits)
                case {"type": "delete", "id": str(number)}:
                    self.lines.pop(number, None)
                case {"type": "typing", "active": True}:
                    self.typing = True


class TestTerminal(Conformance):
    """The terminal passes the suite."""

    person = Terminal.owner
    can: ClassVar[Collection[str]] = Terminal.can

    def make_world(self, folder: Path) -> World:
        return Terminal()  # type: ignore[return-value] # what it cannot is left out
