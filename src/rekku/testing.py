"""The `bot` fixture: whole Rekku, a scripted engine, an interface in memory, a clock that tests move, no network.

    async def test_it_rolls(bot):
        dice = bot.add(DicePlugin())
        bot.model_says('{"actions": [{"type": "roll_dice", "payload": {"sides": 6}}]}', "It is rolled.")
        assert await bot.hears("roll a die") == ["It is rolled."]
        assert len(dice.rolls) == 1

It comes with `pip install "rekku[testing]"` and needs pytest-asyncio.
"""

import asyncio
import contextlib
import heapq
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from rekku.app import Rekku
    from rekku.core.model_call import ChatMessages, ModelCall
    from rekku.core.turn import Outcome

Plugin = TypeVar("Plugin")

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PATIENCE = 20.0
"""Real seconds until a test that waits for an answer fails."""


class MovableClock:
    """A clock that stands still until a test moves it; whoever sleeps on it wakes when its time has come."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._monotonic = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        """The instant that the test has reached."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Wait until a test has moved the clock so far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self._count += 1
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, self._count, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move on, waking sleepers on the way in their order."""
        await _breathe()  # who is about to fall asleep does so first
        until = self._monotonic + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            when, _, woken = heapq.heappop(self._sleepers)
            self._move_to(max(when, self._monotonic))
            if not woken.done():
                woken.set_result(None)
            await _breathe()
        self._move_to(until)
        await _breathe()

    def jump(self, seconds: float) -> None:
        """Set the wall clock, as an administrator would: sleepers notice nothing."""
        self._now += timedelta(seconds=seconds)

    def _move_to(self, when: float) -> None:
        self._now += timedelta(seconds=when - self._monotonic)
        self._monotonic = when


class ScriptedEngine:
    """An engine that says what it is told to, and remembers every prompt as one text."""

    takes_images = True

    def __init__(self) -> None:
        self.script: list[str | BaseException | Callable[[ChatMessages], str]] = []
        self.prompts: list[str] = []
        self.messages: list[ChatMessages] = []
        self.calls: list[ModelCall] = []
        self.pieces = 0
        self.gate: asyncio.Event | None = None

    async def generate_response(self, messages: "ChatMessages", call: "ModelCall") -> AsyncIterator[str]:
        """The next reply of the script, in pieces of `pieces` characters (0: whole)."""
        self.prompts.append("\n".join(str(m["content"]) for m in messages))
        self.messages.append(messages)
        self.calls.append(call)
        if self.gate is not None:
            await self.gate.wait()
        if not self.script:
            raise AssertionError("The model was asked, but the test has no more replies: bot.model_says(…)")
        reply = self.script.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        text = reply if isinstance(reply, str) else reply(messages)
        call.used(len(self.prompts[-1]) // 4, len(text) // 4 + 1, "scripted-1")
        size = self.pieces or len(text) or 1
        for at in range(0, len(text), size):
            yield text[at : at + size]
            if self.pieces:
                await asyncio.sleep(0.02)


@dataclass
class Sent:
    """A message that arrived in memory: all texts that it had, the last one final."""

    chat: str
    text: str
    id: str
    texts: list[str] = field(default_factory=list)
    payload: Mapping[str, Any] = field(default_factory=dict)


class MemoryInterface:
    """An interface in memory. Set `error` to make sending fail, `here` to False to close the chat."""

    can_edit = True

    def __init__(self, name: str = "memory", trainers: frozenset[str] = frozenset({"owner"})) -> None:
        self.name = name
        self.trainer_user_ids = trainers
        self.sent: list[Sent] = []
        self.error: BaseException | None = None
        self.here = True

    def get_interface_id(self) -> str:
        """Its name."""
        return self.name

    async def send_message(self, payload: Mapping[str, Any], original_message: object = None) -> str:
        """Keep a message."""
        from rekku.core.errors import NotReachable

        if not self.here:
            raise NotReachable("closed by the test")
        if self.error is not None:
            raise self.error
        message = Sent(str(payload["target"]), payload["text"], f"m{len(self.sent) + 1}", payload=dict(payload))
        message.texts.append(payload["text"])
        self.sent.append(message)
        return message.id

    async def edit_message(self, payload: Mapping[str, Any]) -> None:
        """Change a message."""
        message = next(m for m in self.sent if m.id == payload["message_id"])
        message.text = payload["text"]
        message.texts.append(payload["text"])

    async def delete_message(self, payload: Mapping[str, Any]) -> None:
        """Take a message back."""
        self.sent = [m for m in self.sent if m.id != payload["message_id"]]


class Bot:
    """Whole Rekku in a test."""

    def __init__(self, home: Path, environ: Mapping[str, str], clock: Any = None) -> None:
        self.home = home
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
            running(self.home, environ, edges=frozenset(), clock=self.clock, added=add)
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
        **more: Any,
    ) -> Any:
        """Hand a message to Rekku; returns its receipt. The user `owner` is the trainer."""
        from rekku.core.message import Conversation, Message, User

        await self.settle()
        self._count += 1
        message = Message(
            conversation=Conversation(interface, chat or user),
            user=User(user, user.capitalize()),
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
async def bot_at(home: Path, environ: Mapping[str, str] | None = None) -> AsyncIterator[Bot]:
    """A running bot on a home of its own."""
    bot = Bot(home, environ or {})
    await bot.start()
    try:
        yield bot
    finally:
        await bot.stop()


@pytest.fixture
def bot_environ() -> dict[str, str]:
    """The settings of the `bot` fixture; override it to set some."""
    return {}


@pytest.fixture
def bot_home() -> Iterator[Path]:
    """The home of the `bot` fixture, with a short path."""
    with tempfile.TemporaryDirectory(prefix="rekku-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest_asyncio.fixture
async def bot(bot_home: Path, bot_environ: dict[str, str]) -> AsyncIterator[Bot]:
    """Whole Rekku: scripted engine, interface in memory, movable clock, no network."""
    async with bot_at(bot_home, bot_environ) as made:
        yield made


async def _breathe() -> None:
    """Let every task go on that can, with the database thread's answers too."""
    for _ in range(3):
        await asyncio.sleep(0)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.005):
            await asyncio.Event().wait()
