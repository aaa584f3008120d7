"""The table of events, what is asked of it, and an event as the other parts see it.

A row waits as long as it has a `wake_at`: the instant at which somebody must look at it. That is when it is due; when
the claim of whoever hands it over runs out; or when it is tried again. All questions about time go through its index.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, bindparam, delete, func, or_, select, update

from rekku.core.database import Instant, Key, LongText, Schema, Statement, Step, Steps, insert_or_ignore, table
from rekku.core.message import Conversation
from rekku.plugins._event.calendar import Rule

EVENTS = table(
    "scheduled_events",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("mark", Key, unique=True),
    Column("person_id", Key, nullable=False),
    Column("created_by", LongText, nullable=False),
    Column("interface", Key, nullable=False),
    Column("chat_id", Key, nullable=False),
    Column("thread_id", Key, nullable=False),
    Column("direct", Boolean, nullable=False),
    Column("description", LongText, nullable=False),
    Column("zone", Key, nullable=False),
    Column("starts", Key, nullable=False),
    Column("repetition", Key, nullable=False),
    Column("cron", LongText, nullable=False),
    Column("until", Key, nullable=False),
    Column("late_policy", Key, nullable=False),
    Column("status", Key, nullable=False),
    Column("next_at", Instant),
    Column("wake_at", Instant, index=True),
    Column("tries", Integer, nullable=False),
    Column("last_at", Instant),
    Column("last_outcome", Key, nullable=False),
    Column("acknowledged_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("errand", Key),
    Index("scheduled_events_of", "person_id", "wake_at"),
    Index("scheduled_events_told", "person_id", "last_at"),
    Index("scheduled_events_always", "repetition", "wake_at"),
    Index("scheduled_events_errand", "errand"),
)
"""`errand` is the name under which it was handed over, until it is known how that ended."""


async def _errands(steps: Steps) -> None:
    await steps.add_column("scheduled_events", Column("errand", Key))
    await steps.execute("CREATE INDEX IF NOT EXISTS scheduled_events_errand ON scheduled_events (errand)")


SCHEMA = Schema(
    "event",
    Step(1, "the table of events", lambda steps: steps.create(EVENTS)),
    Step(2, "how the handing over ended", _errands),
)

NEW = tuple(column.name for column in EVENTS.c if column.name not in ("id", "errand"))
WHAT = ("description", "zone", "starts", "repetition", "cron", "until", "late_policy", "mark", "next_at")

_row = EVENTS.c
_most = bindparam("most", type_=Integer())
_mine = _row.person_id == bindparam("who")
_same = _row.id == bindparam("row")
_here = (
    _row.interface == bindparam("i"),
    _row.chat_id == bindparam("c"),
    or_(_row.thread_id == "", _row.thread_id == bindparam("t")),
)
"""In a thread also what was made in its chat; not the other way round."""
_as_seen = (_same, _row.wake_at == bindparam("seen"))

ADD = Statement(insert_or_ignore(EVENTS), columns=NEW)
BY_MARK = Statement(select(EVENTS).where(_row.mark == bindparam("which")))
ONE = Statement(select(EVENTS).where(_same))
DUE = Statement(select(EVENTS).where(_row.wake_at <= bindparam("now")).order_by(_row.wake_at).limit(_most))
NEXT = Statement(select(_row.wake_at).where(_row.wake_at.is_not(None)).order_by(_row.wake_at).limit(1))
_of = select(EVENTS).where(_mine, _row.wake_at.is_not(None)).order_by(_row.wake_at).limit(_most)
OF = Statement(_of)
OF_HERE = Statement(_of.where(*_here))
ALL = Statement(select(EVENTS).where(_row.wake_at.is_not(None)).order_by(_row.wake_at).limit(_most))
_told = select(EVENTS).where(_mine, _row.last_at.is_not(None)).order_by(_row.last_at.desc()).limit(_most)
TOLD = Statement(_told)
TOLD_HERE = Statement(_told.where(*_here))
TOLD_ALL = Statement(select(EVENTS).where(_row.last_at.is_not(None)).order_by(_row.last_at.desc()).limit(_most))
WAITING = Statement(select(_row.id).where(_mine, _row.wake_at.is_not(None)).limit(_most))

CLAIM = Statement(update(EVENTS).where(*_as_seen).values(wake_at=bindparam("lease")))
ADVANCE = Statement(
    update(EVENTS)
    .where(_same, _row.next_at == bindparam("due"))
    .values(
        status=bindparam("to"),
        mark=bindparam("new_mark"),
        next_at=bindparam("new_next"),
        wake_at=bindparam("new_next"),
        tries=0,
        last_at=bindparam("came"),
        last_outcome=bindparam("outcome"),
        errand=bindparam("name"),
        acknowledged_at=None,
    )
)
RETRY = Statement(
    update(EVENTS).where(_same, _row.next_at == bindparam("due")).values(tries=bindparam("n"), wake_at=bindparam("at"))
)
UNSETTLED = Statement(select(EVENTS).where(_row.errand > bindparam("after")).order_by(_row.errand).limit(_most))
SETTLE = Statement(
    update(EVENTS).where(_same, _row.errand == bindparam("name")).values(last_outcome=bindparam("outcome"), errand=None)
)
CHANGE = Statement(
    update(EVENTS)
    .where(_same)
    .values(
        status="waiting", tries=0, wake_at=bindparam("new_next_at"), **{name: bindparam(f"new_{name}") for name in WHAT}
    )
)
SNOOZE = Statement(
    update(EVENTS)
    .where(_same)
    .values(status="waiting", tries=0, next_at=bindparam("at"), wake_at=bindparam("at"), acknowledged_at=None)
)
CANCEL = Statement(
    update(EVENTS).where(_same).values(status="cancelled", mark=None, next_at=None, wake_at=None, tries=0)
)
ACKNOWLEDGE = Statement(update(EVENTS).where(_same).values(acknowledged_at=bindparam("now")))
DONE = Statement(update(EVENTS).where(_same).values(status="done", mark=None, next_at=None, wake_at=None, tries=0))
DROP_SNOOZED = Statement(delete(EVENTS).where(_row.mark == bindparam("which"), _row.last_at.is_(None)))
RELEASE = Statement(
    update(EVENTS)
    .where(_row.wake_at > bindparam("now"), _row.wake_at <= bindparam("soon"), _row.next_at < _row.wake_at)
    .values(wake_at=_row.next_at)
)
ALWAYS = Statement(
    select(EVENTS).where(
        _row.repetition == "always",
        _row.wake_at > bindparam("now"),
        or_(_row.last_at.is_(None), _row.last_at < bindparam("lately")),
    )
)
RISE = Statement(update(EVENTS).where(*_as_seen).values(next_at=bindparam("now"), wake_at=bindparam("now")))
WHOSE = Statement(select(EVENTS).where(_mine))
GIVE = Statement(update(EVENTS).where(_same).values(person_id=bindparam("new_who"), mark=bindparam("new_mark")))
REMOVE = Statement(delete(EVENTS).where(_same))
COUNT = Statement(select(func.count()).where(_mine))
ERASE = Statement(delete(EVENTS).where(_mine))


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `next_at` is None when it is over."""

    id: int
    mark: str | None
    person_id: str
    conversation: Conversation
    direct: bool
    description: str
    rule: Rule
    late_policy: str
    status: str
    next_at: datetime | None
    wake_at: datetime | None
    tries: int
    last_at: datetime | None
    last_outcome: str
    errand: str | None
    acknowledged: bool


def read(row: Any, interval: timedelta) -> Event:
    """An event out of its row; `interval` is that of events that repeat always."""
    until = date.fromisoformat(row.until) if row.until else None
    starts = datetime.fromisoformat(row.starts)
    return Event(
        id=row.id,
        mark=row.mark,
        person_id=row.person_id,
        conversation=Conversation(row.interface, row.chat_id, row.thread_id),
        direct=bool(row.direct),
        description=row.description,
        rule=Rule(starts, row.zone, row.repetition, row.cron, until, interval),
        late_policy=row.late_policy,
        status=row.status,
        next_at=row.next_at,
        wake_at=row.wake_at,
        tries=row.tries,
        last_at=row.last_at,
        last_outcome=row.last_outcome,
        errand=row.errand,
        acknowledged=row.acknowledged_at is not None,
    )
