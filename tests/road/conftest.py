"""The `bot` fixture on both databases. Marks: `settings(NAME=text)`, and `sqlite_only` for what no database changes."""

from collections.abc import AsyncIterator

import pytest

from rekku.store.database import MariaServer
from tests.conftest import KINDS, drop, fresh


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "settings(NAME=text): settings of the bot in this test")
    config.addinivalue_line("markers", "sqlite_only: this test does not depend on the database")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server_for_home" in metafunc.fixturenames:
        only = metafunc.definition.get_closest_marker("sqlite_only")
        metafunc.parametrize("server_for_home", KINDS[:1] if only else KINDS, indirect=True)


@pytest.fixture
async def server_for_home(request: pytest.FixtureRequest) -> AsyncIterator[MariaServer | None]:
    """Where the bot of a test keeps its things: None for SQLite in its home, or a new database on MariaDB."""
    if request.param == "sqlite":
        yield None
        return
    server = fresh(request.getfixturevalue("mariadb"))
    yield server
    await drop(server)


@pytest.fixture
def bot_environ(request: pytest.FixtureRequest, server_for_home: MariaServer | None) -> dict[str, str]:
    """Where the bot keeps its things, and what the test's marks `settings` say; no plugins but the two of the road."""
    return {"REKKU_PLUGINS": "message_plugin,time_plugin"} | environ_of(request, server_for_home)


def environ_of(request: pytest.FixtureRequest, server: MariaServer | None) -> dict[str, str]:
    """The settings that lead to a database, and those of a test's marks."""
    environ = {} if server is None else reached_by(server)
    for mark in reversed(list(request.node.iter_markers("settings"))):
        environ |= mark.kwargs
    return environ


def reached_by(server: MariaServer) -> dict[str, str]:
    """The settings that lead to a MariaDB."""
    return {
        "DB_HOST": server.host,
        "DB_PORT": str(server.port),
        "DB_USER": server.user,
        "DB_PASS": server.password,
        "DB_NAME": server.name,
    }
