"""When something is due: local wall times and their instants, repetitions, the end of the month, clock changes.

Local wall time and zone are the truth; instants are derived from them, as RFC 5545 says: a time that a clock change
skips is read with the offset from before the change, of a time that comes twice the first is meant.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

REPEATS = ("none", "daily", "weekly", "monthly", "always")
DAY = timedelta(days=1)
LONGEST_GAP = timedelta(hours=3)
"""No clock change of our days skips more."""

MOST_COUNTED = 100
"""Missed repetitions are counted up to here."""

YEARS_AHEAD = 9
"""A cron text that is not due within these years is due never; 29 February can be eight years away."""

SAMPLE = 60
"""So many repetitions of a cron text are looked at for how close together they are."""


@dataclass(frozen=True, slots=True)
class Rule:
    """When an event is due. `start` is wall time in `zone`; `cron` wins over `repeat`; `until` is the last day.

    `interval` is between two times of an event that repeats `always`.
    """

    start: datetime
    zone: str
    repeat: str = "none"
    cron: str = ""
    until: date | None = None
    interval: timedelta = timedelta(hours=1)

    @property
    def repeats(self) -> bool:
        """Whether it may be due more than once."""
        return bool(self.cron) or self.repeat != "none"


def instant(wall: datetime, zone: str) -> datetime:
    """The instant of a wall time, in UTC."""
    return wall.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)


def wall_time(moment: datetime, zone: str) -> datetime:
    """What clocks show at an instant, without a zone."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def next_after(rule: Rule, moment: datetime) -> datetime | None:
    """The first instant after `moment` at which it is due; None if there is none."""
    if rule.repeat == "always" and not rule.cron:
        return _always(rule, moment)
    best: datetime | None = None
    for wall in _walls(rule, wall_time(moment, rule.zone) - LONGEST_GAP):
        if rule.until is not None and wall.date() > rule.until:
            break
        found = instant(wall, rule.zone)
        if found > moment:
            best = found if best is None else min(best, found)
            if wall_time(found, rule.zone) == wall:
                break  # a time that is skipped may stand before one that is not, and come after it
    return best


def missed(rule: Rule, due: datetime, now: datetime) -> int:
    """How many further times have passed since `due`; at most MOST_COUNTED."""
    if rule.repeat == "always" and not rule.cron:
        return 0
    passed: set[datetime] = set()
    end = min(wall_time(now, rule.zone) + LONGEST_GAP, datetime.combine(rule.until or date.max, time.max))
    for wall in _walls(rule, wall_time(due, rule.zone) - LONGEST_GAP):
        if wall > end or len(passed) >= MOST_COUNTED:
            break
        if due < (found := instant(wall, rule.zone)) <= now:
            passed.add(found)
    return len(passed)


def closest(cron: str, start: datetime) -> timedelta | None:
    """The shortest time between two of the next repetitions of a cron text; None if there are not two."""
    walls = list(islice(_cron(cron, start), SAMPLE))
    return min((b - a for a, b in pairwise(walls)), default=None)


def cron_problem(cron: str, start: datetime) -> str:
    """What is wrong with a cron text, "" if nothing is."""
    from croniter import CroniterError

    fields = cron.split()
    if not cron.startswith("@") and len(fields) != 5:
        return "must have five fields (minute hour day month weekday)"
    if any(field[:1] in "rRhH" for field in fields):
        return "must not use R or H"
    try:
        first = next(_cron(cron, start), None)
    except (CroniterError, ValueError, KeyError, OverflowError) as error:
        return f"cannot be read: {error}"
    return "" if first is not None else f"is never due in the next {YEARS_AHEAD} years"


def _always(rule: Rule, moment: datetime) -> datetime | None:
    found = max(instant(rule.start, rule.zone), moment + rule.interval)
    return None if rule.until is not None and wall_time(found, rule.zone).date() > rule.until else found


def _walls(rule: Rule, after: datetime) -> Iterator[datetime]:
    """Wall times in order, from the start or somewhat before `after`, whichever is later."""
    if rule.cron:
        return _cron(rule.cron, max(after, rule.start - timedelta(seconds=1)))
    return _regular(rule, after)


def _regular(rule: Rule, after: datetime) -> Iterator[datetime]:
    start = rule.start
    if rule.repeat == "none":
        return iter((start,))
    from dateutil import rrule

    gone = max(timedelta(0), after - start)
    match rule.repeat:
        case "daily":
            return iter(rrule.rrule(rrule.DAILY, dtstart=start + DAY * (gone // DAY)))
        case "weekly":
            return iter(rrule.rrule(rrule.WEEKLY, dtstart=start + 7 * DAY * (gone // (7 * DAY))))
    first = max(start.date(), after.date()).replace(day=1)
    days = range(min(28, start.day), start.day + 1)
    months = rrule.rrule(rrule.MONTHLY, dtstart=datetime.combine(first, start.time()), bymonthday=days, bysetpos=-1)
    return (wall for wall in months if wall >= start)


def _cron(cron: str, after: datetime) -> Iterator[datetime]:
    from croniter import CroniterBadDateError, croniter

    times = croniter(cron, after, max_years_between_matches=YEARS_AHEAD)
    while True:
        try:
            yield times.get_next(datetime)
        except CroniterBadDateError:
            return


def parse_date(text: str) -> date:
    """YYYY-MM-DD. Raises ValueError."""
    return datetime.strptime(text.strip(), "%Y-%m-%d").date()


def parse_time(text: str) -> time:
    """HH:MM, or HH:MM:SS. Raises ValueError."""
    text = text.strip()
    return datetime.strptime(text, "%H:%M:%S" if text.count(":") == 2 else "%H:%M").time()
