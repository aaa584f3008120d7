"""Rekku seen as a whole: what its owner may look at and change from a control panel (`self.host.house`).

Everything here is for the owner alone. Whoever shows it must have made sure who is looking.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from rekku.core.actions import Action
from rekku.core.commands import Command
from rekku.core.message import Conversation
from rekku.core.principal import Role
from rekku.core.settings import Setting
from rekku.core.turn import Deed


@dataclass(frozen=True, slots=True)
class Part:
    """One component, or one file that should have been one.

    `state` is as in `rekku doctor` (loaded, unconfigured, missing, failed, replaced, off); `reason` says in one line
    what to do, `health` what a component that runs says about itself ("" if all is well).
    """

    kind: str
    name: str
    state: str
    file: str
    builtin: bool = False
    reason: str = ""
    traceback: str = ""
    health: str = ""
    actions: tuple[Action, ...] = ()
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that is there. `models` are those that it lists, `model` the one in use ("" for its default)."""

    name: str
    active: bool
    model: str = ""
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Value:
    """A declared setting and what it is set to. The text of a secret is never here, only whether it `is_set`.

    `source` is environment, .env or default. What the environment sets cannot be changed here.
    """

    setting: Setting
    component: str
    text: str
    is_set: bool
    source: str


@dataclass(frozen=True, slots=True)
class Because:
    """What led to a reply: the facts that the prompt told, the engine, what was done, and what it cost.

    `cost` is in US dollars, None if it is not known of each call.
    """

    turn_id: int
    engine: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    history: int
    facts: Mapping[str, Any]
    deeds: tuple[Deed, ...]
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class Joining:
    """What it means to give all of the person `gone` to the person `kept`.

    `name`, `role` and `accounts` are what they have together then, `counts` say what moves (what: how many), and
    `full_rights` are the accounts that get all rights of the trainer by it.
    """

    gone: str
    kept: str
    name: str
    role: Role
    accounts: tuple[str, ...]
    counts: Mapping[str, int]
    full_rights: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation; `taken` says that the owner answers it by hand."""

    where: Conversation
    name: str
    direct: bool
    active_at: datetime
    taken: bool


@dataclass(frozen=True, slots=True)
class Condition:
    """How Rekku is."""

    version: str
    database: str
    engine: str
    model: str
    down: str
    open: int
    to_deliver: int
    running: int
    actions: int


@dataclass(frozen=True, slots=True)
class Record:
    """A line of the log, without secrets. Numbers grow."""

    number: int
    at: datetime
    level: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a day (UTC, as YYYY-MM-DD) saw: calls of models with their tokens and seconds, lines said and heard.

    `cost` is what those calls cost whose cost is known, in US dollars; `priced` says how many these are,
    with those that used no tokens.
    """

    day: str
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    heard: int = 0
    said: int = 0
    cost: float = 0.0
    priced: int = 0


@dataclass(frozen=True, slots=True)
class Durations:
    """How long things took: `counts` up to each of the `bounds` (but longer than the one before), and at last what
    took longer than all; `seconds` is the sum."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one model ("" for an engine's default), by how they ended (answered, failed, cancelled); `durations`
    of those that were answered; `cost` in US dollars, as far as it is known."""

    engine: str
    model: str
    ended: Mapping[str, int]
    prompt_tokens: int
    completion_tokens: int
    cost: float
    durations: Durations


@dataclass(frozen=True, slots=True)
class Tally:
    """What this process has counted since it started; it only grows.

    `heard` are messages of people, by interface; `sent` those of Rekku, by interface and how they ended (sent, failed,
    unknown); `turns` by how they ended; `replies` from taking a message in until the last word to it has arrived.
    """

    heard: Mapping[str, int]
    sent: Mapping[tuple[str, str], int]
    turns: Mapping[str, int]
    replies: Durations
    calls: Sequence[Calls]


class House(Protocol):
    """Rekku as a whole, for a control panel. What is wrong with a request is a RekkuError that says so."""

    async def commands(self) -> Sequence[Command]:
        """All slash commands, by name."""
        ...

    def persona(self) -> str:
        """What the persona is called."""
        ...

    async def condition(self) -> Condition:
        """How Rekku is right now."""
        ...

    async def parts(self) -> Sequence[Part]:
        """Every component, those included that are not in use."""
        ...

    async def reload(self, kind: str, name: str) -> Part:
        """Load a component's file again; if the new version fails, the old one goes on working, and the part says so.

        It may be the caller's own: the call then ends with the caller.
        """
        ...

    async def switch(self, kind: str, name: str, on: bool) -> Part:
        """Take a component out of use, after a restart too (setting REKKU_OFF), or put it back."""
        ...

    def panels(self) -> Sequence[str]:
        """The names of the plugins that have something for a control panel (`panel`)."""
        ...

    async def panel(self, plugin: str, deed: str, given: Mapping[str, Any]) -> Any:
        """Have a plugin do something for the control panel."""
        ...

    async def engines(self) -> Sequence[Engine]:
        """The engines that can be chosen."""
        ...

    async def choose_engine(self, name: str, model: str = "") -> None:
        """Think with this engine from now on, and with this model of it ("": leave that as it is)."""
        ...

    async def talks(self, most: int) -> Sequence[Talk]:
        """The conversations that were last active, the latest first."""
        ...

    async def take_over(self, where: Conversation, taken: bool) -> None:
        """Let the owner answer a conversation by hand, at the desk, or no longer: what waits there then goes to the
        engine in use."""
        ...

    async def values(self) -> Sequence[Value]:
        """All declared settings, Rekku's own first."""
        ...

    async def set_values(self, changes: Mapping[str, str]) -> None:
        """Write settings to `.env` of the home, all or none; an empty text removes one. Components whose settings
        change are loaded again. What does not fit is a ConfigError, which never repeats a secret."""
        ...

    async def because(self, where: Conversation, message_id: str) -> Because | None:
        """What led to the reply with this id on its platform, or to the reply to the message with this id."""
        ...

    async def set_role(self, person_id: str, role: Role) -> None:
        """Make a person known, unknown or blocked."""
        ...

    async def give_account(self, person_id: str, interface: str, user_id: str) -> None:
        """Let a new account on an interface be this person's (an access token of theirs, say)."""
        ...

    async def join(self, gone: str, kept: str, *, sure: bool, trusts: Sequence[str] = ()) -> Joining:
        """Make two persons one, or, unless `sure`, only say what that means. The trainer is always who stays.

        `trusts` must name exactly the accounts that get all rights of the trainer by it.
        """
        ...

    async def part(self, interface: str, user_id: str) -> None:
        """Take an account off its person: it is a person of its own again, and what is remembered stays."""
        ...

    async def forget(self, person_id: str, dry_run: bool) -> Mapping[str, int]:
        """Erase a person everywhere, or only count; `{what: how many}`."""
        ...

    async def usage(self, days: int) -> Sequence[Usage]:
        """The last days, oldest first, those without any activity left out."""
        ...

    def tally(self) -> Tally:
        """What this process has counted since it started."""
        ...

    def records(self) -> Sequence[Record]:
        """The last lines of the log."""
        ...

    def watch_records(self, watcher: Callable[[Record], None]) -> Callable[[], None]:
        """Call `watcher`, on the event loop, with every new line of the log; returns the undo."""
        ...
