"""What the tests of the plugin share: replies that ask for a speech, what arrived, and whose processes live."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rekku.plugins._selenium_elevenlabs import browser
from rekku.testing import Bot, MemoryInterface
from tests.road.words import action, answered, reply

ACTION = "speech_selenium_elevenlabs"
SMILE = "Good morning! 😀\nSchöne Grüße."


class Loud(MemoryInterface):
    """A second platform, which takes sound as sound."""

    def __init__(self) -> None:
        super().__init__("loud", frozenset())
        self.heard: list[bytes] = []

    async def send_audio(self, payload: Mapping[str, Any]) -> str:
        self.heard.append(payload["attachment"].data)
        return f"a{len(self.heard)}"


def speech(text: str = SMILE, **more: Any) -> str:
    """A reply that asks for a speech."""
    return reply(action(ACTION, message=text, **more))


def files(bot: Bot, kind: str = "audio", chat: str = "owner") -> list[bytes]:
    """The files of a kind that stand in a chat."""
    return [f.data for m in bot.interface.sent if m.chat == chat for f in m.payload["attachments"] if f.kind == kind]


async def refused(bot: Bot, **payload: Any) -> str:
    """What goes back to the model for a speech that does not come about."""
    bot.model_says(reply(action(ACTION, **{"message": SMILE, **payload})), "Alas.")
    await bot.hears("Say it.")
    return str(answered(bot)["errors"])


def folder(bot: Bot) -> Path:
    """The plugin's own folder."""
    return bot.home / "data" / "selenium_elevenlabs"


def processes(bot: Bot) -> list[int]:
    """The browser's processes, and its driver's."""
    return browser.processes(folder(bot) / "profile")


def left_behind(bot: Bot) -> list[str]:
    """What lives or lies around after a speech and should not."""
    return [*map(str, processes(bot)), *(file.name for file in folder(bot).iterdir() if file.name != "profile")]
