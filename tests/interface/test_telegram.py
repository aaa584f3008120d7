"""Telegram: the suite of all interfaces, through the real client library."""

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

from tests.interface.conformance import Conformance
from tests.interface.telegram import Telegram
from tests.interface.world import World


class TestTelegram(Conformance):
    """Telegram passes the suite."""

    can: ClassVar[Collection[str]] = Telegram.can

    def make_world(self, folder: Path) -> World:
        return Telegram()
