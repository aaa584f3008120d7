"""Numbers for rows: made here, so that a transaction needs no question to the database; later is larger."""

import time
from collections.abc import Callable
from datetime import datetime

COUNTER_BITS = 12
PLACE_BITS = 10


def first_of(instant: datetime) -> int:
    """The smallest number that can be made at an instant."""
    return int(instant.timestamp() * 1000) << COUNTER_BITS + PLACE_BITS


class Ids:
    """A source of 63-bit numbers: milliseconds, the place of this process, a counter.

    A clock that is set back makes no number twice, and none too small.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._place = 0
        self._last = 0
        self._now = now

    def settle_at(self, place: int) -> None:
        """Use this place from now on: no two processes on one database may have the same."""
        self._place = place % (1 << PLACE_BITS)

    def raise_to(self, number: int) -> None:
        """Make all further numbers larger than this one, which is in use."""
        self._last = max(self._last, number >> PLACE_BITS)

    def __call__(self) -> int:
        """The next number."""
        instant = int(self._now() * 1000) << COUNTER_BITS
        self._last = max(self._last + 1, instant)
        return self._last << PLACE_BITS | self._place
