"""What a model asks for, made into a rule, or into problems that it can act on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from rekku.core.clock import span
from rekku.core.errors import ActionError
from rekku.plugins._event.calendar import (
    Rule,
    closest,
    cron_problem,
    instant,
    next_after,
    parse_date,
    parse_time,
    wall_time,
)
from rekku.plugins._event.words import local

WHEN = ("date", "time", "repeat", "cron", "timezone", "until")
LATE = ("deliver", "ask", "skip")
MORNING = time(9, 0)
"""The time of an event for which only a date was given."""

LONGEST = 2000
MOST_MINUTES = 60 * 24 * 30
MOST_EVENTS = 2**63
"""No event has a number like that: no database could keep it."""
FARTHEST = 100
"""Years ahead."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The owner's choices, and the present. `shortest` is the least time between two repetitions of a cron text."""

    now: datetime
    zone: str
    interval: timedelta
    shortest: timedelta


@dataclass(frozen=True, slots=True)
class Wanted:
    """When an event should be due, and when it is for the first time."""

    rule: Rule
    first: datetime


def as_asked(rule: Rule) -> dict[str, str]:
    """A rule in the fields of a payload."""
    return {
        "date": f"{rule.start:%Y-%m-%d}",
        "time": f"{rule.start:%H:%M}",
        "repeat": rule.repeat,
        "cron": rule.cron,
        "until": f"{rule.until:%Y-%m-%d}" if rule.until else "",
        "timezone": rule.zone,
    }


def asks_for_another(payload: Mapping[str, Any], rule: Rule) -> bool:
    """Whether a payload has other times than a rule: a form gives those that there are back, snoozed or past.

    What is empty says nothing, but for `until`, and for `cron` in a form, which has a date as well.
    """
    emptied = {"until", "cron"} if payload.get("date") else {"until"}
    given = {field: payload[field] for field in WHEN if payload.get(field) or (field in emptied and field in payload)}
    known = as_asked(rule)
    return any(str(value or "") != known[field] for field, value in given.items())


def when(payload: Mapping[str, Any], bounds: Bounds, before: Rule | None = None) -> Wanted:
    """The rule that a payload describes; what it leaves out is as `before` (an empty `until` takes that away). Raises
    ActionError with all problems."""
    problems: list[str] = []
    zone = _zone(payload, before.zone if before else bounds.zone, problems)
    cron = _text(payload, "cron") if "cron" in payload else (before.cron if before and not _repeat(payload) else "")
    repeat = _repeat(payload) or ("none" if cron or before is None else before.repeat)
    day = _parsed(payload, "date", parse_date, "YYYY-MM-DD", problems)
    clock = _parsed(payload, "time", parse_time, "HH:MM", problems)
    until = _parsed(payload, "until", parse_date, "YYYY-MM-DD", problems)
    if cron and repeat != "none":
        problems.append("payload.repeat and payload.cron exclude each other; give one of them")
    if before and clock and cron and "cron" not in payload:
        problems.append(
            f"payload.time does not change when it comes: that says its cron text, {cron}; give payload.cron"
        )
    if problems:
        raise ActionError(*problems)
    now = wall_time(bounds.now, zone)
    anew = bool(cron) and (before is None or cron != before.cron)
    start = _start(day, clock, before, now, flexible=bool(cron) or repeat == "always", anew=anew)
    if before and "until" not in payload:
        until = before.until
    rule = Rule(start, zone, repeat, cron, until, bounds.interval)
    if before is None or day not in (None, before.start.date()):
        _check_day(rule, now)
    if rule.until and not rule.repeats:
        if payload.get("until"):
            raise ActionError("payload.until needs payload.repeat or payload.cron")
        rule = replace(rule, until=None)
    if cron:
        _check_cron(cron, rule.start, bounds.shortest)
    return Wanted(rule, _first(rule, bounds))


