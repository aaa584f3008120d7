"""Numbered steps that make and change the tables of components, each done once and recorded."""

import asyncio
import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, insert, select, text
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable
from sqlalchemy.sql import ClauseElement

from rekku.core.database import Schema, Statement, Step
from rekku.core.errors import NewerSchema, PluginError
from rekku.store.backup import write_backup
from rekku.store.drivers.base import STEPS_TABLE, Bench, StoredDatabase
from rekku.store.drivers.statements import prepared

log = logging.getLogger(__name__)

KEPT_COPIES = 5
SCHEMA_STEPS = Table(
    STEPS_TABLE,
    MetaData(),
    Column("component", String(190), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("summary", String(500), nullable=False),
    Column("at", BigInteger, nullable=False),
    mariadb_engine="InnoDB",
    mariadb_charset="utf8mb4",
    mariadb_collate="utf8mb4_nopad_bin",
)
"""Which steps were done. `at` is in microseconds since 1970."""

DONE = Statement(select(SCHEMA_STEPS.c.component, SCHEMA_STEPS.c.number))
RECORD = Statement(insert(SCHEMA_STEPS))


class StepBench:
    """What a step gets: `core.database.Steps` on the bare driver."""

    def __init__(self, database: StoredDatabase, bench: Bench) -> None:
        self._database = database
        self._bench = bench

    @property
    def kind(self) -> str:
        """`sqlite` or `mariadb`."""
        return self._database.kind

    async def create(self, made: Table) -> None:
        """Create a table and its indexes, unless they are there."""
        await self.execute(CreateTable(made, if_not_exists=True))
        for index in sorted(made.indexes, key=lambda index: str(index.name)):
            await self.execute(CreateIndex(index, if_not_exists=True))

    async def add_column(self, name: str, column: Column[Any]) -> None:
        """Add a column to the table of that name, unless it is there. Its value in old rows is the server default."""
        if column.table is None:
            Table(name, MetaData(), column)
        if column.name in await self._columns(name):
            return
        quoted = self._database.dialect.identifier_preparer.quote_identifier(name)
        specification = str(CreateColumn(column).compile(dialect=self._database.dialect)).strip()
        await self._bench.read((f"ALTER TABLE {quoted} ADD COLUMN {specification}", ()))

    async def execute(self, clause: ClauseElement | Statement | str, **values: Any) -> list[Any]:
        """Run any statement; rows, if it has some. In a text, values are written `:name`."""
        if isinstance(clause, str):
            clause = text(clause.rstrip().removesuffix(";"))
        made = prepared(clause, self._database.dialect)
        rows, names = await self._bench.read(made.bind(values))
        return made.rows((rows, names)) if names else []

    async def _columns(self, name: str) -> list[str]:
        quoted = self._database.dialect.identifier_preparer.quote_identifier(name)
        _, names = await self._bench.read((f"SELECT * FROM {quoted} LIMIT 0", ()))  # noqa: S608 - the step's own table
        return list(names)


async def done_steps(database: StoredDatabase) -> dict[str, int]:
    """The last step of each component that was done; empty for a new database."""
    if not await database.columns(STEPS_TABLE):
        return {}
    last: dict[str, int] = {}
    for row in await database.fetch(DONE):
        last[row.component] = max(row.number, last.get(row.component, 0))
    return last


async def migrate(
    database: StoredDatabase, schema: Schema, *, backups: Path | None = None, up_to: int | None = None
) -> None:
    """Do the steps of a component that were not done yet, in order, each recorded.

    Before the tables of a component are changed, a copy of the whole database goes into the folder `backups`, where
    the last five are kept. Raises NewerSchema, or what a step raises; the steps before it stay done.
    """
    _check_numbers(schema)
    if not _pending(schema, await done_steps(database), up_to):
        return
    async with database.bench(schema.component) as bench:
        steps = StepBench(database, bench)
        await steps.create(SCHEMA_STEPS)
        done = await done_steps(database)  # another process may have been here in the meantime
        pending = _pending(schema, done, up_to)
        if pending and done.get(schema.component) and backups is not None:
            await _copy(database, schema.component, backups)
        for step in pending:
            log.info("Tables of %s, step %d: %s", schema.component, step.number, step.summary)
            async with bench.atomic():
                await step.upgrade(steps)
                await steps.execute(RECORD.clause, **_record(schema.component, step))


def _record(component: str, step: Step) -> dict[str, Any]:
    return {
        "component": component,
        "number": step.number,
        "summary": step.summary[:500],
        "at": time.time_ns() // 1000,
    }


def _check_numbers(schema: Schema) -> None:
    numbers = [step.number for step in schema.steps]
    if numbers != list(range(1, len(numbers) + 1)):
        raise PluginError(f"the steps of {schema.component} must be numbered 1, 2, 3…, not {numbers}")


def _pending(schema: Schema, done: dict[str, int], up_to: int | None) -> Sequence[Step]:
    last = done.get(schema.component, 0)
    known = len(schema.steps)
    if last > known:
        raise NewerSchema(schema.component, last, known)
    return schema.steps[last : known if up_to is None else up_to]


async def _copy(database: StoredDatabase, component: str, folder: Path) -> None:
    name = f"before-{component}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    made = await database.copy_aside(folder, name)
    if made is None:
        made = folder / f"{name}.zip"
        await write_backup(database, made, {})
    log.info("The database was copied to %s", made)
    await asyncio.to_thread(_drop_old, folder)


def _drop_old(folder: Path) -> None:
    copies = sorted(folder.glob("before-*"), key=lambda file: file.name.rsplit("-", 1)[-1])
    for old in copies[:-KEPT_COPIES]:
        old.unlink()
