"""What events cost, with 1,000 rows and with more: making one, finding what is due, the next instant; and how late
due ones are handed over while many wait.

    python benchmarks/events.py [--rows 1000 100000 1000000] [--due 500]

Each line is the median and the 99th percentile in milliseconds. MariaDB is measured on a private server if `mariadbd`
is installed.
"""

import argparse
import asyncio
import itertools
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.servers.mariadb import mariadbd, private_server

from rekku.core.database import Write
from rekku.plugins._event import tables
from rekku.plugins.event import EventPlugin
from rekku.store.database import MariaServer, StoredDatabase, open_database
from rekku.store.migrations import migrate
from rekku.testing import Bot
from rekku.testing.fakes import MemoryInterface

TIMES = 300
BATCH = 2000
FAR = datetime(2030, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


def event(at: datetime, chat: int = 0) -> Write:
    """The write that keeps one event."""
    number = next(_numbers)
    return tables.ADD(
        mark=f"mark {number}",
        person_id=f"person {number % 1000}",
        created_by="",
        interface="memory",
        chat_id=f"chat {chat}",
        thread_id="",
        direct=True,
        description=f"number {number}",
        zone="Europe/Rome",
        starts="2030-01-01T01:00:00",
        repetition="none",
        cron="",
        until="",
        late_policy="deliver",
        status="waiting",
        next_at=at,
        wake_at=at,
        tries=0,
        last_at=None,
        last_outcome="",
        acknowledged_at=None,
        created_at=at,
    )


async def fill(db: StoredDatabase, count: int) -> None:
    """Add events that are due far from now."""
    for begin in range(0, count, BATCH):
        await db.write(*(event(FAR + timedelta(seconds=begin + n)) for n in range(min(BATCH, count - begin))))


async def measure(name: str, work: Callable[[], Awaitable[Any]]) -> None:
    """Do it again and again, and print what it costs."""
    spans = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await work()
        spans.append((time.perf_counter() - began) * 1000)
    print(f"  {name:24} {summary(spans)}", flush=True)


def summary(spans: Sequence[float]) -> str:
    """The median and the 99th percentile."""
    return f"p50 {statistics.median(spans):8.3f}   p99 {statistics.quantiles(spans, n=100)[98]:8.3f}"


async def questions(home: Path, server: MariaServer | None, sizes: Sequence[int]) -> None:
    """What each statement costs as the table grows."""
    db = await open_database(home, server)
    await migrate(db, tables.SCHEMA)
    have, now = 0, datetime.now(UTC)
    for size in sizes:
        await fill(db, size - have)
        have = size
        print(f"{db.kind}, {size:,} rows")
        await measure("make one", lambda: db.write(event(FAR)))
        await measure("find what is due", lambda: db.fetch(tables.DUE, now=now, most=100))
        await measure("the next instant", lambda: db.fetch(tables.NEXT))
        await measure("how it ended", lambda: db.fetch(tables.UNSETTLED, after="", most=100))
        await measure("one person's", lambda: db.fetch(tables.OF, who="person 7", most=30))
    await db.close()


class Chats(MemoryInterface):
    """A chat that notes when something arrives."""

    def __init__(self, expected: int) -> None:
        super().__init__()
        self.at: dict[str, datetime] = {}
        self.all_here = asyncio.Event()
        self._expected = expected

    async def send_message(self, payload: Any, original_message: object = None) -> str:
        """Note the time."""
        if found := re.search(r"number \d+", payload["text"]):  # also in plain words, when no engine was in time
            self.at.setdefault(found[0], datetime.now(UTC))
        if len(self.at) == self._expected:
            self.all_here.set()
        return str(len(self.at))


class Wall:
    """The machine's own clock, as the bot takes it."""

    def now(self) -> datetime:
        """The present."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from some start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


async def punctuality(home: Path, environ: dict[str, str], waiting: int, due: int) -> None:
    """How late reminders arrive that are due one after the other, at 50 a second, while others wait."""
    bot = Bot(home, environ, Wall())
    bot.interface = chats = Chats(due)
    await bot.start()
    plugin = bot.add(EventPlugin(), "event")
    await bot.settle()
    await fill(bot.running.database, waiting)
    begin = datetime.now(UTC) + timedelta(seconds=1)
    bot.model_says(*[_says] * due)
    writes = [event(begin + timedelta(seconds=n / 50), n % 50) for n in range(due)]
    promised = {write.values["description"]: write.values["wake_at"] for write in writes}
    await bot.running.database.write(*writes)
    plugin._scheduler.wake()
    async with asyncio.timeout(60 + due / 25):
        await chats.all_here.wait()
    late = [(chats.at[text] - at).total_seconds() * 1000 for text, at in promised.items()]
    print(f"  handed over, {waiting:,} waiting: late by {summary(late)}", flush=True)
    await bot.stop()


def _says(messages: Any) -> str:
    text = str(messages[1]["content"]).partition("“")[2].partition("”")[0]
    return f'{{"actions": [{{"type": "message", "payload": {{"text": "{text}"}}}}]}}'


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="What events cost.")
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 100_000, 1_000_000])
    parser.add_argument("--due", type=int, default=500)
    told = parser.parse_args()
    with ExitStack() as closing:
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        servers: list[MariaServer | None] = [None]
        if mariadbd():
            servers.append(closing.enter_context(private_server()).server("rekku_events"))
        for number, server in enumerate(servers):
            home = folder / str(number)
            home.mkdir()
            asyncio.run(questions(home, server, told.rows))
            environ = {} if server is None else _settings(server)
            asyncio.run(punctuality(folder / f"bot {number}", environ, 100_000, told.due))


def _settings(server: MariaServer) -> dict[str, str]:
    return {
        "DB_HOST": server.host,
        "DB_PORT": str(server.port),
        "DB_USER": server.user,
        "DB_PASS": server.password,
        "DB_NAME": f"{server.name}_bot",
    }


if __name__ == "__main__":
    main()
