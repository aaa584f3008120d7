"""What the last days saw: calls of models, lines of history."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, bindparam, case, func, select, type_coerce

from rekku.core.database import EPOCH, Database, Statement
from rekku.core.house import Usage
from rekku.store.ids import first_of
from rekku.store.schema import HISTORY, STEPS

DAY = 86_400_000_000
"""Microseconds."""

_step_day = type_coerce(STEPS.c.at, BigInteger) // DAY
_said_day = type_coerce(HISTORY.c.at, BigInteger) // DAY
FREE = STEPS.c.prompt_tokens + STEPS.c.completion_tokens == 0
"""A call that used no tokens: a person answered."""
CALLS = Statement(
    select(
        _step_day.label("day"),
        func.count().label("calls"),
        func.sum(STEPS.c.prompt_tokens).label("prompt_tokens"),
        func.sum(STEPS.c.completion_tokens).label("completion_tokens"),
        func.sum(STEPS.c.seconds).label("seconds"),
        func.sum(STEPS.c.cost).label("cost"),
        func.sum(case((STEPS.c.cost.is_not(None) | FREE, 1), else_=0)).label("priced"),
    )
    .where(STEPS.c.at >= bindparam("since"))
    .group_by(_step_day)
)
LINES = Statement(
    select(
        _said_day.label("day"),
        func.count().label("lines"),
        func.sum(case((HISTORY.c.person_id == "", 1), else_=0)).label("said"),
    )
    .where(HISTORY.c.id >= bindparam("first"), HISTORY.c.at >= bindparam("since"))
    .group_by(_said_day)
)


async def usage(database: Database, now: datetime, days: int) -> list[Usage]:
    """The last days, oldest first, those without any activity left out."""
    since = (now - timedelta(days=days - 1)).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    found: dict[int, Usage] = {}
    for row in await database.fetch(CALLS, since=since):
        tokens = {"prompt_tokens": int(row.prompt_tokens or 0), "completion_tokens": int(row.completion_tokens or 0)}
        counts = {"calls": int(row.calls), "priced": int(row.priced), **tokens}
        seconds, cost = float(row.seconds or 0), float(row.cost or 0)
        found[int(row.day)] = Usage(_name(int(row.day)), seconds=seconds, cost=cost, **counts)
    for row in await database.fetch(LINES, first=first_of(since), since=since):
        day, said = int(row.day), int(row.said or 0)
        known = found.get(day, Usage(_name(day)))
        found[day] = replace(known, heard=int(row.lines) - said, said=said)
    return [found[day] for day in sorted(found)]


def _name(day: int) -> str:
    return f"{EPOCH + timedelta(days=day):%Y-%m-%d}"
