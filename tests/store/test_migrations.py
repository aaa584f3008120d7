"""Steps: in order, once, recorded, copied before; from the oldest schema with rows in it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column, Table, insert, select

from rekku.core.database import Key, LongText, Schema, Statement, Step, Steps, table
from rekku.core.errors import NewerSchema, PluginError
from rekku.store.database import MariaServer, StoredDatabase, open_database
from rekku.store.drivers.base import STEPS_TABLE
from rekku.store.journal import StepRecord, cost_of, steps_of
from rekku.store.migrations import done_steps, migrate
from rekku.store.schema import SCHEMA

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def pets(*more: Column[str]) -> Table:
    return table("pets", Column("id", BigInteger, primary_key=True), Column("name", Key, index=True), *more)


async def first(db: Steps) -> None:
    await db.create(pets())


async def second(db: Steps) -> None:
    await db.add_column("pets", Column("kind", Key, nullable=False, server_default="cat"))


async def third(db: Steps) -> None:
    rows = await db.execute(select(pets().c.id))
    for row in rows:
        await db.execute("UPDATE pets SET name = :name WHERE id = :number;", name=f"pet {row.id}", number=row.id)


OLDEST = Schema("pets", Step(1, "pets", first))
TODAY = Schema("pets", Step(1, "pets", first), Step(2, "kinds", second), Step(3, "names", third))


async def test_rows_of_the_oldest_schema_survive_all_steps(database: StoredDatabase, tmp_path: Path) -> None:
    await migrate(database, OLDEST)
    await database.write(Statement(insert(pets()))(id=1, name="x"), Statement(insert(pets()))(id=2, name="y"))
    await migrate(database, TODAY, backups=tmp_path / "backups")

    today = pets(Column("kind", Key))
    assert await database.fetch(select(today).order_by(today.c.id)) == [(1, "pet 1", "cat"), (2, "pet 2", "cat")]
    assert await done_steps(database) == {"pets": 3}
    (copy,) = (tmp_path / "backups").iterdir()
    assert copy.name.startswith("before-pets-")
    assert copy.stat().st_mode & 0o777 == 0o600


async def test_replies_from_before_there_was_a_cost_have_none(database: StoredDatabase) -> None:
    await migrate(database, SCHEMA)
    await database.write(*StepRecord(1, 0, "Hello.", [], NOW, prompt_tokens=5, cost=1.0).unsaved())
    async with database.bench("rekku") as bench:
        await bench.read(("ALTER TABLE steps DROP COLUMN cost", ()))
        await bench.read((f"DELETE FROM {STEPS_TABLE} WHERE component = 'rekku' AND number = 3", ()))
    await migrate(database, SCHEMA)

    (step,) = await steps_of(database, 1)
    assert (step.reply, step.cost, cost_of([step])) == ("Hello.", None, None)
    await database.write(*StepRecord(2, 0, "", [], NOW, prompt_tokens=5, cost=0.000123456789).unsaved())
    assert cost_of(await steps_of(database, 2)) == 0.000123456789


async def test_a_new_database_needs_no_copy_and_steps_run_once(database: StoredDatabase, tmp_path: Path) -> None:
    for _ in range(2):
        await migrate(database, TODAY, backups=tmp_path / "backups")
    assert not (tmp_path / "backups").exists()


async def test_only_the_last_five_copies_are_kept(database: StoredDatabase, tmp_path: Path) -> None:
    async def nothing(db: Steps) -> None:
        await db.execute("SELECT 1")

    steps = [Step(1, "pets", first)]
    for number in range(2, 10):
        await migrate(database, Schema("pets", *steps), backups=tmp_path / "backups")
        steps.append(Step(number, "nothing", nothing))
    assert len(list((tmp_path / "backups").iterdir())) == 5


async def test_a_step_that_fails_is_not_recorded_and_can_be_done_again(database: StoredDatabase) -> None:
    attempts = []

    async def fails_once(db: Steps) -> None:
        await second(db)
        attempts.append(1)
        if len(attempts) == 1:
            raise ZeroDivisionError

    schema = Schema("pets", Step(1, "pets", first), Step(2, "kinds", fails_once))
    with pytest.raises(ZeroDivisionError):
        await migrate(database, schema)
    assert await done_steps(database) == {"pets": 1}
    if database.kind == "sqlite":
        assert await database.columns("pets") == ["id", "name"]

    await migrate(database, schema)
    assert await done_steps(database) == {"pets": 2}
    assert await database.columns("pets") == ["id", "name", "kind"]


async def test_a_database_of_a_newer_rekku_is_left_alone(database: StoredDatabase) -> None:
    await migrate(database, TODAY)
    with pytest.raises(NewerSchema, match="pets is at step 3, this version knows 1"):
        await migrate(database, OLDEST)


async def test_steps_that_are_numbered_wrongly_are_told_to_the_author(database: StoredDatabase) -> None:
    with pytest.raises(PluginError, match="numbered 1, 2, 3"):
        await migrate(database, Schema("pets", Step(2, "two", first)))


async def test_two_processes_do_each_step_once(mariadb: MariaServer, tmp_path: Path) -> None:
    from tests.conftest import drop, fresh

    server = fresh(mariadb)
    runs: list[str] = []

    async def counted(db: Steps) -> None:
        runs.append("run")
        await db.create(table("counted", Column("id", BigInteger, primary_key=True), Column("text", LongText)))

    schema = Schema("counted", Step(1, "one", counted))
    both = await asyncio.gather(open_database(tmp_path, server), open_database(tmp_path, server))
    await asyncio.gather(*(migrate(db, schema) for db in both))
    assert runs == ["run"]
    await asyncio.gather(*(db.close() for db in both))
    await drop(server)
