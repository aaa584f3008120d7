"""Events as a control panel shows them to the owner: everybody's, with all times until some day."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rekku.core.errors import ActionError
from rekku.core.message import Conversation, Message, User
from rekku.core.principal import TRAINER_PERSON, Principal, Role
from rekku.plugins._event import words
from rekku.plugins._event.asked import as_asked
from rekku.plugins._event.book import Viewer
from rekku.plugins._event.calendar import next_after, wall_time
from rekku.plugins._event.tables import Event

MOST = 500
MOST_TOLD = 50
MOST_TIMES = 62
"""Times of one event that are shown."""
FARTHEST = timedelta(days=400)

DEEDS = {"create": "event", "update": "event_update", "cancel": "event_cancel", "acknowledge": "event_acknowledge"}
DEEDS["snooze"] = "event_snooze"


def owner_at(here: object, now: datetime) -> Viewer:
    """The owner, in the chat that a panel names as `interface:chat`. Raises ActionError."""
    interface, _, chat = str(here or "").partition(":")
    if not interface or not chat:
        raise ActionError("`here` must name the owner's chat, as interface:chat")
    principal = Principal(TRAINER_PERSON, Role.TRAINER, interface, chat)
    return Viewer(principal, Message(Conversation(interface, chat), User(chat), "", now))


def shown(waiting: Sequence[Event], told: Sequence[Event], until: object, now: datetime) -> Mapping[str, Any]:
    """What is to come, with its times until a day, and what has come. Takes a moment: call it in a thread."""
    try:
        end = datetime.fromisoformat(str(until)) if until else now + timedelta(days=62)
        end = min(end if end.tzinfo else end.replace(tzinfo=now.tzinfo), now + FARTHEST)
    except ValueError:
        raise ActionError("`until` must be a date, as 2026-03-31") from None
    return {
        "waiting": [{**_event(event, now), "times": _times(event, end)} for event in waiting],
        "told": [_event(event, now) for event in told],
    }


def _event(event: Event, now: datetime) -> dict[str, Any]:
    rule = event.rule
    return {
        **words.told(event, now),
        "description": event.description,
        "repeats": words.repetition(rule),
        "state": event.status,
        "person": event.person_id,
        "chat": str(event.conversation),
        "acknowledged": event.acknowledged,
        "late_policy": event.late_policy,
        "rule": as_asked(rule),
    }


def _times(event: Event, end: datetime) -> list[str]:
    """Wall times, in the zone of the event."""
    times: list[str] = []
    at = event.next_at
    while at is not None and at <= end and len(times) < MOST_TIMES:
        times.append(f"{wall_time(at, event.rule.zone):%Y-%m-%dT%H:%M}")
        if not event.rule.repeats or event.rule.repeat == "always":
            break
        at = next_after(event.rule, at)
    return times
