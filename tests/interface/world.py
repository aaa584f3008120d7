"""A platform as its people see it: what every interface is tested against, through a local server of its protocol."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Table, select

from rekku.core.database import Statement
from rekku.store.schema import INBOX
from rekku.testing import PATIENCE, Bot

File = tuple[str, str, str, bytes]
"""Kind, name, type and content of a file."""

EVERYTHING = frozenset(
    {
        "people", "groups", "threads", "edit", "files", "audio", "edits_of_people", "buttons", "reactions", "typing",
        "commands", "backlog", "faults", "keys",
    }
)  # fmt: skip
"""What a platform can. backlog: what is said while Rekku is down arrives later; faults: `limits`, `loses_answer`,
`refuses`, `cuts`; keys: what is sent twice with one key is one message."""


@dataclass(frozen=True)
class Shown:
    """One message of Rekku's, as people on the platform see it now. `rich` is the platform's own formatting."""

    id: str
    text: str
    thread: str = ""
    reply_to: str = ""
    files: tuple[tuple[str, str, bytes], ...] = ()
    edits: int = 0
    rich: object = None
    choices: tuple[str, ...] = ()


class World(Protocol):
    """A platform. People are named by their user ids; Ann's direct chat is asked for as chat "ann"."""

    interface: str
    owner: str
    """A user who is the trainer by `settings`."""
    can: Collection[str]
    """Which of EVERYTHING."""
    settings: dict[str, str]
    secret: str
    """What must stand in no log."""
    max_length: int

    @property
    def pings(self) -> Sequence[str]:
        """Whom Rekku's messages made the platform call (`everyone`, a user id…)."""
        ...

    async def open(self) -> None:
        """Bring the platform up."""
        ...

    async def close(self) -> None:
        """Take it down."""
        ...

    async def attach(self, bot: Bot) -> None:
        """Wait until the bot, which has just started, is connected."""
        ...

    async def says(
        self,
        text: str,
        *,
        user: str = "ann",
        chat: str = "",
        thread: str = "",
        reply_to: str = "",
        mention: bool = False,
        files: Sequence[File] = (),
        bot: bool = False,
    ) -> str:
        """Somebody writes, in a direct chat with Rekku or in a group; the message's id on the platform."""
        ...

    async def edits(self, message_id: str, text: str) -> None:
        """Whoever wrote that message changes it."""
        ...

    async def presses(self, shown: Shown, label: str, *, user: str) -> None:
        """Somebody presses a button."""
        ...

    async def reacts(self, shown: Shown, emoji: str, *, user: str) -> None:
        """Somebody puts a reaction under a message."""
        ...

    def shown(self, chat: str = "ann", thread: str = "") -> list[Shown]:
        """What stands there of Rekku's, oldest first."""
        ...

    def typed(self, chat: str = "ann") -> bool:
        """Whether Rekku has ever been shown as writing there."""
        ...

    def commands(self) -> Collection[str]:
        """The names of the slash commands that the platform offers."""
        ...

    async def redelivers(self) -> None:
        """The platform delivers the last message once more."""
        ...

    async def cuts(self) -> None:
        """All connections break, and new ones are refused."""
        ...

    async def mends(self) -> None:
        """Connections work again."""
        ...

    def limits(self, seconds: float, after: int = 0) -> None:
        """After so many more messages of Rekku's, one is answered: too many, wait so long."""
        ...

    def loses_answer(self) -> None:
        """Rekku's next message arrives and is shown, but its answer never reaches Rekku."""
        ...

    def refuses(self) -> None:
        """Rekku's next message is refused for good."""
        ...


@dataclass
class Talk:
    """A bot on a platform."""

    world: World
    bot: Bot
    step: float = 0.2
    """Seconds that the bot's clock moves with each look, so that what asks again and again does so."""
    seen: dict[str, int] = field(default_factory=dict)

    async def until(self, fact: Callable[[], object], what: str = "") -> None:
        """Let everything go on until something is so."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not fact():
                    await self.bot.clock.advance(self.step)
                    await asyncio.sleep(0.005)
        except TimeoutError:
            raise AssertionError(f"in vain: {what or 'what the test waits for'}; {self._state()}") from None

    async def kept(self, *words: str, table: Table = INBOX) -> None:
        """Wait until these words stand in a table: in that of what Rekku has heard, if no other is named."""
        told = ""
        async with asyncio.timeout(PATIENCE):
            while not all(word in told for word in words):
                await self.bot.clock.advance(self.step)
                told = str(await self.bot.running.database.fetch(Statement(select(table))))

    async def settled(self) -> None:
        """Wait until no turn runs, and all that was said is known to have been sent."""
        async with asyncio.timeout(PATIENCE):
            while self.bot.running.road.inbox.running or await self.bot.running.road.outbox_store.waiting():
                await self.bot.clock.advance(self.step)

    async def rest(self) -> None:
        """Let everything go on for a while in which nothing new should be seen."""
        for _ in range(30):
            await self.bot.clock.advance(self.step)
            await asyncio.sleep(0.005)

    def texts(self, chat: str = "ann", thread: str = "") -> list[str]:
        """What stands there of Rekku's."""
        return [shown.text.strip() for shown in self.world.shown(chat, thread)]

    async def hears(self, text: str, *expected: str, chat: str = "", user: str = "ann", **told: object) -> list[str]:
        """Somebody says it, and Rekku is waited for until it has said so much more there; the texts that are new."""
        where, thread = chat or user, str(told.get("thread", ""))
        before = len(self.texts(where, thread))
        await self.world.says(text, user=user, chat=chat, **told)  # type: ignore[arg-type]
        most = max(1, len(expected))
        await self.until(lambda: len(self.texts(where, thread)) >= before + most, f"an answer to {text!r} in {where}")
        return self.texts(where, thread)[before:]

    def _state(self) -> str:
        return f"the model was asked {len(self.bot.engine.prompts)} times"
