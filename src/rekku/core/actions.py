"""Actions: what plugins offer, parsed once where it enters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from rekku.core.errors import PluginError

CAPABILITY_MARKERS = frozenset({"static_inject"})
"""Names among the action types that mark what a component can do; nobody can ask for them."""

JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
TYPE_WORDS: Mapping[str, str] = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


class Risk(IntEnum):
    """What an action can break. Who may run which risk is decided in one place, the permission gate."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a payload. `types` are JSON type names; empty means that anything goes."""

    name: str
    description: str = ""
    types: tuple[str, ...] = ()
    required: bool = False
    enum: tuple[Any, ...] = ()
    example: Any = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def problem(self, value: Any) -> str | None:
        """What is wrong with a value's type, in words for the model; None if nothing is."""
        if self.types and not any(_is(value, name) for name in self.types):
            return f"payload.{self.name} must be {' or '.join(TYPE_WORDS[name] for name in self.types)}"
        if self.enum and value not in self.enum:
            return f"payload.{self.name} must be one of {', '.join(map(str, self.enum))}"
        return None

    def schema(self) -> dict[str, Any]:
        """This field as JSON Schema."""
        schema = dict(self.more)
        if self.types:
            schema["type"] = self.types[0] if len(self.types) == 1 else list(self.types)
        if self.description:
            schema["description"] = self.description
        if self.enum:
            schema["enum"] = list(self.enum)
        return schema


@dataclass(frozen=True, slots=True)
class Action:
    """One action that a component offers, compiled from what its three methods say."""

    name: str
    description: str
    fields: tuple[Field, ...]
    instructions: Mapping[str, Any]
    risk: Risk = Risk.LOW
    idempotent: bool = False
    quotable: bool = False
    timeout: float | None = None
    trusted_output: bool = False
    approval: bool = False

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the fields that must be there."""
        return tuple(f.name for f in self.fields if f.required)

    @property
    def optional(self) -> tuple[str, ...]:
        """The names of the fields that may be left out."""
        return tuple(f.name for f in self.fields if not f.required)

    def absent(self, payload: Mapping[str, Any]) -> list[str]:
        """One sentence for each required field that is not in the payload."""
        return [f"payload.{name} is required" for name in self.required if name not in payload]

    def type_problems(self, payload: Mapping[str, Any]) -> list[str]:
        """One sentence for each field of the wrong type."""
        return [text for f in self.fields if f.name in payload and (text := f.problem(payload[f.name]))]

    def schema(self) -> dict[str, Any]:
        """The whole action as JSON Schema, fields in the order in which the model should write them."""
        payload: dict[str, Any] = {"type": "object", "properties": {f.name: f.schema() for f in self.fields}}
        if self.required:
            payload["required"] = list(self.required)
        return {
            "type": "object",
            "properties": {"type": {"const": self.name}, "payload": payload},
            "required": ["type", "payload"],
        }


def parse_actions(
    types: Sequence[str], supported: Mapping[str, Any], instructions: Mapping[str, Mapping[str, Any]]
) -> tuple[Action, ...]:
    """Actions out of what a component's introspection methods returned.

    An action that only one of `types` and `supported` names counts. Raises PluginError that names the action.
    """
    if not isinstance(supported, Mapping):
        raise PluginError(f"get_supported_actions() must return a dict, not {type(supported).__name__}")
    if isinstance(types, str) or not all(isinstance(name, str) for name in types):
        raise PluginError("get_supported_action_types() must return a list of names")
    names = dict.fromkeys(name for name in (*supported, *types) if name not in CAPABILITY_MARKERS)
    return tuple(_parse_action(name, supported.get(name, {}), instructions.get(name, {})) for name in names)


def _parse_action(name: str, spec: object, told: object) -> Action:
    if not isinstance(spec, Mapping) or not isinstance(told, Mapping):
        raise PluginError(f"the description of action {name!r} must be a dict")
    payload = told.get("payload") or {}
    if not isinstance(payload, Mapping):
        raise PluginError(f"the instructions of action {name!r} must have a dict under 'payload'")
    required = _names(name, spec, "required_fields")
    optional = _names(name, spec, "optional_fields")
    order = dict.fromkeys((*payload, *required, *optional))
    fields = tuple(_parse_field(name, f, payload.get(f) or {}, f in required) for f in order)
    timeout = spec.get("timeout")
    return Action(
        name=name,
        description=str(told.get("description") or spec.get("description") or ""),
        fields=fields,
        instructions=told,
        risk=_risk(name, spec),
        idempotent=spec.get("idempotent") is True,
        quotable=spec.get("quotable") is True,
        timeout=float(timeout) if isinstance(timeout, int | float) else None,
        trusted_output=spec.get("trusted_output") is True,
        approval=spec.get("approval") is True,
    )


def _names(action: str, spec: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = spec.get(key) or ()
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise PluginError(f"{key} of action {action!r} must be a list of field names")
    return tuple(names)


def _parse_field(action: str, name: str, told: Mapping[str, Any], required: bool) -> Field:
    if isinstance(told, str):
        told = {"description": told}
    if not isinstance(told, Mapping):
        raise PluginError(f"the instructions for payload.{name} of action {action!r} must be a dict")
    kinds = told.get("type") or ()
    types = tuple(kinds.split("|")) if isinstance(kinds, str) else tuple(kinds)
    known = tuple(kind.strip() for kind in types if kind.strip() in JSON_TYPES)
    return Field(
        name=name,
        description=str(told.get("description") or ""),
        types=known if len(known) == len(types) else (),
        required=required,
        enum=tuple(told.get("enum") or ()),
        example=told.get("example"),
        more={key: told[key] for key in ("items", "properties", "minimum", "maximum", "maxLength") if key in told},
    )


def _risk(name: str, spec: Mapping[str, Any]) -> Risk:
    match spec.get("risk"):
        case None:
            return Risk.MEDIUM if spec.get("restricted") else Risk.LOW
        case "low" | "medium" | "high" as word:
            floor = Risk.MEDIUM if spec.get("restricted") else Risk.LOW
            return max(floor, Risk[word.upper()])
        case other:
            raise PluginError(f"the risk of action {name!r} must be low, medium or high, not {other!r}")


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, JSON_TYPES[name])
