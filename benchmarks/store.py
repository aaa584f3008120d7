"""What one write and one read cost on each database: CPU of this process and wall time, in microseconds.

    python benchmarks/store.py

A write is an insert of 300 characters, committed to disk before it counts; a read is one row by its key.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sqlalchemy import BigInteger, Column, bindparam, insert, select

from rekku.core.clock import SystemClock
from rekku.core.database import Instant, Key, LongText, Schema, Statement, Step, table
from rekku.store.database import MariaServer, StoredDatabase, open_database
from rekku.store.migrations import migrate

ROWS = table(
    "bench",
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Key, index=True),
    Column("text", LongText),
    Column("at", Instant),
)
ADD = Statement(insert(ROWS))
ONE = Statement(select(ROWS).where(ROWS.c.id == bindparam("number")))
SCHEMA = Schema("bench", Step(1, "a table", lambda db: db.create(ROWS)))
WRITERS = 50


async def measure(name: str, count: int, at_once: int, do: Callable[[int], Awaitable[object]]) -> None:
    """Do it `count` times, `at_once` at a time, and print the cost of each."""

    async def some(first: int) -> None:
        for number in range(first, count, at_once):
            await do(number)

    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(some(first) for first in range(at_once)))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(f"  {name:28} cpu {cpu / count * 1e6:7.1f} µs   wall {wall / count * 1e6:7.1f} µs   {count / wall:8.0f}/s")


async def bench(home: Path, server: MariaServer | None) -> None:
    """All figures of one database."""
    db: StoredDatabase = await open_database(home, server)
    await migrate(db, SCHEMA)
    now, text = SystemClock().now(), "x" * 300
    start = 0

    async def write(number: int) -> None:
        await db.write(ADD(id=start + number, key=f"k{number}", text=text, at=now))

    async def read(number: int) -> None:
        await db.fetch(ONE, number=number)

    async def transact(number: int) -> None:
        async with db.transaction() as transaction:
            await transaction.fetch(ONE, number=number)
            await transaction.write(ADD(id=start + number, text=text, at=now))

    print(db.kind)
    await measure("write, alone", 2000, 1, write)
    start = 10_000
    await measure(f"write, {WRITERS} at once", 10_000, WRITERS, write)
    await measure("read, alone", 3000, 1, read)
    await measure(f"read, {WRITERS} at once", 10_000, WRITERS, read)
    start = 100_000
    await measure("transaction (read, write)", 1000, 1, transact)
    await db.close()


def main() -> None:
    """SQLite, then MariaDB if there is one."""
    from tests.servers.mariadb import mariadbd, private_server

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(bench(Path(folder), None))
    if mariadbd():
        with private_server() as private:
            asyncio.run(bench(Path(), private.server("bench")))


if __name__ == "__main__":
    main()
