"""The catalogue: what a model may ask for in a turn, as prompt text and as JSON Schema, compiled once per change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rekku.chain.permission import Rules, refusal
from rekku.core.actions import Action
from rekku.core.message import Conversation
from rekku.core.principal import Principal, Role
from rekku.core.registry import Component, Kind, Registry
from rekku.store.codec import dump

MESSAGE = "message"
OWN_MESSAGE = "message_"


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered in one kind of turn."""

    actions: Mapping[str, Action]
    text: str
    schema: Mapping[str, Any]
    reply_fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Owned:
    """An action and whose it is."""

    action: Action
    owner: Component


class Catalogue:
    """All actions by name, and offers by role and place; compiled anew when the registry changes."""

    def __init__(self, registry: Registry, rules: Rules) -> None:
        self._registry = registry
        self._rules = rules
        self._offers: dict[tuple[Role, str, bool], Offer] = {}
        self.actions: dict[str, Owned] = {}
        self.interfaces: frozenset[str] = frozenset()
        self.reply_fields: dict[str, Any] = {}
        registry.on_change(self._compile)
        self._compile()

    def is_message(self, name: str) -> bool:
        """Whether an action only says something: its whole effect is a row in the outbox."""
        return name == MESSAGE or (name.startswith(OWN_MESSAGE) and name[len(OWN_MESSAGE) :] in self.interfaces)

    def is_quotable(self, name: str) -> bool:
        """Whether an action may run out of a reply that was not clean."""
        owned = self.actions.get(name)
        return self.is_message(name) or (owned is not None and owned.action.quotable)

    def offer(self, who: Principal, where: Conversation, direct: bool) -> Offer:
        """What is offered to this person in this place; the same object as long as nothing changes."""
        high = direct or f"{where.interface}:{where.chat_id}" in self._rules.high_risk_chats
        key = (who.role, where.interface, high)
        if key not in self._offers:
            self._offers[key] = self._make_offer(who, where, direct)
        return self._offers[key]

    def _make_offer(self, who: Principal, where: Conversation, direct: bool) -> Offer:
        offered = {
            name: owned.action
            for name, owned in self.actions.items()
            if not refusal(owned.action, who, where, direct, self._rules) and self._useful(name, who, where)
        }
        properties = {
            "actions": {"type": "array", "items": {"anyOf": [action.schema() for action in offered.values()]}},
            **self.reply_fields,
        }
        schema = {"type": "object", "properties": properties, "required": ["actions"], "additionalProperties": False}
        return Offer(offered, _text(offered, self.reply_fields), schema, self.reply_fields)

    def _useful(self, name: str, who: Principal, where: Conversation) -> bool:
        """An interface's own message action matters to whoever may write to other chats."""
        own = self.is_message(name) and name != MESSAGE
        return not own or who.is_trainer or name == OWN_MESSAGE + where.interface

    def _compile(self) -> None:
        components = sorted(self._registry, key=lambda c: (c.kind is not Kind.PLUGIN, c.name))
        self.interfaces = frozenset(c.name for c in components if c.kind is Kind.INTERFACE)
        self.actions = {action.name: Owned(action, c) for c in components for action in c.actions}
        self.reply_fields = {key: value for c in components for key, value in c.reply_fields.items()}
        self._offers.clear()


def _text(offered: Mapping[str, Action], reply_fields: Mapping[str, Any]) -> str:
    lines = [f"- {name}: {action.description}\n  payload: {_payload(action)}" for name, action in offered.items()]
    text = "Actions that you may use:\n" + "\n".join(lines)
    if reply_fields:
        fields = "\n".join(f"- {key}: {dump(schema)}" for key, schema in reply_fields.items())
        text += "\n\nBeside `actions`, the reply object may have these keys:\n" + fields
    return text


def _payload(action: Action) -> str:
    fields: dict[str, Any] = {}
    for field in action.fields:
        told = "required" if field.required else "optional"
        kind = " or ".join(field.types) or "any"
        text = f"{kind}, {told}" + (f": {field.description}" if field.description else "")
        if field.enum:
            text += f" (one of {', '.join(map(str, field.enum))})"
        if field.example is not None:
            text += f". Example: {dump(field.example)}"
        fields[field.name] = text
    return dump(fields)
