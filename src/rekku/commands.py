"""Slash commands: one registry for all interfaces, one place where permission is checked."""

import inspect
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass

from rekku.core.commands import Answer, Command, CommandCall
from rekku.core.errors import RekkuError
from rekku.core.members import in_thread
from rekku.core.message import Conversation, Message
from rekku.core.principal import Principal
from rekku.core.registry import Component, Registry

log = logging.getLogger(__name__)

COMMAND = re.compile(r"/([a-z][a-z0-9_]{0,31})(?:@\S+)?(?:\s+(.*))?\Z", re.IGNORECASE | re.DOTALL)

UNKNOWN = "There is no command /{name}. /help shows what there is."
NOT_PERMITTED = "/{name} is for the role {role} and above; you are {own}."
FAILED = "/{name} did not work: {reason}"
BROKEN = "/{name} broke ({kind}). The log says where; nothing else was changed."


@dataclass(frozen=True, slots=True)
class Typed:
    """A command as it was typed; `plain` if it is a message that a listening command gets."""

    name: str
    text: str
    plain: bool = False


def read(text: str) -> Typed | None:
    """The command in a message, or None if it is none (a path like /etc/passwd is none)."""
    match = COMMAND.match(text.strip())
    return Typed(match[1].lower(), (match[2] or "").strip()) if match else None


class Commands:
    """Rekku's own commands and those of the components."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._own: dict[str, Command] = {}
        self._all: dict[str, Command] | None = None
        self._listening: dict[tuple[Conversation, str], str] = {}
        registry.on_change(self._forget)

    def add(self, commands: Iterable[Command]) -> None:
        """Add Rekku's own commands; no component can replace them."""
        self._own.update((command.name, command) for command in commands)
        self._all = None

    async def known(self) -> dict[str, Command]:
        """Every command by its name."""
        if self._all is None:
            found: dict[str, Command] = {}
            for component in self._registry:
                for command in await self._of(component):
                    found.setdefault(command.name.lower(), command)
            self._all = {**found, **self._own}
        return self._all

    def heard_by(self, message: Message, principal: Principal) -> Typed | None:
        """The command that listens to this person's plain messages here (see `core.commands.Answer`); None if none."""
        name = self._listening.get((message.conversation, principal.person_id))
        return None if name is None else Typed(name, message.text, plain=True)

    async def run(self, typed: Typed, principal: Principal, message: Message) -> str:
        """Run a command if this person may; the words for the person, whatever happens."""
        command = (await self.known()).get(typed.name)
        here = (message.conversation, principal.person_id)
        if command is None:
            if typed.plain:  # its component has gone
                self._listening.pop(here, None)
            return UNKNOWN.format(name=typed.name)
        if principal.role < command.role:
            return NOT_PERMITTED.format(name=typed.name, role=command.role.word, own=principal.role.word)
        call = CommandCall(typed.name, typed.text, principal, message, typed.plain)
        try:
            answer = await _answer(command, call)
            if isinstance(answer, Answer):
                self._listen(here, typed.name if answer.listens else "")
                return answer.text
            return str(answer)
        except RekkuError as error:
            return FAILED.format(name=typed.name, reason=error)
        except Exception as error:  # the door to a component's command
            log.exception("The command /%s failed.", typed.name)
            return BROKEN.format(name=typed.name, kind=type(error).__name__)

    async def _of(self, component: Component) -> list[Command]:
        members = component.members
        if not members.has("get_commands"):
            return []
        try:
            return [command for command in await members.call("get_commands") if isinstance(command, Command)]
        except Exception:  # the door to a component's list
            log.exception("The commands of %s could not be had.", component.name)
            return []

    def _listen(self, here: tuple[Conversation, str], name: str) -> None:
        if name:
            self._listening[here] = name
        else:
            self._listening.pop(here, None)

    def _forget(self) -> None:
        self._all = None


async def _answer(command: Command, call: CommandCall) -> object:
    if inspect.iscoroutinefunction(command.run):
        return await command.run(call)
    result = await in_thread(command.run, call)
    return await result if inspect.isawaitable(result) else result
