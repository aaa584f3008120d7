"""The `bot` fixture on both databases, with the marks of the road's tests and all built-in plugins."""

import pytest

from rekku.store.database import MariaServer
from tests.plugins.shells import opened
from tests.road.conftest import environ_of, pytest_configure, pytest_generate_tests, server_for_home

__all__ = ["opened", "pytest_configure", "pytest_generate_tests", "server_for_home"]


@pytest.fixture
def bot_environ(request: pytest.FixtureRequest, server_for_home: MariaServer | None) -> dict[str, str]:
    """Where the bot keeps its things, and what the test's marks `settings` say."""
    return environ_of(request, server_for_home)
