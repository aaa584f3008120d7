"""SQLite files, read and copied while another connection writes."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

from rekku.core.errors import ConfigError
from rekku.store.drivers.statements import Rows

log = logging.getLogger(__name__)

SUFFIXES = ("", "-wal", "-shm", "-journal")
PIECE = 500
"""Rows that are read at a time."""


class SqliteSnapshot:
    """All tables as they were when the snapshot was made. Made and closed in a thread."""

    def __init__(self, file: Path) -> None:
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=10)
        self._db.execute("PRAGMA query_only=ON")
        self._db.execute("BEGIN")
        self._db.execute("SELECT count(*) FROM sqlite_master").fetchall()  # the snapshot begins with the first read

    async def tables(self) -> list[str]:
        return await asyncio.to_thread(self._tables)

    async def rows(self, table: str) -> AsyncIterator[Rows]:
        cursor = await asyncio.to_thread(self._select, table)
        names = [column[0] for column in cursor.description]
        rows = await asyncio.to_thread(cursor.fetchmany, PIECE)
        yield rows, names
        while rows:
            rows = await asyncio.to_thread(cursor.fetchmany, PIECE)
            yield rows, names

    def close(self) -> None:
        """Let go of the snapshot."""
        self._db.close()

    def _tables(self) -> list[str]:
        found = self._db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        return sorted(name for (name,) in found)

    def _select(self, table: str) -> sqlite3.Cursor:
        quoted = table.replace('"', '""')
        return self._db.execute(f'SELECT * FROM "{quoted}"')  # noqa: S608 - a name out of the file's own list


def copy_file(file: Path, target: Path) -> None:
    """A consistent copy of a database that is in use (mode 0600); blocks."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
    with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")


def take_place(new: Path, file: Path) -> None:
    """Let a closed database take the place of another closed one; at each instant one of them is whole; blocks."""
    _settle(new)
    try:
        if file.exists():
            _settle(file)
    except sqlite3.DatabaseError as error:
        aside = file.with_name(f"{file.name}.damaged")
        log.warning("The old database cannot be read (%s); it is kept as %s", error, aside)
        for suffix in SUFFIXES:
            part = Path(f"{file}{suffix}")
            if part.exists():
                part.replace(f"{aside}{suffix}")
    new.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def discard(file: Path) -> None:
    """Remove a closed database; blocks."""
    for suffix in SUFFIXES:
        Path(f"{file}{suffix}").unlink(missing_ok=True)


def _settle(file: Path) -> None:
    """Bring everything of a closed database into the one file: the journal beside it belongs to that file only."""
    with closing(sqlite3.connect(file, timeout=5)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        mode = db.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    if mode != "delete":
        raise ConfigError(f"The database {file} is in use. Stop Rekku first.")
