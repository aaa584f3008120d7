"""The base class of plugins. Subclassing it is a convenience: a class that offers the same methods is as good."""

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from rekku.core.commands import Command
from rekku.core.database import Schema
from rekku.core.errors import ActionError
from rekku.core.host import Host
from rekku.core.message import Message
from rekku.core.settings import Setting
from rekku.core.turn import Turn

Facts = Mapping[str, Any]
Problems = Sequence[str]


class AIPluginBase:
    """A plugin: it offers actions to the model, facts to the prompt, commands to people.

    Every method may be `def` or `async def`. `async def` runs on Rekku's event loop and must not block it; `def`
    runs in a thread of its own, so that it may. Each call has a time limit, and what it raises is kept from others.
    """

    host: Host
    """Database, settings, sending, clock, tasks: see `core.host`. Set before `start`."""

    settings: Sequence[Setting] = ()
    """The settings that it reads, from `self.host.settings`."""

    tables: Schema | None = None
    """Its tables, made and migrated before `start`."""

    @staticmethod
    def missing_settings(given: Mapping[str, str]) -> Sequence[str]:  # noqa: ARG004 - for subclasses
        """What must be set and is not, where `required` cannot say it (“A or B”). `given` are all settings' texts."""
        return ()

    def get_supported_action_types(self) -> Sequence[str] | Awaitable[Sequence[str]]:
        """The names of the actions that it handles, beside those of `get_supported_actions`."""
        return ()

    def get_supported_actions(self) -> Facts | Awaitable[Facts]:
        """`{name: {description, required_fields, optional_fields, restricted?, risk?, idempotent?, …}}`.

        `restricted: True` is medium risk; `risk` is low, medium or high. An `idempotent` action may be done again
        after a crash; a `quotable` one may run out of a reply that is not clean JSON (both default to no).
        `timeout` is in seconds. Outputs count as other people's words unless it says `trusted_output`. With
        `approval` the trainer is asked each time, and it is done after `/approve`.
        """
        return {}

    def get_prompt_instructions(self, action_name: str) -> Facts | Awaitable[Facts]:
        """What the model is told: `{description, payload: {field: {type, description, example?, enum?}}}`."""
        return {}

    def validate_payload(self, action_type: str, payload: Mapping[str, Any]) -> Problems | Awaitable[Problems]:
        """Problems, each a sentence that the model can act on. Required fields are there when this is asked."""
        return []

    async def handle_custom_action(self, action_type: str, payload: Mapping[str, Any]) -> Any:
        """Do it. What is returned (not None) goes back to the model; raise ActionError to say why it cannot be done."""
        raise NotImplementedError(f"{type(self).__name__} offers {action_type!r} but does not handle it")

    def get_static_injection(
        self, message: Message | None = None, context_memory: Mapping[str, Any] | None = None
    ) -> Facts | Awaitable[Facts]:
        """Facts for the prompt's `context`; what is late is left out of the prompt."""
        return {}

    def get_reply_fields(self) -> Facts | Awaitable[Facts]:
        """Keys that it would like beside `actions` in the model's reply: `{key: JSON Schema with a description}`."""
        return {}

    def get_commands(self) -> Sequence[Command] | Awaitable[Sequence[Command]]:
        """Slash commands that it adds."""
        return ()

    async def start(self) -> None:
        """Begin to live. Start background work with `self.host.spawn`."""

    async def stop(self) -> None:
        """Let go of everything; its tasks have been ended."""

    async def on_turn_end(self, turn: Turn) -> None:
        """A turn is over. Called at least once for each turn that was answered (again after a crash: see `turn.id`)."""

    async def panel(self, deed: str, given: Mapping[str, Any]) -> Any:
        """Do something for a control panel that only the owner sees: what is returned goes to it as JSON. What its
        deeds are, the plugin says. Raise ActionError to say why something cannot be done."""
        raise ActionError(f"{type(self).__name__} has no {deed!r} for a control panel")

    async def forget_person(self, person_id: str, dry_run: bool) -> Mapping[str, int]:
        """Erase a person from its own tables, or count only; `{what: how many}`."""
        return {}

    async def merge_person(self, old: str, new: str) -> None:
        """Two accounts have turned out to be one person's: what is kept of the person `old` belongs to `new` from now
        on, and nothing of it is lost. May be called again for the same two (after a crash)."""

    def export_state(self) -> Any:
        """What the next version should take over at a reload."""
        return None

    def import_state(self, state: Any) -> None:
        """Take over what the version before exported."""

    def health(self) -> str | Awaitable[str]:
        """ "" if all is well, else one sentence for `rekku doctor` and `/status`."""
        return ""
