"""Reddit's inbox, looked into again and again. What is read is told to Reddit only after it was handed over.

The inbox itself is the queue: it keeps what came while Rekku was down, and the table of what was handed over says what
is new in it, whatever Reddit shows as read. Nothing that goes wrong ends it.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from rekku.core.clock import Clock
from rekku.core.errors import StoreError
from rekku.core.message import Message
from rekku.interface._reddit_interface.account import Account
from rekku.interface._reddit_interface.reading import Item, Reader
from rekku.interface._reddit_interface.seen import Seen
from rekku.platforms.reddit.fault import Fate, Fault

log = logging.getLogger(__name__)

PAGE = 100
MOST_PAGES = 10
"""Reddit shows no more than a thousand items."""
LONGEST_WAIT = 300.0
MARKED_AT_ONCE = 25
TIDYING = timedelta(hours=12)

Take = Callable[[Message], Awaitable[object]]


class Feed:
    """Hands new items to `take`, oldest first, then calls `there`. `trouble` says what is wrong, in words."""

    def __init__(
        self, account: Account, reader: Reader, seen: Seen, clock: Clock, take: Take, there: Callable[[], None]
    ) -> None:
        self._account = account
        self._reader = reader
        self._seen = seen
        self._clock = clock
        self._take = take
        self._there = there
        self._tidied: datetime | None = None
        self.trouble = "not connected to Reddit yet"

    async def run(self, every: float) -> None:
        """Look into the inbox for ever."""
        wait = every
        while True:
            try:
                await self.look()
                self.trouble, wait = "", every
                self._there()
            except Fault as fault:
                wait = self._note(fault, max(wait, every))
            except StoreError as error:
                log.warning("Messages from Reddit wait for the database: %s", error)
            except Exception:  # the door to what Reddit sends: the next look may bring something else
                log.exception("Reddit's inbox could not be read.")
                self.trouble = "Reddit's inbox could not be read; the log says why"
                wait = min(LONGEST_WAIT, 2 * wait)
            await self._clock.sleep(wait)

    async def look(self) -> None:
        """Hand over what is new. Raises Fault and StoreError; what is left comes at the next look."""
        await self._account.log_in()
        items = await self._new()
        above = await self._reader.above(items) if items else {}
        read: list[str] = []
        try:
            for item in items:
                await self._hand_over(item, above)
                read.append(item["name"])
        except (Fault, StoreError):
            await self._mark(read)
            raise
        await self._mark(read)
        await self._tidy()

    async def _new(self) -> list[Item]:
        """What was not handed over yet, oldest first. Pages are turned until one has nothing new."""
        since = (await self._seen.since(self._clock.now())).timestamp()
        found: dict[str, Item] = {}
        after = ""
        for _ in range(MOST_PAGES):
            page, after = await self._account.listing("message/inbox/", limit=PAGE, after=after or None, mark=False)
            fresh = [item for item in page if float(item["created_utc"]) >= since]
            new = await self._seen.new([item["name"] for item in fresh])
            found |= {item["name"]: item for item in fresh if item["name"] in new}
            if not new or not after:
                break
        return sorted(found.values(), key=lambda item: float(item["created_utc"]))

    async def _hand_over(self, item: Item, above: dict[str, Item]) -> None:
        try:
            message = await self._reader.read(item, above)
            if message is not None:
                await self._take(message)
        except (Fault, StoreError):
            raise
        except Exception:  # the same door: one odd item must not stop the others
            log.exception("An item of Reddit's inbox could not be read and is left out.")
        await self._seen.see(item["name"], self._clock.now())

    async def _mark(self, names: list[str]) -> None:
        """Tell Reddit that these were read; if that fails, they only look unread."""
        try:
            for start in range(0, len(names), MARKED_AT_ONCE):
                await self._account.do("api/read_message/", id=",".join(names[start : start + MARKED_AT_ONCE]))
        except Fault as fault:
            log.info("Messages on Reddit could not be marked as read: %s", fault.words)

    async def _tidy(self) -> None:
        now = self._clock.now()
        if self._tidied is None or now - self._tidied >= TIDYING:
            self._tidied = now
            await self._seen.tidy(now)

    def _note(self, fault: Fault, wait: float) -> float:
        """Keep what is wrong in words; how long to wait."""
        if fault.words != self.trouble:
            log.warning("Reddit's inbox cannot be read: %s.", fault.words)
        self.trouble = fault.words
        if fault.fate is Fate.LATER:
            return max(wait, fault.wait)
        return LONGEST_WAIT if fault.of_the_owner else min(2 * wait, LONGEST_WAIT)
