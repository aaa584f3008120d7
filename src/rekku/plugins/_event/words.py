"""What is said of events: to the model, and to people."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rekku.core.clock import span
from rekku.plugins._event.calendar import MOST_COUNTED, Rule, wall_time
from rekku.plugins._event.tables import Event

ON_TIME = timedelta(minutes=1)
"""What goes out within this time is not called late."""


def local(moment: datetime, zone: str) -> str:
    """An instant as people read it."""
    return f"{wall_time(moment, zone):%Y-%m-%d %H:%M} ({zone})"


def repetition(rule: Rule) -> str:
    """How an event repeats; "" if it does not."""
    if not rule.repeats:
        return ""
    text = f"cron {rule.cron}" if rule.cron else rule.repeat
    return text + (f", until {rule.until:%Y-%m-%d}" if rule.until else "")


def told(event: Event, now: datetime) -> dict[str, Any]:
    """An event as the model sees it."""
    facts: dict[str, Any] = {"id": event.id}
    if event.next_at is not None:
        facts["next"] = local(event.next_at, event.rule.zone)
        facts["in"] = span(event.next_at - now)
    else:
        facts["status"] = event.status
    if event.last_at is not None:
        facts["last"] = f"{local(event.last_at, event.rule.zone)}: {event.last_outcome}"
    if repeats := repetition(event.rule):
        facts["repeats"] = repeats
    return facts


def clock(now: datetime, zone: str) -> str:
    """The present as a model needs it: weekday, date, time and zone."""
    return f"{wall_time(now, zone):%A, %Y-%m-%d %H:%M:%S} ({zone})"


def line(event: Event, now: datetime) -> str:
    """An event as a line of `/events`."""
    if event.next_at is not None:
        when = f"{local(event.next_at, event.rule.zone)}, in {span(event.next_at - now)}"
    elif event.last_at is not None:
        when = f"{local(event.last_at, event.rule.zone)}, {event.last_outcome}"
    else:
        when = event.status
    repeats = repetition(event.rule)
    return f"{event.id}  {when}{f', {repeats}' if repeats else ''}: {event.description}"


def by_hand(problem: str) -> str:
    """What a model is told went wrong, for a person who typed a command."""
    text = problem.replace("give payload.id", "write its number too, as /snooze 20 3; /events shows the numbers")
    return text.replace("payload.", "").replace("event_list", "/events")


def lateness(due: datetime, now: datetime, missed: int, zone: str) -> str:
    """How late it is, and how often it was missed meanwhile; "" if it is on time."""
    if now - due <= ON_TIME:
        return ""
    text = f"it was due at {local(due, zone)}, {span(now - due)} ago"
    if missed:
        count = f"{missed} more time{'' if missed == 1 else 's'}" if missed < MOST_COUNTED else "many more times"
        text += f", and would have come {count} since then"
    return text


def reminder(event: Event, late: str, asks: bool) -> str:
    """What a turn is told when an event is due."""
    steps: Sequence[str] = (
        f"The event {event.id}, which this person asked for earlier, is due now: “{event.description}”.",
        "Say it to them now with the action `message`, in your own words and in their language, as a reminder. "
        "If it is something that you are to do, do it and say so.",
        "It is already scheduled: do not use the action `event` for it again.",
        f"It is late: {late}. Say that too." if late else "",
        "As it is late, ask whether it still matters." if asks else "",
    )
    return " ".join(step for step in steps if step)


def plain(event: Event, late: str, asks: bool) -> str:
    """The reminder without a model."""
    text = f"Reminder: {event.description}"
    if late:
        text += f" (Late: {late}.)"
    return text + (" Does it still matter?" if asks else "")
