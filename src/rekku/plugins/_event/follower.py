"""Who finds out how it ended for events that were handed over, and writes that down.

The database is asked, not the process: so it is found out after a crash too, by whichever process looks, and when a
chat that was closed is open again after days.
"""

import logging
from datetime import timedelta

from rekku.core.errors import StoreError
from rekku.core.host import Host
from rekku.core.message import Message, User
from rekku.core.turn import Fate
from rekku.plugins._event import tables
from rekku.plugins._event.bell import Bell

log = logging.getLogger(__name__)

SOON, LATE = 0.25, 60.0
"""Seconds between two looks at what is still open, at first and after a while."""

AWAY = 2.0
AT_ONCE = 100
GONE = "not known any more"


class Follower:
    """Follows what was handed over. `interval` is that of events that repeat always."""

    def __init__(self, host: Host, interval: timedelta) -> None:
        self._host = host
        self._interval = interval
        self._bell = Bell(host)

    async def ended(self, number: int, message: Message) -> None:
        """The turn of an event has ended; if its words are still on the way, it is followed."""
        try:
            settled = await self._settle(number, message)
        except StoreError:
            settled = False
        if not settled:
            self._bell.ring()

    async def run(self) -> None:
        """Follow, for ever."""
        wait = SOON
        while True:
            self._bell.hush()
            try:
                left = await self.settle()
            except StoreError as error:
                log.warning("The database is away, so it is not known yet how events ended: %s", error)
                await self._host.clock.sleep(AWAY)
                continue
            except Exception:  # the door to the follower: no error may end it
                log.exception("How events ended could not be looked at; it is again in %g seconds.", LATE)
                left, wait = True, LATE
            wait = min(LATE, 2 * wait) if left else SOON
            await self._rest(wait if left else None)

    async def settle(self) -> bool:
        """Write down how it ended for all of which that can be said; whether some are left."""
        after, left = "", False
        while True:
            rows = await self._host.database.fetch(tables.UNSETTLED, after=after, most=AT_ONCE)
            for row in rows:
                event = tables.read(row, self._interval)
                name = Message(event.conversation, User(""), "", self._host.clock.now(), message_id=row.errand)
                left |= not await self._settle(row.id, name)
            if len(rows) < AT_ONCE:
                return left
            after = rows[-1].errand

    async def _settle(self, number: int, message: Message) -> bool:
        fate = await self._host.fate(message)
        if fate is Fate.OPEN:
            return False
        outcome = GONE if fate is None else fate.value
        await self._host.database.write(tables.SETTLE(row=number, name=message.message_id, outcome=outcome))
        return True

    async def _rest(self, wait: float | None) -> None:
        """Until there is news, or it is time to look again; a database that others write to is always looked at."""
        alone = self._host.database.kind == "sqlite"
        await self._bell.rest(wait if wait is not None or alone else LATE)
