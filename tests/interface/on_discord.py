"""A bot on Discord, for the tests that are Discord's alone."""

from pathlib import Path

from tests.interface.discord import Discord
from tests.interface.suite import OnPlatform
from tests.interface.world import World

ALONE = {"REKKU_PLUGINS": "message_plugin,discord_interface"}


class OnDiscord(OnPlatform):
    """Its tests have a `world` and `talk`."""

    def make_world(self, folder: Path) -> World:
        """Discord."""
        return Discord()
