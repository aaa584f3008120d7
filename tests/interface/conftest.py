"""The mark `needs`: what a platform must be able to do for a test of the suite that all interfaces pass."""

import pytest

pytest.register_assert_rewrite("tests.interface.talking", "tests.interface.keeping")


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
