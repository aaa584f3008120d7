"""A homeserver; the mark `needs`: what a platform must be able to do for a test of the suite that all pass."""

from collections.abc import Iterator

import pytest

from tests.servers.synapse import Synapse, running, synapse

pytest.register_assert_rewrite("tests.interface.talking", "tests.interface.keeping")


@pytest.fixture(scope="session")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """A homeserver for all tests of Matrix."""
    with synapse(tmp_path_factory.mktemp("synapse")) as server:
        running.append(server)
        yield server
        running.clear()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(abilities): what the platform must be able to do for this test")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what a platform has not: its class says so in `can`."""
    kept = []
    for item in items:
        mark, suite = item.get_closest_marker("needs"), getattr(item, "cls", None)
        if mark is None or set(mark.args[0]) <= set(getattr(suite, "can", ())):
            kept.append(item)
    items[:] = kept
