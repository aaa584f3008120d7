"""What the parts of the suite share: a bot on a platform, a plugin that sends files, replies of a model."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from rekku.core.message import Attachment
from rekku.core.registry import Kind
from rekku.testing import Bot, bot_at
from tests.interface.world import Talk, World

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
OGG = b"OggS\x00\x02" + bytes(22) + b"OpusHead" + bytes(40)
GROUP = "group"


class Giver:
    """A plugin whose action sends files; and one that only the owner may ask for."""

    host: Any

    def get_supported_actions(self) -> dict[str, Any]:
        """Its actions."""
        return {
            "give_picture": {"description": "Send a picture."},
            "give_sound": {"description": "Send a sound."},
            "open_safe": {"description": "Open the safe.", "restricted": True},
        }

    async def handle_custom_action(self, name: str, payload: Any) -> None:
        """Send it."""
        if name == "give_picture":
            await self.host.send("A cat.", attachments=[Attachment("image", "cat.png", "image/png", PNG)])
        elif name == "give_sound":
            await self.host.send("", attachments=[Attachment("audio", "song.ogg", "audio/ogg", OGG)])


def does(*names: str) -> str:
    """A clean reply that asks for actions without fields."""
    return json.dumps({"actions": [{"type": name, "payload": {}} for name in names]})


def needs(*abilities: str) -> pytest.MarkDecorator:
    """Marks a test for platforms that can all of these; on others there is nothing to test."""
    return pytest.mark.needs(abilities)


def asked(bot: Bot, number: int = -1) -> dict[str, Any]:
    """What a prompt said beside its stable part."""
    content = bot.engine.messages[number][1]["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    found: dict[str, Any] = json.loads(text)
    return found


def health(talk: Talk) -> str:
    """What the interface says of itself."""
    component = talk.bot.running.registry.get(Kind.INTERFACE, talk.world.interface)
    assert component is not None
    return str(component.instance.health())


class OnPlatform:
    """Its tests have a `world`, as `make_world` makes it, and a `talk`: a bot with nothing but the interface."""

    def make_world(self, folder: Path) -> World:
        """The platform, not yet open."""
        raise NotImplementedError

    @pytest.fixture
    async def world(self, tmp_path: Path) -> AsyncIterator[World]:
        """The platform, up. What it cannot is no part of its suite."""
        made = self.make_world(tmp_path)
        await made.open()
        yield made
        await made.close()

    @pytest.fixture
    async def talk(self, world: World, bot_home: Path) -> AsyncIterator[Talk]:
        """A bot on the platform."""
        settings = {"REKKU_PLUGINS": f"message_plugin,{world.interface}", **world.settings}
        async with bot_at(bot_home, settings, interfaces=[world.interface]) as bot:
            await world.attach(bot)
            yield Talk(world, bot)


class Suite(OnPlatform):
    """A part of the suite. `person` is who talks where it does not matter who."""

    person = "ann"

    @pytest.fixture
    async def talk(self, world: World, bot_home: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Talk]:
        """A bot on the platform."""
        caplog.set_level(logging.DEBUG)
        settings = {"REKKU_PLUGINS": f"message_plugin,time_plugin,{world.interface}", **world.settings}
        async with bot_at(bot_home, settings, interfaces=[world.interface]) as bot:
            bot.add(Giver())
            await bot.settle()
            await world.attach(bot)
            yield Talk(world, bot)
        assert not world.secret or world.secret not in caplog.text, "a secret stands in the log"
