"""Put a backup back. What is there stays as it is until the backup is in whole.

SQLite: a new file is filled beside the old one and then takes its name. MariaDB: tables cannot be made in a
transaction, so the database must be empty, or its tables at the very steps of the backup; then all rows are replaced in
one transaction.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from rekku.core.database import Schema
from rekku.core.errors import ConfigError, NewerSchema
from rekku.store.archive import Backup, Manifest, opened
from rekku.store.database import MariaServer, open_database, sqlite_file
from rekku.store.drivers.base import StoredDatabase
from rekku.store.drivers.statements import Call
from rekku.store.migrations import done_steps, migrate

PIECE = 200
"""Rows that are read at a time."""

LIMIT = 3600.0
"""Seconds that the one transaction of a restore may take."""


async def restore_backup(
    home: Path,
    server: MariaServer | None,
    file: Path,
    *,
    schemas: Sequence[Schema],
    extra_files: Mapping[str, Path] | None = None,
) -> Manifest:
    """Replace everything in the database of a home by what is in the backup; nothing else may use it meanwhile.

    `schemas` are those of all components whose tables may be in it. `extra_files` maps names inside the backup to
    where they go. Raises ConfigError for what is not a whole backup, for a table that no component has, for a newer
    schema, and on MariaDB when the database holds tables of other steps.
    """
    async with opened(file) as backup:
        _check_components(backup.manifest, schemas)
        if server is None:
            await _restore_sqlite(sqlite_file(home), backup, schemas)
        else:
            await _restore_mariadb(home, server, backup, schemas)
        for name, target in (extra_files or {}).items():
            if name in backup.manifest.files:
                await asyncio.to_thread(_write_file, target, backup.extra(name))
        return backup.manifest


def _check_components(manifest: Manifest, schemas: Sequence[Schema]) -> None:
    known = {schema.component: len(schema.steps) for schema in schemas}
    for component, number in manifest.steps.items():
        if component not in known:
            raise ConfigError(
                f"The backup holds tables of {component!r}, which is not installed. Put its file back, then restore."
            )
        if number > known[component]:
            raise NewerSchema(component, number, known[component])


async def _restore_sqlite(file: Path, backup: Backup, schemas: Sequence[Schema]) -> None:
    from rekku.store.drivers.sqlite import open_sqlite
    from rekku.store.drivers.sqlite_copy import discard, take_place

    beside = file.with_name("restoring.db")
    await asyncio.to_thread(discard, beside)
    try:
        db = await open_sqlite(beside, patience=5)
        try:
            await _make_tables(db, backup, schemas)
            await _fill(db, backup)
        finally:
            await db.close()
        await asyncio.to_thread(take_place, beside, file)
    finally:
        await asyncio.to_thread(discard, beside)


async def _restore_mariadb(home: Path, server: MariaServer, backup: Backup, schemas: Sequence[Schema]) -> None:
    db = await open_database(home, server)
    try:
        there = await done_steps(db)
        for component, number in there.items():
            if number != backup.manifest.steps.get(component, 0):
                raise ConfigError(
                    f"The database {server.name!r} has the tables of {component} at step {number}, the backup at "
                    f"step {backup.manifest.steps.get(component, 0)}. Restore into an empty database: set DB_NAME "
                    "to a new one."
                )
        await _make_tables(db, backup, schemas)
        await _fill(db, backup)
    finally:
        await db.close()


async def _make_tables(db: StoredDatabase, backup: Backup, schemas: Sequence[Schema]) -> None:
    for schema in schemas:
        if schema.component in backup.manifest.steps:
            await migrate(db, schema, up_to=backup.manifest.steps[schema.component])
    for table, columns in backup.manifest.columns.items():
        there = await db.columns(table)
        if not there:
            raise ConfigError(f"The backup holds a table {table!r} that no installed component has.")
        unknown = set(columns) - set(there)
        if unknown:
            raise ConfigError(f"The backup has columns of table {table!r} that are unknown here: {min(unknown)}.")


async def _fill(db: StoredDatabase, backup: Backup) -> None:
    """All rows, in one transaction."""
    session = await db.begin(LIMIT)
    try:
        quote = db.dialect.identifier_preparer.quote_identifier
        for table, columns in backup.manifest.columns.items():
            await session.execute([(f"DELETE FROM {quote(table)}", ())])  # noqa: S608 - a checked name
            mark = "?" if db.kind == "sqlite" else "%s"
            names = ", ".join(map(quote, columns))
            insert = f"INSERT INTO {quote(table)} ({names}) VALUES ({', '.join([mark] * len(columns))})"  # noqa: S608
            rows = backup.rows(table)
            done = 0
            while calls := await asyncio.to_thread(_some, insert, rows):
                await session.execute(calls)
                done += len(calls)
            if done != backup.manifest.rows[table]:
                raise ConfigError(f"The backup is damaged: table {table!r} has {done} rows. Take another one.")
    except BaseException:
        await session.rollback()
        raise
    await session.commit()


def _some(insert: str, rows: Iterator[list[Any]]) -> list[Call]:
    return [(insert, tuple(row)) for row in islice(rows, PIECE)]


def _write_file(file: Path, content: bytes) -> None:
    temporary = file.with_name(f".{file.name}.part")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(file)
