"""Commits that are shared, failures that are not, and transactions that lose nothing."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError, IntegrityError

from rekku.core.database import Transaction
from rekku.core.errors import StoreError
from rekku.store.database import MariaServer, StoredDatabase, open_database
from rekku.store.drivers import base
from rekku.store.migrations import migrate
from tests.store.tables import ADD, ADD_NEW, COUNT, HOW_MANY, IDS, SCHEMA, SET_COUNT


async def test_one_failing_write_does_not_take_the_others_along(store: StoredDatabase) -> None:
    await store.write(ADD(id=5))
    results = await asyncio.gather(*(store.write(ADD(id=n)) for n in range(10)), return_exceptions=True)

    assert [type(result) for n, result in enumerate(results) if n == 5] == [IntegrityError]
    assert [result for n, result in enumerate(results) if n != 5] == [[1]] * 9
    assert await store.fetch(IDS) == [(n,) for n in range(10)]


async def test_writes_of_one_call_happen_together_or_not_at_all(store: StoredDatabase) -> None:
    with pytest.raises(IntegrityError):
        await store.write(ADD(id=1), ADD(id=2), ADD(id=1))
    assert await store.fetch(IDS) == []
    assert await store.write() == []


async def test_every_writer_gets_its_own_counts(store: StoredDatabase) -> None:
    results = await asyncio.gather(*(store.write(ADD(id=n), ADD_NEW(id=n), ADD(id=n + 1000)) for n in range(200)))
    assert results == [[1, 0, 1]] * 200


async def test_a_read_sees_what_was_committed_before_it(store: StoredDatabase) -> None:
    async def write_and_read(number: int) -> bool:
        await store.write(ADD(id=number))
        return (number,) in await store.fetch(IDS)

    assert all(await asyncio.gather(*(write_and_read(n) for n in range(50))))


async def test_a_writer_that_is_cancelled_breaks_nothing(store: StoredDatabase) -> None:
    tasks = [asyncio.create_task(store.write(ADD(id=n))) for n in range(20)]
    readers = [asyncio.create_task(store.fetch(IDS)) for _ in range(20)]
    await asyncio.sleep(0)
    for task in (*tasks[::2], *readers[::2]):
        task.cancel()
    await asyncio.gather(*tasks, *readers, return_exceptions=True)

    found = {row.id for row in await store.fetch(IDS)}
    assert {n for n in range(20) if n % 2} <= found


async def test_concurrent_read_modify_write_loses_nothing(store: StoredDatabase) -> None:
    await store.write(ADD(id=1, count=0))

    async def add_one(transaction: Transaction) -> int:
        (row,) = await transaction.fetch(COUNT, number=1)
        await transaction.write(SET_COUNT(number=1, to=row.count + 1))
        return int(row.count)

    seen = await asyncio.gather(*(store.run(add_one) for _ in range(20)))
    assert sorted(seen) == list(range(20))
    assert await store.fetch(COUNT, number=1) == [(20,)]


async def test_a_transaction_sees_itself_and_others_do_not(store: StoredDatabase) -> None:
    async with store.transaction() as transaction:
        assert await transaction.write(ADD(id=1)) == [1]
        assert await transaction.fetch(IDS) == [(1,)]
        if store.kind == "mariadb":
            assert await asyncio.create_task(store.fetch(IDS)) == []
    assert await store.fetch(IDS) == [(1,)]


async def test_what_raises_inside_is_rolled_back(store: StoredDatabase) -> None:
    async def fail(transaction: Transaction) -> None:
        await transaction.write(ADD(id=1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.run(fail)
    assert await store.fetch(IDS) == []
    assert await store.write(ADD(id=1)) == [1]


async def test_a_refused_statement_does_not_end_the_transaction(store: StoredDatabase) -> None:
    async with store.transaction() as transaction:
        await transaction.write(ADD(id=1))
        with pytest.raises(IntegrityError):
            await transaction.write(ADD(id=1))
        await transaction.write(ADD(id=2))
    assert await store.fetch(IDS) == [(1,), (2,)]


async def test_writes_wait_while_a_transaction_is_open(store: StoredDatabase) -> None:
    async with store.transaction() as transaction:
        outside = asyncio.create_task(store.write(ADD(id=2)))
        await transaction.write(ADD(id=1))
        assert (await transaction.fetch(HOW_MANY))[0].many == 1
    assert await outside == [1]


async def test_a_transaction_that_takes_too_long_is_rolled_back(
    store: StoredDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "TRANSACTION_LIMIT", 2.0)

    async def too_long(transaction: Transaction) -> None:
        await transaction.write(ADD(id=1))
        await store_is_free(store)
        await transaction.write(ADD(id=2))

    with pytest.raises(StoreError, match="open for more than"):
        await store.run(too_long)
    assert await store.fetch(IDS) == [(9,)]


async def store_is_free(store: StoredDatabase) -> None:
    """Wait for a write of another task, which the open transaction holds up."""
    await asyncio.create_task(store.write(ADD(id=9)))


async def test_a_cancelled_transaction_lets_others_go_on(store: StoredDatabase) -> None:
    inside = asyncio.Event()

    async def linger() -> None:
        async with store.transaction() as transaction:
            await transaction.write(ADD(id=1))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(linger())
    await inside.wait()
    waiting = asyncio.create_task(linger())
    await asyncio.sleep(0)
    waiting.cancel()
    task.cancel()
    await asyncio.gather(task, waiting, return_exceptions=True)

    assert await store.write(ADD(id=2)) == [1]
    assert await store.fetch(IDS) == [(2,)]


async def test_asking_the_database_inside_its_own_transaction_is_a_mistake_that_is_told(store: StoredDatabase) -> None:
    with pytest.raises(RuntimeError, match="transaction's own"):
        async with store.transaction():
            await store.fetch(IDS)
    assert await store.fetch(IDS) == []


async def test_a_statement_that_is_nonsense_is_refused(store: StoredDatabase) -> None:
    from sqlalchemy import text

    with pytest.raises(DatabaseError):
        await store.fetch(text("SELECT nothing FROM nowhere"))
    assert await store.fetch(IDS) == []


async def test_closing_finishes_what_was_asked(server_for_home: MariaServer | None, tmp_path: Path) -> None:
    db = await open_database(tmp_path, server_for_home)
    await migrate(db, SCHEMA)
    writes = [asyncio.create_task(db.write(ADD(id=n))) for n in range(30)]
    await asyncio.sleep(0)
    await db.close()
    assert await asyncio.gather(*writes) == [[1]] * 30
    with pytest.raises(StoreError):
        await db.write(ADD(id=99))
    await db.close()

    again = await open_database(tmp_path, server_for_home)
    assert (await again.fetch(HOW_MANY))[0].many == 30
    await again.close()
