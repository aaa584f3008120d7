"""Matrix: the suite of all interfaces, through the real client library, against a real homeserver."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from tests.interface.conformance import Conformance
from tests.interface.matrix import Matrix
from tests.interface.world import World
from tests.servers.synapse import Synapse, synapse

pytestmark = pytest.mark.xdist_group("matrix")
_running: list[Synapse] = []


@pytest.fixture(scope="module", autouse=True)
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """The homeserver of this module's tests."""
    with synapse(tmp_path_factory.mktemp("synapse")) as running:
        _running.append(running)
        yield running
        _running.clear()


class TestMatrix(Conformance):
    """Matrix passes the suite."""

    can: ClassVar[Collection[str]] = Matrix.can

    def make_world(self, folder: Path) -> World:
        return Matrix(_running[0])  # type: ignore[return-value] # it has no buttons and no menu
