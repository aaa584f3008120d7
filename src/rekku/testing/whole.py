"""Whole Rekku in a test."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rekku.testing.clock import MovableClock
from rekku.testing.fakes import MemoryInterface, ScriptedEngine, Sent

if TYPE_CHECKING:
    from rekku.app import Rekku
    from rekku.core.model_call import ChatMessages
    from rekku.core.turn import Outcome

Plugin = TypeVar("Plugin")

PATIENCE = 20.0
"""Real seconds until a test that waits for an answer fails."""


class Bot:
    """Whole Rekku in a test."""

    def __init__(
        self, home: Path, environ: Mapping[str, str], clock: Any = None, interfaces: Collection[str] = ()
    ) -> None:
        self.home = home
        self.interfaces = frozenset(interfaces)
        self.environ = dict(environ)
        self.clock = clock or MovableClock()
        self.engine = ScriptedEngine()
        self.interface = MemoryInterface()
        self.rekku: Rekku | None = None
        self._closing: AsyncExitStack | None = None
        self._added: list[tuple[Any, str, Any]] = []
        self._running_added = 0
        self._count = 0

    @property
    def running(self) -> "Rekku":
        """The running Rekku, for what has no word of its own here."""
        assert self.rekku is not None, "Rekku is not running"
        return self.rekku

    async def start(self) -> None:
        """Bring Rekku up with the scripted engine and the interface in memory."""
        from rekku.app import running

        async def add(rekku: "Rekku") -> None:
            self.rekku = rekku
            for kind, name, instance in self._own():
                await rekku.loader.adopt(kind, name, instance)
            await self.settle()

        self._closing = AsyncExitStack()
        environ = {"ACTIVE_LLM": "scripted", **self.environ}
        self.rekku = await self._closing.enter_async_context(
            running(self.home, environ, edges=self.interfaces, clock=self.clock, added=add)
        )

    async def stop(self) -> None:
        """End Rekku as a signal would."""
        if self._closing is not None:
            closing, self._closing, self.rekku = self._closing, None, None
            await closing.aclose()
            self._running_added = 0

    async def restart(self) -> None:
        """End Rekku and bring it up again on the same home."""
        await self.stop()
        await self.start()

    def add(self, plugin: Plugin, name: str = "") -> Plugin:
        """Add a plugin object, as if its file had been dropped in (at the next message, or `settle`); returns it."""
        from rekku.core.registry import Kind

        self._added.append((Kind.PLUGIN, name or type(plugin).__name__.lower(), plugin))
        return plugin

    def add_interface(self, interface: MemoryInterface) -> MemoryInterface:
        """Add another interface in memory."""
        from rekku.core.registry import Kind

        self._added.append((Kind.INTERFACE, interface.name, interface))
        return interface

    async def load(self, file: Path) -> Any:
        """Drop a file into the home and load it as Rekku does; returns the object that it made.

        The folder it stands in (plugins, llm_engines or interface) says what it is. Raises AssertionError with the
        reason if it was not taken.
        """
        from rekku.loader.report import sentence

        target = self.home / file.parent.name / file.name
        self.running.loader.bring_up(file.stem)
        await asyncio.to_thread(shutil.copyfile, file, target)
        await self.running.loader.sync()
        told = self.running.loader.reports[target]
        assert told.state == "loaded", f"{sentence(told)}\n{told.traceback}"
        return next(component.instance for component in self.running.registry if component.file == target)

    async def settle(self) -> None:
        """Load what was added."""
        added, self._running_added = self._added[self._running_added :], len(self._added)
        for kind, name, instance in added:
            await self.running.loader.adopt(kind, name, instance)

    def model_says(self, *replies: "str | BaseException | Callable[[ChatMessages], str]") -> None:
        """What the model replies, one call after the other; an exception is raised instead."""
        self.engine.script.extend(replies)

    async def hears(self, text: str, **told: Any) -> list[str]:
        """Say something to Rekku, wait until it is dealt with, and return what was sent to that chat meanwhile.

        Keywords are those of `tell`.
        """
        before = list(self._sent(told))
        await self.tell(text, **told)
        return [message.text for message in self._sent(told) if message not in before]

    async def tell(self, text: str, **told: Any) -> "Outcome":
        """Say something to Rekku and wait until it is dealt with; says how it ended."""
        async with asyncio.timeout(PATIENCE):
            receipt = await self.send(text, **told)
            outcome: Outcome = await receipt.outcome()
            return outcome

    async def send(
        self,
        text: str,
        *,
        user: str = "owner",
        chat: str = "",
        direct: bool = True,
        addressed: bool = True,
        message_id: str = "",
        interface: str = "memory",
        thread: str = "",
        name: str = "",
        tag: str = "",
        **more: Any,
    ) -> Any:
        """Hand a message to Rekku; returns its receipt. The user `owner` is the trainer."""
        from rekku.core.message import Conversation, Message, User

        await self.settle()
        self._count += 1
        message = Message(
            conversation=Conversation(interface, chat or user, thread),
            user=User(user, name or user.capitalize(), tag),
            text=text,
            at=self.clock.now(),
            message_id=message_id or f"in{self._count}",
            direct=direct,
            addressed=addressed,
            **more,
        )
        return await self.running.road.gate.receive(message)

    def _sent(self, told: Mapping[str, Any]) -> list[Sent]:
        chat = told.get("chat") or told.get("user", "owner")
        name = told.get("interface", "memory")
        interfaces = [self.interface, *(i for _, n, i in self._added if n == name and isinstance(i, MemoryInterface))]
        return [m for interface in interfaces if interface.name == name for m in interface.sent if m.chat == chat]

    def _own(self) -> list[tuple[Any, str, Any]]:
        from rekku.core.registry import Kind

        return [(Kind.ENGINE, "scripted", self.engine), (Kind.INTERFACE, self.interface.name, self.interface)]


@asynccontextmanager
async def bot_at(
    home: Path, environ: Mapping[str, str] | None = None, interfaces: Collection[str] = ()
) -> AsyncIterator[Bot]:
    """A running bot on a home of its own. Of the real interfaces only those that are named come up."""
    bot = Bot(home, environ or {}, interfaces=interfaces)
    await bot.start()
    try:
        yield bot
    finally:
        await bot.stop()
