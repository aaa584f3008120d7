"""Slash commands: what a component declares, and what a command gets."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rekku.core.message import Message
from rekku.core.principal import Principal, Role


@dataclass(frozen=True, slots=True)
class CommandCall:
    """A command that somebody typed: `/say hello there` has name `say` and text `hello there`."""

    name: str
    text: str
    principal: Principal
    message: Message


@dataclass(frozen=True, slots=True)
class Command:
    """A slash command. `role` is the lowest role that may use it; the check is made before `run`, in one place.

    `run` returns the words for the person.
    """

    name: str
    summary: str
    run: Callable[[CommandCall], Awaitable[str] | str]
    role: Role = Role.TRAINER
    usage: str = ""
