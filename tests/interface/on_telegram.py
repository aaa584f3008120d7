"""A bot on Telegram, for the tests that are Telegram's alone."""

import asyncio
from pathlib import Path
from typing import Any

from tests.interface.suite import OnPlatform
from tests.interface.telegram import Telegram
from tests.interface.world import Talk, World

ALONE = {"REKKU_PLUGINS": "message_plugin,telegram_bot"}


class OnTelegram(OnPlatform):
    """Its tests have a `world` and `talk`."""

    def make_world(self, folder: Path) -> World:
        """Telegram."""
        return Telegram()


async def given(world: Telegram) -> None:
    """Wait until the bot has got all that happened, while its clock stands still."""
    async with asyncio.timeout(10):
        while world.server.given < world.server.updates[-1]["update_id"]:
            world.server.gave.clear()
            await world.server.gave.wait()


def calls(world: Telegram, method: str) -> list[dict[str, Any]]:
    """What the bot called a method with."""
    return [call for name, call in world.server.calls if name == method]


async def owner_menu(talk: Talk, world: Telegram) -> None:
    """Wait until the owner's chat has been given its menu, or refused it."""
    await talk.until(lambda: any("scope" in call for call in calls(world, "setMyCommands")))
