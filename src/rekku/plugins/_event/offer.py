"""What the model is offered, and how it is told to use it."""

from collections.abc import Mapping
from typing import Any

from rekku.plugins._event.asked import LATE, LONGEST, MOST_MINUTES
from rekku.plugins._event.calendar import REPEATS

_CHANGEABLE = ("time", "repeat", "cron", "timezone", "until", "late_policy")

ACTIONS: Mapping[str, Mapping[str, Any]] = {
    "event": {
        "description": "Schedule a reminder, or something to do later.",
        "required_fields": ["date", "description"],
        "optional_fields": [*_CHANGEABLE, "interface", "target", "thread_id", "created_by"],
        "idempotent": True,
        "trusted_output": True,
    },
    "event_list": {"description": "List this person's events.", "idempotent": True},
    "event_update": {
        "description": "Change an event.",
        "required_fields": ["id"],
        "optional_fields": ["date", "description", *_CHANGEABLE],
        "idempotent": True,
        "trusted_output": True,
    },
    "event_cancel": {
        "description": "Cancel an event.",
        "required_fields": ["id"],
        "idempotent": True,
        "trusted_output": True,
    },
    "event_acknowledge": {
        "description": "Note that the person has done or seen what an event was about.",
        "optional_fields": ["id"],
        "idempotent": True,
        "trusted_output": True,
    },
    "event_snooze": {
        "description": "Let an event that came (or is to come) come in some minutes from now.",
        "required_fields": ["minutes"],
        "optional_fields": ["id"],
        "idempotent": True,
        "trusted_output": True,
    },
}

_ID: Mapping[str, Any] = {
    "type": ["integer", "string"],
    "description": "the event's number, from event_list",
}
_LAST: Mapping[str, Any] = {**_ID, "description": "the event's number; left out: the one that came last"}
_FIELDS: Mapping[str, Mapping[str, Any]] = {
    "date": {"type": "string", "description": "YYYY-MM-DD; the first day, if it repeats", "example": "2026-12-31"},
    "description": {
        "type": "string",
        "description": "what to remind of or do, complete, in the person's language, without the time",
        "maxLength": LONGEST,
        "example": "call the dentist",
    },
    "time": {
        "type": "string",
        "description": "HH:MM or HH:MM:SS, 24 hours, local; left out: 09:00. For minutes from now, with the seconds",
        "example": "18:30",
    },
    "repeat": {
        "type": "string",
        "description": "always: at every start and every hour; what repeats otherwise needs cron",
        "enum": list(REPEATS),
    },
    "cron": {
        "type": "string",
        "description": "instead of repeat, for all else: minute hour day month weekday. 0 9 * * mon-fri",
    },
    "timezone": {"type": "string", "description": "only if another than that of context.events.now, as Europe/Rome"},
    "until": {"type": "string", "description": "YYYY-MM-DD, the last day of a repetition"},
    "late_policy": {
        "type": "string",
        "description": "if it was missed: say it late (deliver), also ask whether it still matters, or skip it",
        "enum": list(LATE),
    },
    "interface": {"type": "string", "description": "only for another chat than this: where it is"},
    "target": {"type": ["string", "integer"], "description": "only for another chat than this: its id or name"},
    "thread_id": {"type": ["string", "integer"], "description": "only for a thread of that chat"},
    "created_by": {"type": "string", "description": "a label"},
}


_SHORT: Mapping[str, Mapping[str, Any]] = {
    name: {key: value for key, value in spec.items() if key not in ("description", "example")}
    for name, spec in _FIELDS.items()
}
"""The fields without words, for an action that takes the same as `event`."""


def _told(action: str, text: str, **special: Mapping[str, Any]) -> Mapping[str, Any]:
    spec = ACTIONS[action]
    names = (*spec.get("required_fields", ()), *spec.get("optional_fields", ()))
    return {"description": text, "payload": {name: special.get(name) or _FIELDS[name] for name in names}}


INSTRUCTIONS: Mapping[str, Mapping[str, Any]] = {
    "event": _told(
        "event",
        "Schedule a reminder, or something to do later; it comes back to you by itself. Use it whenever the person "
        "wants to be reminded, or you promise something for later. Work out date and time from context.events.now: "
        "it is local, as all times of events are; other timestamps are in UTC. "
        "When input.type is `event`, one is due: say it with `message`, and do not schedule it again.",
    ),
    "event_list": _told("event_list", "List all of this person's events that are to come, and those that came lately."),
    "event_update": _told(
        "event_update", "Change an event: give only what changes, in the fields of `event`.", **{**_SHORT, "id": _ID}
    ),
    "event_cancel": _told("event_cancel", "Cancel an event, all its repetitions too.", id=_ID),
    "event_acknowledge": _told(
        "event_acknowledge",
        "Note that the person has done or seen what an event was about; if it was put off, it does not come again.",
        id=_LAST,
    ),
    "event_snooze": _told(
        "event_snooze",
        "Let an event come (again) some minutes from now, when the person says “later” to a reminder.",
        minutes={"type": "integer", "description": f"1 to {MOST_MINUTES}", "example": 10},
        id=_LAST,
    ),
}
