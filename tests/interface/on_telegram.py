"""A bot on Telegram, for the tests that are Telegram's alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rekku.core.registry import Kind
from rekku.testing import bot_at
from tests.interface.telegram import Telegram
from tests.interface.world import Talk

ALONE = {"REKKU_PLUGINS": "message_plugin,telegram_bot"}


class OnTelegram:
    """Its tests have a `world` and `talk`."""

    @pytest.fixture
    async def world(self) -> AsyncIterator[Telegram]:
        """Telegram, up."""
        made = Telegram()
        await made.open()
        yield made
        await made.close()

    @pytest.fixture
    async def talk(self, world: Telegram, bot_home: Path) -> AsyncIterator[Talk]:
        """A bot on it."""
        async with bot_at(bot_home, {**ALONE, **world.settings}, interfaces=["telegram_bot"]) as bot:
            await world.attach(bot)
            yield Talk(world, bot)


def health(talk: Talk) -> str:
    """What the interface says of itself."""
    component = talk.bot.running.registry.get(Kind.INTERFACE, "telegram_bot")
    assert component is not None
    return str(component.instance.health())


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
