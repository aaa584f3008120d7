"""Slash commands: what a component declares, and what a command gets."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rekku.core.message import Message
from rekku.core.principal import Principal, Role


@dataclass(frozen=True, slots=True)
class CommandCall:
    """A command that somebody typed: `/say hello there` has name `say` and text `hello there`.

    `plain` says that it was typed without the slash and the name, to a command that listens (see `Answer`).
    """

    name: str
    text: str
    principal: Principal
    message: Message
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answers when it also says who gets the person's next plain messages in this conversation.

    `listens` True: this command gets them, as if each were typed behind its name, until a command answers False here
    or Rekku ends. Other slash commands go on working. The role is checked each time.
    """

    text: str
    listens: bool


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command. `role` is the lowest role that may use it; the check is made before `run`, in one place.

    `run` returns the words for the person, or an `Answer`.
    """

    name: str
    summary: str
    run: Callable[[CommandCall], Awaitable[str | Answer] | str | Answer]
    role: Role = Role.TRAINER
    usage: str = ""