def description(payload: Mapping[str, Any]) -> str:
    """What it is about. Raises ActionError."""
    text = _text(payload, "description")
    if not text:
        raise ActionError("payload.description is empty; say what the event is about")
    if len(text) > LONGEST:
        raise ActionError(f"payload.description is longer than {LONGEST} characters")
    return text


def late_policy(payload: Mapping[str, Any], otherwise: str = "deliver") -> str:
    """What becomes of it if it was missed."""
    given = payload.get("late_policy")
    return given if isinstance(given, str) and given in LATE else otherwise


def number(value: Any) -> int | None:
    """The id of an event, None if there is none. Raises ActionError."""
    if value in (None, ""):
        return None
    try:
        found = int(value)
    except (TypeError, ValueError):
        found = MOST_EVENTS
    if not 0 <= found < MOST_EVENTS:
        raise ActionError("payload.id must be the number of an event; event_list shows them")
    return found


def minutes(value: Any) -> int:
    """How long to put it off. Raises ActionError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value <= MOST_MINUTES:
        return int(value)
    raise ActionError(f"payload.minutes must be a whole number from 1 to {MOST_MINUTES}")


def _first(rule: Rule, bounds: Bounds) -> datetime:
    first = next_after(rule, bounds.now)
    if first is not None:
        return first
    if rule.repeats:
        raise ActionError("payload.until is before the first time at which it would be due")
    then = instant(rule.start, rule.zone)
    raise ActionError(
        f"payload.date and payload.time are in the past: {local(then, rule.zone)} was {span(bounds.now - then)} ago; "
        f"it is now {local(bounds.now, rule.zone)}"
    )


def _start(
    day: date | None, clock: time | None, before: Rule | None, now: datetime, *, flexible: bool, anew: bool
) -> datetime:
    """The first day and time; for what has its own times (`flexible`), the time of day matters only if it is given.

    `anew`: it has got other times of its own, of which that of the rule before must not hide the first.
    """
    if before is not None:
        if clock is None and not flexible and (before.cron or before.repeat == "always"):
            raise ActionError("payload.time is required, as HH:MM: until now the event had other times than one a day")
        return datetime.combine(day or before.start.date(), clock or (time() if anew else before.start.time()))
    if day is None:
        raise ActionError("payload.date must be a date as YYYY-MM-DD")
    if clock is None and not flexible and day == now.date() and now.time() >= MORNING:
        raise ActionError("payload.time is required for today, as HH:MM")
    return datetime.combine(day, clock or (time() if flexible else MORNING))


def _check_day(rule: Rule, now: datetime) -> None:
    day = rule.start.date()
    if day < now.date():
        raise ActionError(f"payload.date is in the past: today is {now:%A, %Y-%m-%d} in {rule.zone}")
    if day.year > now.year + FARTHEST:
        raise ActionError(f"payload.date is more than {FARTHEST} years ahead")


def _check_cron(cron: str, start: datetime, shortest: timedelta) -> None:
    problem = cron_problem(cron, start)
    if problem:
        raise ActionError(f"payload.cron {problem}")
    least = closest(cron, start)
    if least is not None and least < shortest:
        raise ActionError(f"payload.cron is due too often; leave at least {span(shortest)} between two times")


def _zone(payload: Mapping[str, Any], otherwise: str, problems: list[str]) -> str:
    name = _text(payload, "timezone") or otherwise
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        problems.append(f"payload.timezone is no time zone that is known: {name[:60]!r}; write it as Europe/Rome")
        return otherwise


def _parsed(payload: Mapping[str, Any], field: str, parse: Any, form: str, problems: list[str]) -> Any:
    text = _text(payload, field)
    if not text:
        return None
    try:
        return parse(text)
    except ValueError:
        problems.append(f"payload.{field} must be as {form}, and there must be such a {field}: not {text[:40]!r}")
        return None


def _repeat(payload: Mapping[str, Any]) -> str:
    return _text(payload, "repeat")


def _text(payload: Mapping[str, Any], field: str) -> str:
    value = payload.get(field)
    return value.strip() if isinstance(value, str) else ""
