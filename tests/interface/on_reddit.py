"""A bot on Reddit, for the tests that are Reddit's alone."""

from pathlib import Path

from tests.interface.reddit import Reddit
from tests.interface.suite import OnPlatform
from tests.interface.world import World

ALONE = {"REKKU_PLUGINS": "message_plugin,reddit_interface"}


class OnReddit(OnPlatform):
    """Its tests have a `world` and `talk`."""

    def make_world(self, folder: Path) -> World:
        """Reddit."""
        return Reddit()
