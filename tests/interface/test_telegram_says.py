"""What goes out to Telegram: its formatting, its files, its reactions, its ways to say no."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from telegram import Bot as TelegramLibrary

from rekku.core.errors import DeliveryRefused
from rekku.core.message import Attachment
from rekku.interface import telegram_bot
from rekku.interface._telegram_bot.formatting import formatted, utf16
from rekku.interface._telegram_bot.writing import LARGEST, Writer
from tests.interface.on_telegram import OnTelegram, calls
from tests.interface.suite import GROUP, OGG, health
from tests.interface.telegram import GROUP as GROUP_ID
from tests.interface.telegram import Telegram
from tests.interface.world import Talk
from tests.road.gates import Ajar

FILES = {
    "sendVoice": Attachment("audio", "voice.ogg", "audio/ogg; codecs=opus", OGG),
    "sendAudio": Attachment("audio", "song.mp3", "audio/mpeg", b"ID3"),
    "sendAnimation": Attachment("image", "cat.gif", "image/gif", b"GIF89a"),
    "sendVideo": Attachment("video", "cat.mp4", "video/mp4", b"film"),
    "sendDocument": Attachment("file", "cat.pdf", "application/pdf", b"%PDF"),
}


class Files:
    """A plugin that sends one of each kind."""

    host: Any

    def get_supported_actions(self) -> dict[str, Any]:
        """Its action."""
        return {"give_all": {"description": "Send files."}}

    async def handle_custom_action(self, name: str, payload: Any) -> None:
        """Send them."""
        await self.host.send("", attachments=list(FILES.values()))


def does(name: str, **payload: str) -> str:
    """A clean reply with one action."""
    return json.dumps({"actions": [{"type": name, "payload": payload}]})


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("[your bank][1] is here\n\n[1]: https://evil.example", "your bank (https://evil.example) is here"),
        ('[**bank**](<https://evil.example> "title")', "bank (https://evil.example)"),
        ("![cat](https://x.example/?secret)", "cat (https://x.example/?secret)"),
        ("<https://x.example/ü>", "https://x.example/ü"),
        ("[x.example](https://x.example/)", "x.example"),
    ],
)
def test_no_link_hides_where_it_goes(markdown: str, text: str) -> None:
    assert formatted(markdown)[0] == text


def test_quotes_are_not_nested() -> None:
    text, stretches = formatted("> one\n> > two\n\nafter")

    assert text == "one\n\ntwo\n\nafter"
    assert [(s.kind, s.offset) for s in stretches] == [("blockquote", 0)]


async def test_a_file_that_telegram_never_takes_is_not_tried() -> None:
    huge = Attachment("file", "film.mkv", "video/x-matroska", bytes(LARGEST + 1))

    with pytest.raises(DeliveryRefused, match=r"film\.mkv has 50,000,001 bytes"):
        await Writer(TelegramLibrary("1:never-used"), _never).give({"target": "1"}, huge)


def _never(work: object, name: str) -> Any:
    raise AssertionError("it was tried")


class TestSaying(OnTelegram):
    """What it says."""

    async def test_a_reply_that_grew_is_kept_when_its_formatting_is_refused(self, talk: Talk, world: Telegram) -> None:
        world.server.reads_entities = False
        talk.bot.engine.pieces, talk.bot.engine.gate = 8, Ajar(4)
        talk.bot.model_says("**Bold** words, which come slowly, one after the other, until it is whole.")
        await world.says("write")
        await talk.until(talk.texts)
        talk.bot.engine.gate.set()
        await talk.until(lambda: "whole." in "".join(talk.texts()))

        assert talk.texts() == ["**Bold** words, which come slowly, one after the other, until it is whole."]
        assert calls(world, "editMessageText")

    async def test_a_text_that_grows_when_it_is_formatted_arrives(self, talk: Talk, world: Telegram) -> None:
        talk.bot.model_says("\n".join(["1. x"] * 819))
        await talk.hears("count")

        assert max(utf16(text) for text in talk.texts()) <= 4096
        assert "".join(talk.texts()).count("x") == 819

    async def test_telegram_fetches_no_address_before_somebody_follows_it(self, talk: Talk, world: Telegram) -> None:
        talk.bot.model_says("See https://evil.example/?the-secret")
        await talk.hears("hello")

        assert [call["link_preview_options"] for call in calls(world, "sendMessage")] == [{"is_disabled": True}]

    async def test_each_file_goes_as_what_it_is(self, talk: Talk, world: Telegram) -> None:
        talk.bot.add(Files())
        await talk.bot.settle()
        talk.bot.model_says(does("give_all"), "Done.")
        await world.says("give me all")
        await talk.until(lambda: calls(world, "sendDocument"))

        sent = [name for name, _ in world.server.calls if name in FILES]
        assert sent == list(FILES)

    async def test_a_file_that_is_not_taken_as_a_voice_goes_as_a_file(self, talk: Talk, world: Telegram) -> None:
        talk.bot.add(Files())
        await talk.bot.settle()
        world.server.refusals["sendVoice"] = [(400, "Bad Request: VOICE_MESSAGES_FORBIDDEN", {})]
        talk.bot.model_says(does("give_all"), "Done.")
        await world.says("give me all")
        await talk.until(lambda: len(calls(world, "sendDocument")) == 2)

        assert calls(world, "sendDocument")[0]["files"]["document"] == ("voice.ogg", OGG)

    async def test_it_reacts_with_the_form_of_an_emoji_that_telegram_has(self, talk: Talk, world: Telegram) -> None:
        talk.bot.model_says(does("react", emoji="❤️"), "Done.")
        await talk.hears("I am here")

        assert [call["reaction"] for call in calls(world, "setMessageReaction")] == [[{"type": "emoji", "emoji": "❤"}]]

    async def test_the_model_is_told_which_reactions_there_are(self, talk: Talk, world: Telegram) -> None:
        world.server.refusals["setMessageReaction"] = [(400, "Bad Request: REACTION_INVALID", {})]
        talk.bot.model_says(does("react", emoji="🧊"), "I cannot.")
        await talk.hears("I am here")

        assert "Telegram does not take 🧊; take one of" in json.dumps(talk.bot.engine.messages, ensure_ascii=False)

    async def test_a_reply_that_somebody_deleted_while_it_grew_is_said_again(self, talk: Talk, world: Telegram) -> None:
        talk.bot.engine.pieces, talk.bot.engine.gate = 8, Ajar(4)
        talk.bot.model_says("It comes slowly, one word after the other, until it is whole.")
        await world.says("write")
        await until_shown(talk, lambda: bool(talk.texts()))
        world.server.messages.clear()
        talk.bot.engine.gate.set()
        await talk.until(lambda: talk.texts() == ["It comes slowly, one word after the other, until it is whole."])

    async def test_an_edit_whose_answer_is_lost_is_made_again(self, talk: Talk, world: Telegram) -> None:
        talk.bot.engine.pieces, talk.bot.engine.gate = 8, Ajar(4)
        talk.bot.model_says("It comes slowly, one word after the other, until it is whole.")
        await world.says("write", user="owner")
        await until_shown(talk, lambda: bool(talk.texts("owner")))
        world.server.breaks = ["editMessageText"] * 2
        talk.bot.engine.gate.set()
        await talk.until(lambda: talk.texts("owner")[0].endswith("until it is whole."))
        await talk.rest()

        assert len(talk.texts("owner")) == 1

    async def test_a_group_that_moves_while_a_reply_grows_gets_it(self, talk: Talk, world: Telegram) -> None:
        talk.bot.engine.pieces, talk.bot.engine.gate = 8, Ajar(4)
        talk.bot.model_says("It comes slowly, one word after the other, until it is whole.")
        world.server.refusals["editMessageText"] = [(400, "Bad Request: upgraded", {"migrate_to_chat_id": -100999})]
        await world.says("write", chat=GROUP, mention=True)
        await talk.until(lambda: talk.texts(GROUP))
        talk.bot.engine.gate.set()
        await talk.until(lambda: moved(world)[-1:] == ["It comes slowly, one word after the other, until it is whole."])
        await talk.rest()

        assert talk.texts(GROUP) == [world.server.messages[str(GROUP_ID)][0]["text"]]

    async def test_what_is_to_be_said_waits_for_a_right_token(self, talk: Talk, world: Telegram) -> None:
        talk.step = 2.0
        talk.bot.engine.gate = asyncio.Event()
        talk.bot.model_says("At last.")
        await world.says("hello")
        await talk.until(lambda: talk.bot.engine.prompts)
        token, world.server.token = world.server.token, "another"
        world.server.happens("something_new", {})  # the question that is open is answered, the next one is refused
        talk.bot.engine.gate.set()
        await talk.until(lambda: "does not accept BOTFATHER_TOKEN" in health(talk))
        world.server.token = token
        await talk.until(lambda: talk.texts() == ["At last."])

        assert health(talk) == ""

    async def test_a_new_version_of_the_file_goes_on_where_the_old_one_was(self, talk: Talk, world: Telegram) -> None:
        talk.bot.model_says("Before.", "After.")
        await talk.hears("hello")
        file = Path(telegram_bot.__file__)
        await talk.bot.load(file)

        assert await talk.hears("and now?") == ["After."]


def moved(world: Telegram) -> list[str]:
    """What stands in the group that has moved."""
    return [message["text"] for message in world.server.messages.get("-100999", ())]


async def until_shown(talk: Talk, fact: Callable[[], bool]) -> None:
    """Wait for what happens by itself, while the bot's clock stands still."""
    async with asyncio.timeout(10):
        while not fact():
            await talk.bot.clock.advance(0)
