"""The `bot` fixture on both databases; the mark `settings(NAME=text)` sets settings of a test's bot."""

import pytest

from rekku.store.database import MariaServer


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "settings(NAME=text): settings of the bot in this test")


@pytest.fixture
def bot_environ(request: pytest.FixtureRequest, server_for_home: MariaServer | None) -> dict[str, str]:
    """Where the bot keeps its things, and what the test's marks `settings` say."""
    environ: dict[str, str] = {} if server_for_home is None else reached_by(server_for_home)
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
