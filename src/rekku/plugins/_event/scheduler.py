"""Who wakes up when an event is due, and hands it over.

First the event is handed over, under a name that is made of its id and the instant at which it was due, so that a
second handing over changes nothing; then its row moves on. So a crash at any moment loses and doubles nothing.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rekku.core.errors import StoreError
from rekku.core.host import Host, Receipt
from rekku.core.message import Errand, Message, User
from rekku.plugins._event import tables, words
from rekku.plugins._event.bell import Bell
from rekku.plugins._event.calendar import instant, missed, next_after
from rekku.plugins._event.follower import Follower
from rekku.plugins._event.tables import Event

log = logging.getLogger(__name__)

TICK = 15.0
"""Seconds after which the clock on the wall is looked at again: it may have been set, or the machine has slept."""

LOOK = 30.0
"""Seconds after which a database that others write to is asked again; one that is ours alone is asked rarely."""

LOOK_ALONE = 600.0
AWAY = 2.0
"""Seconds between two tries while the database is away."""

PATIENCE = 15.0
"""Seconds that a reminder waits for an engine; then it goes out in plain words."""

LEASE = timedelta(seconds=60)
AT_ONCE = 100
"""So many events are handed over together."""

MOST_TRIES = 8
START_UPS_APART = timedelta(minutes=1)
"""An event that repeats always comes at every start-up, but not again at starts that follow each other so closely."""


class Scheduler:
    """Sleeps until something is due. `interval` is that of events that repeat always; `follower` finds out how it ended
    for what was handed over."""

    def __init__(self, host: Host, interval: timedelta, follower: Follower) -> None:
        self._host = host
        self._interval = interval
        self._bell = Bell(host)
        self._follower = follower

    def wake(self) -> None:
        """Events have changed."""
        self._bell.ring()

    async def run(self) -> None:
        """Hand over what is due, for ever."""
        begun = False
        while True:
            self._bell.hush()
            try:
                if not begun:
                    await self._begin()
                    begun = True
                due = await self._round()
            except StoreError as error:
                log.warning("The database is away, so events wait: %s", error)
                await self._host.clock.sleep(AWAY)
                continue
            except Exception:  # the door to the scheduler: no error may end it
                log.exception("The events could not be looked at; they are again in %g seconds.", TICK)
                await self._host.clock.sleep(TICK)
                continue
            await self._rest(due)

    async def _begin(self) -> None:
        """What this process has claimed before it ended is free again; what always comes, and has begun, is due."""
        now = self._host.clock.now()
        await self._host.database.write(tables.RELEASE(now=now, soon=now + LEASE))
        rows = await self._host.database.fetch(tables.ALWAYS, now=now, lately=now - START_UPS_APART)
        risen = [tables.RISE(row=row.id, seen=row.wake_at, now=now) for row in rows if _has_begun(row, now)]
        if risen:
            await self._host.database.write(*risen)

    async def _round(self) -> datetime | None:
        """Hand over all that is due; the next instant at which something is."""
        while True:
            now = self._host.clock.now()
            rows = await self._host.database.fetch(tables.DUE, now=now, most=AT_ONCE)
            if not rows:
                break
            claims = [tables.CLAIM(row=row.id, seen=row.wake_at, lease=now + LEASE) for row in rows]
            won = await self._host.database.write(*claims)
            await self._hand_over([row for row, mine in zip(rows, won, strict=True) if mine])
        found = await self._host.database.fetch(tables.NEXT)
        return found[0].wake_at if found else None

    async def _rest(self, due: datetime | None) -> None:
        """Wait until an instant of the wall clock, until events change, or until it is time to look anyway."""
        look = self._host.clock.monotonic() + (LOOK_ALONE if self._host.database.kind == "sqlite" else LOOK)
        while not self._bell.rung and self._left(due, look) > 0:
            left = self._left(due, look)
            await self._bell.rest(left if due is None else min(left, TICK))

    def _left(self, due: datetime | None, look: float) -> float:
        """Seconds until there is something to do."""
        clock = self._host.clock
        left = look - clock.monotonic()
        return left if due is None else min(left, (due - clock.now()).total_seconds())

    async def _hand_over(self, rows: Sequence[Any]) -> None:
        await asyncio.gather(*(self._one(row) for row in rows))

    async def _one(self, row: Any) -> None:
        """One event, with its own mishaps; while the database is away it waits, for what it holds is claimed."""
        while True:
            try:
                await self._deliver(tables.read(row, self._interval))
            except StoreError as error:
                log.warning("The database is away, so the event %d waits: %s", row.id, error)
                await self._host.clock.sleep(AWAY)
                continue
            except Exception as error:  # the door to one event: the others must come all the same
                log.exception("The event %d could not be handed over.", row.id)
                await self._fail(row, error)
            return

    async def _deliver(self, event: Event) -> None:
        due, now = event.next_at, self._host.clock.now()
        if due is None:
            return
        late = _late(event, due, now)
        if late and event.late_policy == "skip":
            await self._advance(event, due, due, now, outcome="skipped", name=None)
            return
        message = _message(event, due, now, late)
        receipt = await self._host.receive(message)
        came = now if event.rule.repeat == "always" else due
        await self._advance(event, due, came, now, outcome="handed over", name=message.message_id)
        self._host.spawn(self._watch(event.id, message, receipt), f"event {event.id}")

    async def _advance(self, event: Event, due: datetime, came: datetime, now: datetime, **how: str | None) -> None:
        """The row goes on to the next time that is still to come, or is over."""
        later = next_after(event.rule, max(due, now)) if event.rule.repeats else None
        over = later is None
        values: dict[str, Any] = {"to": "done" if over else "waiting", "new_next": later, **how}
        mark = None if over else event.mark
        await self._host.database.write(tables.ADVANCE(row=event.id, due=due, came=came, new_mark=mark, **values))

    async def _watch(self, number: int, message: Message, receipt: Receipt) -> None:
        await receipt.outcome()
        await self._follower.ended(number, message)

    async def _fail(self, row: Any, error: Exception) -> None:
        """Try again later, each time after twice as long; in the end give up, and say so."""
        now = self._host.clock.now()
        if row.tries + 1 < MOST_TRIES:
            at = now + timedelta(seconds=15 * 2**row.tries)
            await self._host.database.write(tables.RETRY(row=row.id, due=row.next_at, n=row.tries + 1, at=at))
            return
        gone = {"to": "failed", "new_mark": None, "new_next": None, "outcome": "given up", "name": None}
        await self._host.database.write(tables.ADVANCE(row=row.id, due=row.next_at, came=row.next_at, **gone))
        await self._host.tell_trainer(
            f"The event {row.id} was given up after {MOST_TRIES} tries ({type(error).__name__}); the log says why."
        )


def _has_begun(row: Any, now: datetime) -> bool:
    """Whether its first day and time have come; one that cannot be read says so when it is handed over."""
    try:
        return instant(datetime.fromisoformat(row.starts), row.zone) <= now
    except (KeyError, ValueError, OSError):
        return True


def _late(event: Event, due: datetime, now: datetime) -> str:
    """How late it is, in words; what repeats always has no time at which it should have come."""
    if event.rule.repeat == "always":
        return ""
    return words.lateness(due, now, missed(event.rule, due, now), event.rule.zone)


def _message(event: Event, due: datetime, now: datetime, late: str) -> Message:
    asks = bool(late) and event.late_policy == "ask"
    errand = Errand("event", event.person_id, words.plain(event, late, asks), PATIENCE)
    name = f"event:{event.id}:{round(due.timestamp() * 1_000_000)}"
    text = words.reminder(event, late, asks)
    return Message(event.conversation, User(""), text, now, message_id=name, direct=event.direct, errand=errand)
