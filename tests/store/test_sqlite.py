"""What only SQLite has: a file, a thread, a lock."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from rekku.core.errors import ConfigError, StoreError
from rekku.store.database import open_database, sqlite_file
from rekku.store.migrations import migrate
from tests.store.tables import ADD, IDS, SCHEMA

WRITER = """
import asyncio, sys
from pathlib import Path
from rekku.store.database import open_database
from rekku.store.migrations import migrate
from tests.store.tables import ADD, SCHEMA

async def main():
    db = await open_database(Path(sys.argv[1]))
    await migrate(db, SCHEMA)

    async def write(first):
        for number in range(first, 10**9, 10):
            await db.write(ADD(id=number, text="x" * 300))
            print(number, flush=True)

    await asyncio.gather(*(write(n) for n in range(10)))

asyncio.run(main())
"""


async def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    db = await open_database(tmp_path / "home")
    await migrate(db, SCHEMA)
    file = sqlite_file(tmp_path / "home")
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert {f.stat().st_mode & 0o777 for f in file.parent.iterdir()} == {0o600}
    await db.close()


async def test_the_event_loop_is_never_blocked(tmp_path: Path) -> None:
    with blockbuster_ctx():
        db = await open_database(tmp_path)
        await migrate(db, SCHEMA)
        await db.write(ADD(id=1))
        async with db.transaction() as transaction:
            await transaction.write(ADD(id=2))
        assert await db.fetch(IDS) == [(1,), (2,)]
        await db.close()


async def test_a_file_that_is_no_database_is_told_to_the_operator(tmp_path: Path) -> None:
    file = sqlite_file(tmp_path)
    file.parent.mkdir()
    file.write_bytes(b"this is not a database " * 500)
    with pytest.raises(ConfigError, match=r"damaged or is not a Rekku database.*rekku restore"):
        await open_database(tmp_path)


async def test_a_folder_that_cannot_be_made_is_told_to_the_operator(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(ConfigError, match="cannot be opened"):
        await open_database(tmp_path)


async def test_a_locked_file_is_waited_for(tmp_path: Path) -> None:
    db = await open_database(tmp_path)
    await migrate(db, SCHEMA)
    with closing(sqlite3.connect(sqlite_file(tmp_path), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(db.write(ADD(id=1), ADD(id=2)))
        await asyncio.sleep(0.05)
        assert not writing.done()
        other.execute("COMMIT")
    assert await writing == [1, 1]
    await db.close()


async def test_a_file_that_stays_locked_is_given_up(tmp_path: Path) -> None:
    db = await open_database(tmp_path, patience=0.1)
    await migrate(db, SCHEMA)
    with closing(sqlite3.connect(sqlite_file(tmp_path), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="no other program has it locked"):
            await db.write(ADD(id=1))
        other.execute("ROLLBACK")
    assert await db.write(ADD(id=1)) == [1]
    await db.close()


def write_and_be_killed(home: Path) -> set[int]:
    """The rows that a process told were written, before it was killed."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(home)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(200)]
        os.kill(writer.pid, signal.SIGKILL)
        lines += writer.stdout.readlines()
    return {int(line) for line in lines if line.endswith(b"\n")}


async def test_kill_minus_nine_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    for attempt in range(3):
        home = tmp_path / str(attempt)
        told = await asyncio.to_thread(write_and_be_killed, home)

        db = await open_database(home)
        found = {row.id for row in await db.fetch(IDS)}
        await db.close()
        assert told <= found
        assert len(told) >= 200
