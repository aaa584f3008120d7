"""Time as an argument, so that tests can move it."""

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from rekku.core.errors import ConfigError


class Clock(Protocol):
    """Tells the time and waits."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go backwards, from an arbitrary start."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for so many seconds of this clock."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def span(length: timedelta) -> str:
    """How long something is, roughly, in words: `20 minutes`, `2 hours`, `9 days`."""
    minutes = max(0, round(length / timedelta(minutes=1)))
    for size, name in ((1440, "day"), (60, "hour")):
        if minutes >= 2 * size or (minutes >= size and minutes % size == 0):
            count = minutes // size
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def local_zone(name: str | None) -> ZoneInfo:
    """The zone of that name (a setting `TZ`), else the machine's own. Raises ConfigError for a name that is none."""
    if name:
        try:
            return ZoneInfo(name.lstrip(":"))
        except (ValueError, OSError, KeyError) as error:
            raise ConfigError(f"TZ is not a time zone: {name!r}. Write a name like Europe/Rome.") from error
    link = os.path.realpath("/etc/localtime")
    found = link.partition("/zoneinfo/")[2]
    return ZoneInfo(found) if found else ZoneInfo("UTC")
