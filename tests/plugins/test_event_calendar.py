"""When events are due: every change of the clocks, ends of months, leap days, cron texts."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rekku.plugins._event.calendar import (
    MOST_COUNTED,
    Rule,
    closest,
    cron_problem,
    instant,
    missed,
    next_after,
    wall_time,
)

ZONES = (
    "Africa/Casablanca",
    "America/Los_Angeles",
    "America/New_York",
    "America/Santiago",
    "America/St_Johns",
    "Antarctica/Troll",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Europe/Rome",
    "Pacific/Auckland",
)
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


def changes(zone: str) -> Iterator[tuple[datetime, timedelta, timedelta]]:
    """Every clock change from 2025 to 2030: its instant, the offset before and the offset after."""
    moment, end = datetime(2025, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
    while moment < end:
        before, after = offset(moment, zone), offset(moment + HOUR, zone)
        if before != after:
            exact = next(moment + MINUTE * n for n in range(61) if offset(moment + MINUTE * n, zone) != before)
            yield exact, before, after
        moment += HOUR


def offset(moment: datetime, zone: str) -> timedelta:
    found = moment.astimezone(ZoneInfo(zone)).utcoffset()
    assert found is not None
    return found


CHANGES = [(zone, *change) for zone in ZONES for change in changes(zone)]


def times(rule: Rule, after: datetime, count: int) -> list[datetime]:
    """The next times at which it is due."""
    found: list[datetime] = []
    while len(found) < count and (later := next_after(rule, found[-1] if found else after)) is not None:
        found.append(later)
    return found


def test_the_table_holds_changes_of_every_zone() -> None:
    assert {zone for zone, *_ in CHANGES} == set(ZONES)
    assert len(CHANGES) > 100


@pytest.mark.parametrize(("zone", "moment", "before", "after"), CHANGES)
def test_in_a_gap_and_in_an_overlap_the_offset_from_before_the_change_counts(
    zone: str, moment: datetime, before: timedelta, after: timedelta
) -> None:
    wall_before, wall_after = (moment + shift for shift in (before, after))
    first, last = sorted((wall_before.replace(tzinfo=None), wall_after.replace(tzinfo=None)))
    for wall in (first, first + (last - first) / 2, last - MINUTE):
        assert instant(wall, zone) == wall.replace(tzinfo=UTC) - before
    assert instant(first - MINUTE, zone) == (first - MINUTE).replace(tzinfo=UTC) - before
    assert instant(last, zone) == last.replace(tzinfo=UTC) - after


@pytest.mark.parametrize(("zone", "moment", "before", "after"), CHANGES)
@pytest.mark.parametrize("cron", [False, True])
def test_what_is_daily_comes_once_a_day_at_its_local_time(
    zone: str, moment: datetime, before: timedelta, after: timedelta, cron: bool
) -> None:
    middle = (moment + before).replace(tzinfo=None) + (after - before) / 2
    gap = after > before
    start = datetime.combine((middle - 3 * DAY).date(), middle.time())
    rule = Rule(start, zone, cron=f"{start.minute} {start.hour} * * *") if cron else Rule(start, zone, "daily")

    found = times(rule, instant(start, zone) - MINUTE, 7)
    walls = [wall_time(moment, zone) for moment in found]
    assert [wall.date() for wall in walls] == [(start + DAY * n).date() for n in range(7)]
    shifted = [wall.time() for wall in walls if wall.time() != start.time()]
    assert shifted == ([(middle + (after - before)).time()] if gap else [])


@pytest.mark.parametrize(("zone", "moment", "before", "after"), CHANGES)
def test_what_comes_every_half_hour_never_comes_twice_at_an_instant_and_never_pauses_long(
    zone: str, moment: datetime, before: timedelta, after: timedelta
) -> None:
    rule = Rule((moment + before - 5 * HOUR).replace(tzinfo=None), zone, cron="*/30 * * * *")
    found = times(rule, moment - 4 * HOUR, 16)

    pauses = {later - earlier for earlier, later in pairwise(found)}
    longest = HOUR / 2 + max(timedelta(0), before - after)
    assert min(pauses) > timedelta(0)
    assert max(pauses) <= longest


@pytest.mark.parametrize(
    ("day", "days"),
    [
        (31, [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 28, 31]),
        (30, [30, 29, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 30, 28, 30]),
        (29, [29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 29, 28, 29]),
        (28, [28] * 15),
    ],
)
def test_a_short_month_has_it_on_its_last_day_and_the_next_on_its_own(day: int, days: list[int]) -> None:
    rule = Rule(datetime(2028, 1, day, 9), "Europe/Rome", "monthly")
    found = times(rule, datetime(2028, 1, 1, tzinfo=UTC), 15)

    assert [wall_time(moment, rule.zone).day for moment in found] == days
    assert {wall_time(moment, rule.zone).hour for moment in found} == {9}


def test_a_leap_day_comes_in_leap_years() -> None:
    rule = Rule(datetime(2026, 1, 1), "UTC", cron="0 9 29 2 *")
    assert [moment.year for moment in times(rule, datetime(2026, 1, 1, tzinfo=UTC), 3)] == [2028, 2032, 2036]


def test_what_starts_on_a_leap_day_goes_on_the_day_after() -> None:
    rule = Rule(datetime(2028, 2, 29, 9), "UTC", "daily")
    assert [moment.day for moment in times(rule, datetime(2028, 2, 1, tzinfo=UTC), 2)] == [29, 1]


@pytest.mark.parametrize("repeat", ["daily", "weekly", "monthly"])
def test_the_last_day_counts(repeat: str) -> None:
    start = datetime(2026, 1, 5, 23, 59)
    last = {"daily": date(2026, 1, 7), "weekly": date(2026, 1, 19), "monthly": date(2026, 3, 5)}[repeat]
    found = times(Rule(start, "America/New_York", repeat, until=last), datetime(2026, 1, 1, tzinfo=UTC), 9)
    assert len(found) == 3
    assert wall_time(found[-1], "America/New_York").date() == last


def test_far_from_its_start_the_next_time_is_found_as_quickly() -> None:
    """No repetition is walked through from the start; what was missed is counted up to a limit."""
    for repeat in ("daily", "weekly", "monthly"):
        rule = Rule(datetime(1950, 1, 2, 9), "Europe/Rome", repeat)
        found = next_after(rule, datetime(2149, 6, 1, tzinfo=UTC))
        assert found is not None
        assert found.year == 2149
    rule = Rule(datetime(2026, 1, 1), "Europe/Rome", cron="* * * * *")
    assert missed(rule, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 2, 5, tzinfo=UTC)) == MOST_COUNTED


@pytest.mark.parametrize(("days", "count"), [(0, 0), (1, 1), (10, 10), (99, 99), (400, MOST_COUNTED)])
def test_what_was_missed_is_counted(days: int, count: int) -> None:
    due = datetime(2026, 3, 1, 8, tzinfo=UTC)
    rule = Rule(datetime(2026, 3, 1, 9), "Europe/Rome", "daily")
    assert missed(rule, due, due + days * DAY + HOUR * 2) == count


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2025, 1, 1), datetime(2030, 12, 31)),
    st.sampled_from(["daily", "weekly", "monthly"]),
    st.integers(0, 3000),
)
def test_times_only_go_forward_and_none_is_left_out(zone: str, start: datetime, repeat: str, days: int) -> None:
    """Asking from any instant gives the same times as walking through them one by one."""
    start = start.replace(second=0, microsecond=0)
    rule = Rule(start, zone, repeat)
    moment = instant(start, zone) + timedelta(days=days)
    first, second = times(rule, moment, 2)

    assert moment < first < second
    assert next_after(rule, first - timedelta(microseconds=1)) == first
    assert next_after(rule, first) == second
    longest = {"daily": DAY, "weekly": 7 * DAY, "monthly": 31 * DAY}[repeat]
    assert second - first <= longest + 2 * HOUR


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("0 9 * * mon-fri", ""),
        ("@daily", ""),
        ("0 9 l * *", ""),
        ("0 9 * *", "must have five fields"),
        ("0 9 * * * *", "must have five fields"),
        ("R R * * *", "must not use R or H"),
        ("H 9 * * *", "must not use R or H"),
        ("a b c d e", "cannot be read"),
        ("@never", "cannot be read"),
        ("0 0 30 2 *", "is never due"),
    ],
)
def test_a_cron_text_is_checked(cron: str, problem: str) -> None:
    found = cron_problem(cron, datetime(2026, 1, 1))
    assert problem in found
    assert bool(found) == bool(problem)


@pytest.mark.parametrize(("cron", "least"), [("* * * * *", MINUTE), ("0-1 9 * * mon", MINUTE), ("@hourly", HOUR)])
def test_how_close_a_cron_text_gets_is_seen(cron: str, least: timedelta) -> None:
    assert closest(cron, datetime(2026, 1, 1)) == least
