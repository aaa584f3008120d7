"""What an entry of the diary is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

PRIVATE, CHAT, PUBLIC = "private", "chat", "public"
PRIVACIES = (PRIVATE, CHAT, PUBLIC)
MODEL, RULES = "model", "rules"
_LISTS = ("involved_users", "context_tags", "present", "speakers")


@dataclass(frozen=True, slots=True)
class Feeling:
    """A feeling and how strong it is, from 0 to 10."""

    type: str
    intensity: float


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `present` are the ids of the persons who were there; `involved_users` are names, and grant nothing.

    `speakers` are those of the present whose words stand in it, None if that is not known.
    `written_by` says whose the thought, the summary and the tags are: the model's, or the rules'.
    """

    id: int
    timestamp: datetime
    content: str
    personal_thought: str = ""
    emotions: tuple[Feeling, ...] = ()
    involved_users: tuple[str, ...] = ()
    interaction_summary: str = ""
    user_message: str = ""
    context_tags: tuple[str, ...] = ()
    interface: str = ""
    chat_id: str = ""
    thread_id: str = ""
    privacy: str = PRIVATE
    present: tuple[str, ...] = ()
    written_by: str = MODEL
    speakers: tuple[str, ...] | None = None

    @property
    def spoke(self) -> tuple[str, ...]:
        """Whose words stand in it: the speakers; if that is not known, everybody who was present."""
        return self.present if self.speakers is None else self.speakers

    @property
    def searched(self) -> str:
        """The text that it is found by."""
        parts = [self.user_message, self.content, " ".join(self.context_tags), " ".join(self.involved_users)]
        if self.written_by == MODEL:
            parts += [self.personal_thought, self.interaction_summary]
        return "\n".join(part for part in parts if part)

    def as_dict(self) -> dict[str, Any]:
        """The entry as other code and exports get it: plain values, the time in ISO form."""
        told: dict[str, Any] = {name: getattr(self, name) for name in self.__slots__} | {"speakers": self.spoke}
        told["timestamp"] = self.timestamp.isoformat()
        told["emotions"] = [{"type": f.type, "intensity": f.intensity} for f in self.emotions]
        return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items()}

    def as_row(self) -> dict[str, Any]:
        """The values of its row."""
        row = {name: getattr(self, name) for name in self.__slots__}
        row["emotions"] = json.dumps([[f.type, f.intensity] for f in self.emotions], ensure_ascii=False)
        for name in _LISTS:
            row[name] = None if row[name] is None else json.dumps(row[name], ensure_ascii=False)
        return row


def entry_of(row: Any) -> Entry:
    """The entry that a row holds."""
    return Entry(
        row.id,
        row.timestamp,
        row.content,
        row.personal_thought,
        tuple(Feeling(kind, strength) for kind, strength in _listed(row.emotions)),
        _listed(row.involved_users),
        row.interaction_summary,
        row.user_message,
        _listed(row.context_tags),
        row.interface,
        row.chat_id,
        row.thread_id,
        row.privacy,
        _listed(row.present),
        row.written_by,
        None if row.speakers is None else _listed(row.speakers),
    )


def entry_from(told: "Entry | Mapping[str, Any]") -> Entry:
    """The entry that `as_dict` told."""
    if isinstance(told, Entry):
        return told
    values = {name: told[name] for name in Entry.__slots__ if name in told}
    values["timestamp"] = datetime.fromisoformat(values["timestamp"])
    values["emotions"] = tuple(Feeling(f["type"], f["intensity"]) for f in values.get("emotions", ()))
    for name in _LISTS:
        if values.get(name) is not None:
            values[name] = tuple(values[name])
    return Entry(**values)


@lru_cache(maxsize=2_000)
def _listed(text: str) -> tuple[Any, ...]:
    return tuple(json.loads(text))
