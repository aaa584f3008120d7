"""The `bot` fixture on both databases, with the marks of the road's tests."""

from tests.road.conftest import bot_environ, pytest_configure, pytest_generate_tests, server_for_home

__all__ = ["bot_environ", "pytest_configure", "pytest_generate_tests", "server_for_home"]
