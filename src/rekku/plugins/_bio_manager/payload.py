"""What a model writes in `bio_update`, taken apart; what is wrong with it, in words that it can act on."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rekku.core.audience import Privacy
from rekku.core.errors import ActionError
from rekku.core.text import whole_characters
from rekku.plugins._bio_manager.facts import DICTS, FIELDS, MOST

LONGEST = 300

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a bio: (key, text) pairs to add by field, names to take out by field, and how private it is."""

    add: Mapping[str, Pairs]
    remove: Mapping[str, list[str]]
    privacy: Privacy | None


def read_change(payload: Mapping[str, Any], most_fields: int) -> Change:
    """The change that a payload means. Raises ActionError with all that is wrong with it."""
    problems: list[str] = []
    add = {field: _pairs(f"payload.{field}", field, payload[field], problems) for field in FIELDS if field in payload}
    add = {field: pairs for field, pairs in add.items() if pairs}
    remove = _removals(payload.get("remove") or {}, problems)
    privacy = payload.get("privacy") or None
    if privacy not in (None, *Privacy):
        problems.append(f"payload.privacy must be one of {', '.join(Privacy)}")
    if most_fields and len(add) > most_fields:
        problems.append(
            f"one update may write {most_fields} fields and this one writes {len(add)} ({', '.join(add)}): "
            "write the most important ones now, and the others in a later update"
        )
    if not (problems or add or remove or privacy):
        problems.append(f"write at least one of {', '.join(FIELDS)}, remove, privacy")
    if problems:
        raise ActionError(*problems)
    return Change(add, remove, Privacy(privacy) if privacy else None)


def _pairs(where: str, field: str, value: Any, problems: list[str]) -> Pairs:
    try:
        pairs = list(_keyed(value) if field in DICTS else _listed(value))
    except TypeError:
        shape = 'an object like {"name": "value"}' if field in DICTS else "a list of short texts"
        problems.append(f"{where} must be {shape}")
        return []
    if any(len(key) > LONGEST or len(text) > LONGEST for key, text in pairs):
        problems.append(f"{where}: each fact may have {LONGEST} characters; say it in fewer words")
    if len(pairs) > MOST:
        problems.append(f"{where}: these are {len(pairs)} facts, and {MOST} may be kept; write those that matter")
    return [pair for pair in pairs if pair[1]]


def _keyed(value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, Mapping):
        raise TypeError
    yield from ((clean(key), clean(text)) for key, text in value.items() if clean(key))


def _listed(value: Any) -> Iterator[tuple[str, str]]:
    for one in [value] if isinstance(value, str) else value if isinstance(value, list) else [None]:
        parts = one.values() if isinstance(one, Mapping) else [one]
        yield "", ": ".join(clean(part) for part in parts)


def _removals(value: Any, problems: list[str]) -> dict[str, list[str]]:
    if not isinstance(value, Mapping) or not value.keys() <= set(FIELDS):
        problems.append(
            f'payload.remove must be an object like {{"likes": ["fish"]}}, with fields of a bio: {", ".join(FIELDS)}'
        )
        return {}
    found = {}
    for field, names in value.items():
        listed = list(names) if isinstance(names, list | Mapping) else [names]
        try:
            found[field] = [clean(name).casefold() for name in listed]
        except TypeError:
            problems.append(f"payload.remove.{field} must be a list of texts")
    return {field: names for field, names in found.items() if names}


def clean(value: Any) -> str:
    """A short text out of a text or a number, with whole characters; raises TypeError for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    return re.sub(r"\s+", " ", whole_characters(str(value))).strip()
