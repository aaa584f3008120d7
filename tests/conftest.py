"""Databases for all suites: whatever takes `database` or `server_for_home` runs on SQLite and on MariaDB."""

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from rekku.store.database import MariaServer, StoredDatabase, open_database
from tests.servers.mariadb import shared_server

# How long an example takes, or making one up, says more of the machine than of Rekku. Where changes are judged, the
# examples are the same each time, so that what is red is the change; everywhere else they are new ones.
settings.register_profile(
    "rekku", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("rekku")

KINDS = ("sqlite", "mariadb")
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaServer]:
    """A MariaDB server; each database on it that a test needs has a name of its own (`fresh`)."""
    base = tmp_path_factory.getbasetemp()
    with shared_server(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) as server:
        yield server


@pytest.fixture(params=KINDS)
async def server_for_home(request: pytest.FixtureRequest) -> AsyncIterator[MariaServer | None]:
    """Where a new, empty Rekku keeps its things: None for SQLite in its home, or a new database on MariaDB."""
    if request.param == "sqlite":
        yield None
        return
    server = fresh(request.getfixturevalue("mariadb"))
    yield server
    await drop(server)


@pytest.fixture
async def database(server_for_home: MariaServer | None, tmp_path: Path) -> AsyncIterator[StoredDatabase]:
    """An empty database."""
    opened = await open_database(tmp_path, server_for_home, patience=10)
    yield opened
    await opened.close()


def fresh(server: MariaServer) -> MariaServer:
    """A database on the server that is not there yet."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    return replace(server, name=f"rekku_test_{os.getpid()}_{worker}_{next(_numbers)}")


async def drop(server: MariaServer) -> None:
    """Remove a database that a test made."""
    from rekku.store.drivers.mariadb_link import Link, Lost, render

    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(Lost):  # it is slow to answer
                link = await Link.open(server, database=False)
                break
    await link.run([render((f"DROP DATABASE IF EXISTS `{server.name}`", ()))], 60)
    await link.close()
