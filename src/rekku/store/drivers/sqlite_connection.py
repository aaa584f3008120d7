"""How a SQLite file is opened, and what is said when that fails."""

import os
import sqlite3
from pathlib import Path

from rekku.core.errors import ConfigError, StoreError

BROKEN = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=OFF",
    "PRAGMA cache_size=-8000",  # 8 MB
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",
)


def open_connection(file: Path) -> sqlite3.Connection:
    """A connection to the file, which is made (mode 0600, in a folder of mode 0700) if it is not there."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    db = sqlite3.connect(file, isolation_level=None, cached_statements=512, timeout=2.0)
    try:
        for pragma in PRAGMAS:
            db.execute(pragma)
        db.execute("SELECT count(*) FROM sqlite_master").fetchall()
    except BaseException:
        db.close()
        raise
    return db


def opening_failed(file: Path, error: Exception) -> Exception:
    if isinstance(error, sqlite3.DatabaseError) and code_of(error) in BROKEN:
        return ConfigError(broken(file))
    if isinstance(error, sqlite3.Error) and code_of(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(f"The database {file} is locked by another program; close that program and try again.")
    if isinstance(error, sqlite3.Error | OSError):
        return ConfigError(
            f"The database {file} cannot be opened ({error}). Check that the folder exists and may be written by you."
        )
    return error


def broken(file: Path) -> str:
    return (
        f"The file {file} is damaged or is not a Rekku database. Move it away and restore a backup "
        "(rekku restore FILE), or start without it to begin anew."
    )


def code_of(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0) or 0
    return code & 0xFF
