"""Matrix: the suite of all interfaces, through the real client library, against a real homeserver."""

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

import pytest

from tests.interface.conformance import Conformance
from tests.interface.matrix import Matrix
from tests.interface.world import World
from tests.servers.synapse import running

pytestmark = pytest.mark.usefixtures("homeserver")


class TestMatrix(Conformance):
    """Matrix passes the suite."""

    can: ClassVar[Collection[str]] = Matrix.can

    def make_world(self, folder: Path) -> World:
        return Matrix(running[0])  # type: ignore[return-value] # it has no buttons and no menu
