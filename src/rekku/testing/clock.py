"""A clock that stands still until a test moves it."""

import asyncio
import contextlib
import heapq
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class MovableClock:
    """A clock that stands still until a test moves it; whoever sleeps on it wakes when its time has come."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._monotonic = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        """The instant that the test has reached."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._monotonic

    async def sleep(self, seconds: float) -> None:
        """Wait until a test has moved the clock so far."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        self._count += 1
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._monotonic + seconds, self._count, woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Move on, waking sleepers on the way in their order."""
        await _breathe()  # who is about to fall asleep does so first
        until = self._monotonic + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            when, _, woken = heapq.heappop(self._sleepers)
            self._move_to(max(when, self._monotonic))
            if not woken.done():
                woken.set_result(None)
            await _breathe()
        self._move_to(until)
        await _breathe()

    def jump(self, seconds: float) -> None:
        """Set the wall clock, as an administrator would: sleepers notice nothing."""
        self._now += timedelta(seconds=seconds)

    def _move_to(self, when: float) -> None:
        self._now += timedelta(seconds=when - self._monotonic)
        self._monotonic = when


async def _breathe() -> None:
    """Let every task go on that can, with the database thread's answers too."""
    for _ in range(3):
        await asyncio.sleep(0)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.005):
            await asyncio.Event().wait()
