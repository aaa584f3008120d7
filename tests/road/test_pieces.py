"""A message that is longer than the platform takes, or comes with files, goes out in pieces, each of them once."""

from collections.abc import Mapping
from typing import Any

import pytest

from rekku.core.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnknown
from rekku.core.message import Attachment, Choice, Conversation
from rekku.testing import Bot, MemoryInterface
from tests.road.words import answered, history, reply, say, texts, until, while_time_passes

LONG = "One sentence here. Another one there. And a third, the last."
PIECES = ["One sentence here.", "Another one there.", "And a third,", "the last."]
SONG = Attachment("audio", "song.ogg", "audio/ogg", b"la la")
PICTURE = Attachment("image", "cat.png", "image/png", b"meow")


class Short(MemoryInterface):
    """A platform that takes twenty characters. `failures` are raised one after the other, None lets one pass."""

    max_length = 20
    can_edit = False

    def __init__(self) -> None:
        super().__init__("short", frozenset())
        self.failures: list[BaseException | None] = []
        self.audio: list[Mapping[str, Any]] = []

    async def send_message(self, payload: Mapping[str, Any], original_message: object = None) -> str:
        if self.failures and (failure := self.failures.pop(0)):
            raise failure
        return await super().send_message(payload, original_message)

    async def send_audio(self, payload: Mapping[str, Any]) -> str:
        self.audio.append(payload)
        return "a1"

    @property
    def texts(self) -> list[str]:
        """What arrived."""
        return [message.text for message in self.sent]


@pytest.fixture
async def short(bot: Bot) -> Short:
    """The short platform; the owner can be reached on the other."""
    made = Short()
    bot.add_interface(made)
    bot.model_says("hi owner")
    await bot.hears("hello")
    return made


async def test_a_long_reply_arrives_in_pieces_with_keys_of_their_own(bot: Bot, short: Short) -> None:
    bot.model_says(LONG)
    await bot.tell("talk", interface="short", user="ann", message_id="q1")

    assert short.texts == PIECES
    keys = [message.payload["key"] for message in short.sent]
    assert len(set(keys)) == 4
    assert [message.payload["part"] for message in short.sent] == [0, 1, 2, 3]
    assert {message.payload["answers"] for message in short.sent} == {"q1"}


async def test_it_goes_on_at_the_piece_that_failed(bot: Bot, short: Short) -> None:
    short.failures = [None, None, ConnectionError("reset"), DeliveryDelayed("slow down", 5)]
    bot.model_says(LONG)
    await while_time_passes(bot, bot.tell("talk", interface="short", user="ann"))

    assert short.texts == PIECES


async def test_after_a_restart_it_goes_on_at_the_piece_that_failed(bot: Bot, short: Short) -> None:
    short.failures = [None, DeliveryDelayed("slow down", 1000)]
    bot.model_says(LONG)
    await bot.send("talk", interface="short", user="ann", message_id="q1")
    await until(bot, lambda: not short.failures)
    await bot.restart()
    await until(bot, lambda: short.texts == PIECES)

    assert {message.payload["answers"] for message in short.sent} == {"q1"}, "what it answers is known after a restart"


async def test_a_piece_that_may_have_arrived_is_not_repeated_and_the_others_arrive(bot: Bot, short: Short) -> None:
    short.failures = [None, DeliveryUnknown("no answer")]
    bot.model_says(LONG)
    await bot.tell("talk", interface="short", user="ann")

    assert short.texts == [PIECES[0], *PIECES[2:]]
    await until(bot, lambda: "may not have arrived: no answer" in texts(bot)[-1])


async def test_files_follow_the_words_each_by_itself_and_sound_as_sound(bot: Bot, short: Short) -> None:
    class Sender:
        host: Any

        def get_supported_actions(self) -> Any:
            return {"give": {"description": "Give."}}

        async def handle_custom_action(self, name: str, payload: Any) -> None:
            await self.host.send("Here you are.", attachments=[PICTURE, SONG])

    bot.add(Sender())
    bot.model_says(reply({"type": "give", "payload": {}}))
    await bot.tell("give", interface="short", user="ann")

    assert [(m.text, m.payload["attachments"]) for m in short.sent] == [("Here you are.", ()), ("", (PICTURE,))]
    assert [payload["attachment"] for payload in short.audio] == [SONG]


class Singer:
    """Sends a song without a word to it."""

    host: Any

    def get_supported_actions(self) -> Any:
        return {"sing": {"description": "Sing.", "optional_fields": ["words"]}}

    async def handle_custom_action(self, name: str, payload: Any) -> str:
        await self.host.send("", attachments=[SONG], words=payload.get("words", ""))
        return f"{self.host.sends_left} left"


async def test_a_draft_becomes_the_words_that_it_showed_and_not_the_sound_before_them(bot: Bot, short: Short) -> None:
    short.can_edit = True
    bot.add(Singer())
    bot.engine.pieces = 4
    bot.model_says(reply({"type": "sing", "payload": {}}, {"type": "message", "payload": {"text": "Liked it?"}}), "")
    await bot.tell("sing", interface="short", user="ann")

    assert short.texts == ["Liked it?"]
    assert [payload["attachment"] for payload in short.audio] == [SONG]


async def test_history_remembers_what_files_say_and_how_much_may_be_sent_is_told(bot: Bot, short: Short) -> None:
    bot.add(Singer())
    bot.model_says(reply({"type": "sing", "payload": {"words": "la la"}}, {"type": "sing", "payload": {}}), reply())
    await bot.tell("sing", interface="short", user="ann")
    bot.model_says("Yes.")
    await bot.tell("again?", interface="short", user="ann")

    assert [text for _, text in history(bot)] == ["sing", "la la", "[audio: song.ogg]"]
    assert [output["output"] for output in answered(bot, -2)["outputs"]] == ["4 left", "3 left"]


async def test_a_refused_file_is_told_to_the_owner_and_the_words_have_arrived(bot: Bot, short: Short) -> None:
    short.failures = [None, DeliveryRefused("the file is too large")]
    await bot.running.road.voice.send("Here.", Conversation("short", "ann"), [PICTURE])
    await until(bot, lambda: "could not be delivered: the file is too large" in texts(bot)[-1])

    assert short.texts == ["Here."]


async def test_buttons_stand_under_the_last_piece_after_a_restart_too(bot: Bot, short: Short) -> None:
    choices = [Choice("Yes", "/approve 1"), Choice("No", "/deny 1")]
    short.here = False
    await bot.running.road.voice.answer(Conversation("short", "ann"), LONG, choices=choices)
    await bot.restart()
    short.here = True
    short.host.reachable()  # type: ignore[attr-defined]
    await until(bot, lambda: short.texts == PIECES)

    assert [message.payload["choices"] for message in short.sent] == [(), (), (), tuple(choices)]


async def test_a_draft_shows_the_first_piece_and_the_reply_begins_with_it(bot: Bot, short: Short) -> None:
    short.can_edit = True
    bot.engine.pieces = 4
    bot.model_says(say(LONG))
    await bot.tell("talk", interface="short", user="ann")

    assert short.texts == PIECES
    assert all(len(shown) <= 20 for message in short.sent for shown in message.texts)
