"""What only MariaDB has: a server that goes away, comes back, and refuses."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rekku.core.database import Transaction
from rekku.core.errors import ConfigError, StoreError
from rekku.store.database import MariaServer, StoredDatabase, open_database
from rekku.store.drivers import mariadb_link
from rekku.store.drivers.mariadb_link import Link, Lost, Text
from rekku.store.migrations import migrate
from tests.conftest import fresh
from tests.servers.mariadb import PrivateMariaDB, private_server
from tests.store.tables import ADD, COUNT, IDS, SCHEMA, SET_COUNT


@pytest.fixture
def private() -> Iterator[PrivateMariaDB]:
    """A server that the test may kill."""
    with private_server() as server:
        yield server


@pytest.fixture
async def on_private(private: PrivateMariaDB, tmp_path: Path) -> AsyncIterator[StoredDatabase]:
    db = await open_database(tmp_path, private.server("rekku"), patience=20)
    await migrate(db, SCHEMA)
    yield db
    await db.close()


async def test_a_server_that_is_killed_and_restarted_loses_and_doubles_nothing(
    private: PrivateMariaDB, on_private: StoredDatabase
) -> None:
    done: list[int] = []

    async def write(number: int) -> None:
        for n in range(number * 1000, number * 1000 + 60):
            assert await on_private.write(ADD(id=n)) == [1]
            done.append(n)

    writers = [asyncio.create_task(write(number)) for number in range(10)]
    for mark in (100, 300):
        while len(done) < mark:
            await asyncio.wait(writers, timeout=0.01)
        await asyncio.to_thread(private.kill)
        reading = asyncio.create_task(on_private.fetch(IDS))
        await asyncio.to_thread(private.start)
        assert {row.id for row in await reading} >= set(done[:mark])
    await asyncio.gather(*writers)
    assert {row.id for row in await on_private.fetch(IDS)} == set(done)
    assert len(done) == 600


def stopped(pid: int) -> None:
    """Wait until every thread of a process stands still."""
    while any(
        file.read_text().rpartition(")")[2].split()[0] != "T" for file in Path(f"/proc/{pid}/task").glob("*/stat")
    ):
        time.sleep(0.001)


async def test_a_server_that_is_silent_for_a_while_is_waited_for(
    private: PrivateMariaDB, on_private: StoredDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await on_private.write(ADD(id=1))
    os.kill(private.pid, signal.SIGSTOP)
    await asyncio.to_thread(stopped, private.pid)
    writing = [asyncio.create_task(on_private.write(ADD(id=n))) for n in (2, 3)]
    reading = asyncio.create_task(on_private.fetch(IDS))
    _, waiting = await asyncio.wait([*writing, reading], timeout=1)
    os.kill(private.pid, signal.SIGCONT)
    assert len(waiting) == 3
    assert await asyncio.gather(*writing) == [[1], [1]]
    await reading


async def test_a_server_that_stays_away_is_given_up_in_time_and_found_again(
    private: PrivateMariaDB, tmp_path: Path
) -> None:
    db = await open_database(tmp_path, private.server("rekku"), patience=0.5)
    await migrate(db, SCHEMA)
    await asyncio.to_thread(private.kill)
    async with asyncio.timeout(15):
        for asked in (db.write(ADD(id=1)), db.fetch(IDS)):
            with pytest.raises(StoreError) as caught:
                await asked
            assert private.password not in str(caught.value)
        with pytest.raises(StoreError):
            async with db.transaction():
                raise AssertionError("never begun")
    await asyncio.to_thread(private.start)
    assert await db.write(ADD(id=1)) == [1]
    await db.close()


@pytest.mark.parametrize("happened", [True, False], ids=["it happened", "it did not"])
async def test_a_commit_whose_answer_is_lost_is_done_exactly_once(
    mariadb: MariaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, happened: bool
) -> None:
    server = fresh(mariadb)
    db = await open_database(tmp_path, server)
    await migrate(db, SCHEMA)
    await db.write(ADD(id=1, count=1))
    real = Link.run
    lost: list[int] = []

    async def losing(self: Link, texts: list[Text], limit: float = 8.0) -> list[mariadb_link.Result]:
        if texts[0].sql != "COMMIT" or lost:
            return await real(self, texts, limit)
        lost.append(1)
        if happened:
            await real(self, texts, limit)
        self.drop()
        raise Lost("the answer is lost")

    monkeypatch.setattr(Link, "run", losing)
    one, two = await asyncio.gather(
        db.write(ADD(id=2), SET_COUNT(number=1, to=2)), db.write(SET_COUNT(number=77, to=2))
    )
    assert lost
    assert (one, two) == ([1, 1], [0])
    assert await db.fetch(IDS) == [(1,), (2,)]

    async def add_one(transaction: Transaction) -> None:
        (row,) = await transaction.fetch(COUNT, number=1)
        await transaction.write(SET_COUNT(number=1, to=row.count + 1))

    lost.clear()
    await db.run(add_one)
    assert lost
    assert await db.fetch(COUNT, number=1) == [(3,)]
    await db.close()


async def test_two_processes_that_read_and_write_the_same_row_lose_nothing(
    mariadb: MariaServer, tmp_path: Path
) -> None:
    server = fresh(mariadb)
    both = [await open_database(tmp_path, server) for _ in range(2)]
    await migrate(both[0], SCHEMA)
    await both[0].write(ADD(id=1, count=0))

    async def add_one(transaction: Transaction) -> None:
        (row,) = await transaction.fetch(COUNT, number=1)
        await transaction.write(SET_COUNT(number=1, to=row.count + 1))

    await asyncio.gather(*(both[n % 2].run(add_one) for n in range(20)))
    assert await both[1].fetch(COUNT, number=1) == [(20,)]
    for db in both:
        await db.close()


async def test_a_wrong_password_is_told_without_the_password(mariadb: MariaServer, tmp_path: Path) -> None:
    wrong = replace(mariadb, password="not this one")
    with pytest.raises(ConfigError, match="Check DB_USER, DB_PASS") as caught:
        await open_database(tmp_path, wrong)
    assert "not this one" not in str(caught.value) + repr(wrong)


async def test_a_host_that_does_not_exist_is_told(mariadb: MariaServer, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no host named 'no such host'"):
        await open_database(tmp_path, replace(mariadb, host="no such host"))


async def test_a_server_that_does_not_run_is_told(mariadb: MariaServer, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = replace(mariadb, host="127.0.0.1", port=unused.getsockname()[1])
        with pytest.raises(StoreError, match="cannot be reached"):
            await open_database(tmp_path, nobody, patience=0.2)


async def test_a_text_larger_than_the_server_takes_is_refused_alone(mariadb: MariaServer, tmp_path: Path) -> None:
    from sqlalchemy.exc import DatabaseError

    db = await open_database(tmp_path, fresh(mariadb))
    await migrate(db, SCHEMA)
    results = await asyncio.gather(
        db.write(ADD(id=1)), db.write(ADD(id=2, text="x" * 17_000_000)), db.write(ADD(id=3)), return_exceptions=True
    )
    assert results[0] == results[2] == [1]
    assert isinstance(results[1], DatabaseError)
    assert await db.fetch(IDS) == [(1,), (3,)]
    await db.close()
