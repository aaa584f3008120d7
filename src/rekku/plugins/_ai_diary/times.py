"""When a text asks about: yesterday, last week, three days ago, the 5th of May; in five languages."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from rekku.plugins._ai_diary.tokens import plain

DAY = timedelta(days=1)
SLACK = timedelta(hours=14)
"""Nobody knows in which zone a person's day begins; the times of entries are in UTC."""

EARLIEST = 1970
LOOKED_THROUGH = 1_000
"""Characters of a text that are looked through for times."""

Span = tuple[datetime, datetime]

_TWO_DAYS_AGO = re.compile(r"\b(?:day before yesterday|l.altro ieri|ieri l.altro|vorgestern)\b|前天|一昨日|おととい")
_YESTERDAY = re.compile(r"\b(?:yesterday|ieri|gestern)\b|昨天|昨日|きのう")
_DAYS_AGO = re.compile(r"\b(\d{1,3}) (?:days ago|giorni fa)\b|\bvor (\d{1,3}) tagen\b|(\d{1,3}) ?(?:天前|日前)")
_LAST_WEEK = re.compile(
    r"\b(?:last week|settimana scorsa|scorsa settimana|(?:letzten?|vorigen?) woche)\b|上周|上星期|上个星期|先週"
)
_LAST_MONTH = re.compile(r"\b(?:last month|mese scorso|scorso mese|(?:letzte|vorige)[nr] monat)\b|上个月|上月|先月")
_LAST_YEAR = re.compile(r"\b(?:last year|anno scorso|scorso anno|(?:letzte|vorige)[ns] jahr)\b|去年|昨年")
_MONTHS = (
    "january|gennaio|januar",
    "february|febbraio|februar",
    "march|marzo|marz",
    "april|aprile",
    "may|maggio|mai",
    "june|giugno|juni",
    "july|luglio|juli",
    "august|agosto",
    "september|settembre",
    "october|ottobre|oktober",
    "november|novembre",
    "december|dicembre|dezember",
)
_NAMES = {name: number for number, names in enumerate(_MONTHS, 1) for name in names.split("|")}
_NAMED = "|".join(_NAMES)
_DATES = (
    re.compile(r"\b(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})\b"),
    re.compile(r"(?:(?P<year>\d{4})年)?(?P<month>\d{1,2})月(?P<day>\d{1,2})[日号]"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?(?: of)? (?P<month>{_NAMED})\b(?:,? (?P<year>\d{{4}}))?"),
    re.compile(rf"\b(?P<month>{_NAMED}) (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (?P<year>\d{{4}}))?"),
)


def meant(text: str, now: datetime) -> Span | None:
    """From when to when it was that a text asks about; None if it names no time that is over."""
    today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for start, end in _spans(plain(text[:LOOKED_THROUGH]), today):
        if start < today:
            return start - SLACK, end + SLACK
    return None


def _spans(text: str, today: datetime) -> Iterator[Span]:
    for pattern in _DATES:
        for match in pattern.finditer(text):
            named = match.groupdict()
            month = _NAMES.get(named["month"]) or int(named["month"])
            date = _date(int(named["year"] or 0), month, int(named["day"]), today)
            if date is not None:
                yield date, date + DAY
    ago = _DAYS_AGO.search(text)
    days = int(next(filter(None, ago.groups()))) if ago else 2 if _TWO_DAYS_AGO.search(text) else 0
    days = days or (1 if _YESTERDAY.search(text) else 0)
    if days:
        yield today - days * DAY, today - (days - 1) * DAY
    if _LAST_WEEK.search(text):
        monday = today - today.weekday() * DAY
        yield monday - 7 * DAY, monday
    if _LAST_MONTH.search(text):
        first = today.replace(day=1)
        yield (first - DAY).replace(day=1), first
    if _LAST_YEAR.search(text):
        new_year = today.replace(month=1, day=1)
        yield new_year.replace(year=today.year - 1), new_year


def _date(year: int, month: int, day: int, today: datetime) -> datetime | None:
    """The day; without a year (0) the last one of that date. None if there is no such day, or if it is yet to come."""
    if year and year < EARLIEST:
        return None
    try:
        date = today.replace(year=year or today.year, month=month, day=day)
        date = date.replace(year=today.year - 1) if not year and date > today else date
        return date if date <= today else None
    except ValueError:
        return None
