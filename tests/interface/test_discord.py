"""Discord: the suite of all interfaces, through the real client library."""

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

from tests.interface.conformance import Conformance
from tests.interface.discord import Discord
from tests.interface.world import World


class TestDiscord(Conformance):
    """Discord passes the suite."""

    can: ClassVar[Collection[str]] = Discord.can

    def make_world(self, folder: Path) -> World:
        return Discord()
