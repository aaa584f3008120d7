"""A database with the tables of `tables.py`."""

import pytest

from rekku.store.database import StoredDatabase
from rekku.store.migrations import migrate
from tests.store.tables import SCHEMA


@pytest.fixture
async def store(database: StoredDatabase) -> StoredDatabase:
    """The database, with tables."""
    await migrate(database, SCHEMA)
    return database
