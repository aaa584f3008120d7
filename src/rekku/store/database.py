"""Open the database: a SQLite file in the home, or MariaDB when a server is set."""

from pathlib import Path

from rekku.store.drivers.base import StoredDatabase
from rekku.store.drivers.server import MariaServer, server_of

__all__ = ["MariaServer", "StoredDatabase", "open_database", "server_of", "sqlite_file"]


def sqlite_file(home: Path) -> Path:
    """Where the SQLite database of a home is."""
    return home / "data" / "rekku.db"


async def open_database(home: Path, server: MariaServer | None = None, *, patience: float = 20.0) -> StoredDatabase:
    """Open the database, made if it is not there.

    `patience` is how many seconds a read or a write waits for a database that is away before it raises StoreError.
    Raises ConfigError for what the operator has to put right.
    """
    if server is None:
        from rekku.store.drivers.sqlite import open_sqlite

        return await open_sqlite(sqlite_file(home), patience)
    from rekku.store.drivers.mariadb import open_mariadb

    return await open_mariadb(server, patience)
