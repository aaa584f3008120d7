"""The shapes in which models ask for actions: the right one, and the dialects of weak models."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from rekku.chain.json_finder import Found, decode_at

TARGET_KEYS = ("interface", "target", "thread_id")
_NAME_KEYS = ("action", "name", "tool", "tool_name", "function")
_PAYLOAD_KEYS = ("payload", "arguments", "parameters", "params", "args", "input")
_LOOKED_AT = 1_000
"""How many members of a list are looked at to tell whether it lists actions."""
_WORD_KEYS = frozenset({"message", "text", "response", "reply", "content", "answer"})

NOT_AN_OBJECT = "payload must be an object"
NOT_AN_ACTION = "an action must be an object with `type` and `payload`"
OUTSIDE = "{} must stand inside payload"


@dataclass(frozen=True, slots=True)
class Asked:
    """One action that the model asked for. `problem` is a fault of its form, in words that the model can act on."""

    type: str
    payload: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def members_of(value: Any, known: Collection[str], *, alone: bool = False) -> tuple[list[Any], bool] | None:
    """The raw actions in a JSON value, and whether they stand as they should; None if it is no request to act.

    `alone`: the value is the whole reply, so that an empty list asks for nothing, and `{"message": {…}}` for a message.
    """
    if isinstance(value, list):
        return _members_of_list(value, known, alone)
    if not isinstance(value, dict):
        return None
    if "actions" in value:
        inner = value["actions"]
        return (inner, True) if isinstance(inner, list) else ([inner] if inner else [], False)
    calls = value.get("tool_calls")
    if isinstance(calls, list) and any(_is_action(call, known) for call in calls[:_LOOKED_AT]):
        return calls, False
    if _is_action(value, known):
        return [value], True
    if alone and not value:
        return [], True
    if alone and len(value) == 1:
        ((name, payload),) = value.items()
        if name in known and isinstance(payload, dict):
            return [{"type": name, "payload": payload}], False
    return None


def _members_of_list(value: list[Any], known: Collection[str], alone: bool) -> tuple[list[Any], bool] | None:
    if not value:
        return ([], True) if alone else None
    if not all(isinstance(member, dict) for member in value):
        return None
    if any(isinstance(member.get("actions"), list) for member in value[:_LOOKED_AT]):
        return [inner for member in value for inner in _listed(member.get("actions", member))], False
    return (value, True) if any(_is_action(member, known) for member in value[:_LOOKED_AT]) else None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_action(value: Any, known: Collection[str]) -> bool:
    if not isinstance(value, dict) or not value:
        return False
    name = value.get("type")
    if isinstance(name, str) and (name in known or _has_exact_shape(value)):
        return True
    inner = value.get("function")
    if isinstance(inner, dict):
        value = inner
    return any(isinstance(value.get(key), str) and value[key] in known for key in _NAME_KEYS)


def _has_exact_shape(value: dict[str, Any]) -> bool:
    return len(value) == 2 and isinstance(value.get("payload"), dict)


def read_member(member: Any) -> tuple[Asked, bool]:
    """One raw action, and whether it was written as it should."""
    if not isinstance(member, dict):
        return Asked("", {}, NOT_AN_ACTION), True
    if isinstance(member.get("function"), dict):
        return _read_named(member["function"])
    name = member.get("type")
    if not isinstance(name, str) or not name:
        return _read_named(member)
    if "payload" in member:
        return _read_proper(name, member), True
    if len(member) == 1:
        return Asked(name), True
    return Asked(name, _payload_beside(member, "type")), False


def _read_proper(name: str, member: dict[str, Any]) -> Asked:
    payload = member["payload"]
    if payload is None:
        payload = {}
    if not isinstance(payload, dict):
        return Asked(name, {}, NOT_AN_OBJECT)
    outside = [key for key in TARGET_KEYS if member.get(key) is not None]
    # A target that is overlooked would bring the text to the wrong person.
    return Asked(name, payload, OUTSIDE.format(" and ".join(outside)) if outside else "")


def _read_named(member: dict[str, Any]) -> tuple[Asked, bool]:
    for key in _NAME_KEYS:
        name = member.get(key)
        if isinstance(name, str) and name:
            return Asked(name, _payload_beside(member, key)), False
    return Asked("", {}, NOT_AN_ACTION), True


def _payload_beside(member: dict[str, Any], name_key: str) -> dict[str, Any]:
    for key in _PAYLOAD_KEYS:
        payload = member.get(key)
        if isinstance(payload, str) and payload.lstrip()[:1] == "{":
            found = decode_at(payload.strip())
            payload = found.value if isinstance(found, Found) and found.end == len(payload.strip()) else payload
        if isinstance(payload, dict):
            outside = {k: member[k] for k in TARGET_KEYS if member.get(k) is not None}
            return {**outside, **payload}
    return {key: value for key, value in member.items() if key not in {name_key, "id"}}


def words_of(value: Any, reply_fields: Collection[str]) -> str | None:
    """The words of a reply like `{"text": "hi"}`, perhaps with declared fields beside; None if it is not one."""
    if not isinstance(value, dict):
        return None
    rest = [key for key in value if key not in reply_fields and not (key == "role" and value[key] == "assistant")]
    if len(rest) == 1 and rest[0] in _WORD_KEYS and isinstance(value[rest[0]], str):
        return str(value[rest[0]])
    return None
