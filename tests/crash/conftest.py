"""A nursery for all tests of this folder, and a life on each database."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import KINDS, drop, fresh
from tests.crash.life import Life, Nursery, nursery


@pytest.fixture(scope="session")
def cradle() -> Iterator[Nursery]:
    """The process that forks the runs."""
    with nursery() as process:
        yield process


@pytest.fixture(params=KINDS)
def life(request: pytest.FixtureRequest, tmp_path: Path, cradle: Nursery) -> Iterator[Life]:
    """A new home with an empty database."""
    if request.param == "sqlite":
        yield Life(tmp_path / "home", None, cradle)
        return
    server = fresh(request.getfixturevalue("mariadb"))
    yield Life(tmp_path / "home", server, cradle)
    asyncio.run(drop(server))
