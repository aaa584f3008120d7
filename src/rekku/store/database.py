"""Open the database: a SQLite file in the home, or MariaDB when a server is set."""

from dataclasses import dataclass, field
from pathlib import Path

from rekku.store.base import StoredDatabase

__all__ = ["MariaServer", "StoredDatabase", "open_database", "sqlite_file"]


@dataclass(frozen=True)
class MariaServer:
    """Where a MariaDB is, and how to get in (`DB_HOST`, `DB_PORT`, `DB_USER`, `DB_PASS`, `DB_NAME`)."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str


def sqlite_file(home: Path) -> Path:
    """Where the SQLite database of a home is."""
    return home / "data" / "rekku.db"


async def open_database(home: Path, server: MariaServer | None = None, *, patience: float = 20.0) -> StoredDatabase:
    """Open the database, made if it is not there.

    `patience` is how many seconds a read or a write waits for a database that is away before it raises StoreError.
    Raises ConfigError for what the operator has to put right.
    """
    if server is None:
        from rekku.store.sqlite import open_sqlite

        return await open_sqlite(sqlite_file(home), patience)
    from rekku.store.mariadb import open_mariadb

    return await open_mariadb(server, patience)
