"""Groups, pictures, and texts that no well-behaved platform sends."""

import asyncio

import pytest

from rekku.core.message import Attachment, Conversation, Message, Quote, User
from rekku.core.turn import Outcome
from rekku.store.schema import ACCOUNTS, ATTACHMENTS, HISTORY, INBOX
from rekku.testing import PATIENCE, Bot
from tests.road.words import asked, history, rows, say, texts


async def overhear(bot: Bot, text: str, user: str = "ann") -> Outcome:
    """Say something in a group, not to Rekku."""
    return await bot.tell(text, user=user, chat="room", direct=False, addressed=False)


async def test_what_is_overheard_in_a_group_is_remembered_and_not_answered(bot: Bot) -> None:
    assert await overhear(bot, "lovely weather") is Outcome.IGNORED
    assert await overhear(bot, "indeed", "bob") is Outcome.IGNORED
    assert bot.engine.prompts == []
    await bot.restart()
    bot.model_says("yes, lovely")
    assert await bot.hears("what do you think?", user="eve", chat="room", direct=False) == ["yes, lovely"]
    assert history(bot) == [("Ann", "lovely weather"), ("Bob", "indeed")]


@pytest.mark.parametrize("text", ["Rekku, are you there?", "hi rekku!", "(REKKU)", "Ciao Rekku"])
async def test_who_names_the_persona_in_a_group_is_answered(bot: Bot, text: str) -> None:
    bot.model_says("I am here")
    assert await overhear(bot, text) is Outcome.ANSWERED
    assert texts(bot, "room") == ["I am here"]


@pytest.mark.parametrize("text", ["rekkuish", "arekku", "rek ku", "mereKKUsh", ""])
async def test_a_part_of_a_word_is_not_the_name(bot: Bot, text: str) -> None:
    assert await overhear(bot, text) is Outcome.IGNORED
    assert bot.engine.prompts == []


async def test_a_renamed_persona_is_called_by_its_new_name(bot: Bot) -> None:
    (bot.home / "persona.md").write_text("# Mimì (the cat)\n\nYou purr.\n")
    bot.model_says("purr")
    assert await overhear(bot, "Rekku?") is Outcome.IGNORED
    assert await overhear(bot, "where is mimì (the cat)?") is Outcome.ANSWERED
    assert bot.engine.prompts[0].startswith("# Mimì (the cat)\n\nYou purr.")


async def test_a_command_that_is_overheard_is_no_command(bot: Bot) -> None:
    assert await overhear(bot, "/help") is Outcome.IGNORED
    assert bot.interface.sent == []


async def test_a_quoted_message_is_shown_as_somebody_elses_words(bot: Bot) -> None:
    bot.model_says("ok")
    await bot.hears("what does he mean?", reply_to=Quote("4", User("bob", "Bob"), "buy low"))
    assert asked(bot)["input"]["payload"]["reply_to"] == [{"from": "Bob", "text": "buy low"}]


async def test_images_reach_the_engine(bot: Bot) -> None:
    bot.model_says("a cat")
    picture = Attachment("image", "cat.png", "image/png", b"\x89PNG")
    assert await bot.hears("", attachments=(picture,)) == ["a cat"]
    words, image = bot.engine.messages[0][1]["content"]
    assert words["type"] == "text"
    assert image == {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}}
    assert asked(bot)["input"]["payload"]["attachments"] == ["image: cat.png"]


async def test_an_engine_that_takes_no_images_is_told_their_names(bot: Bot) -> None:
    bot.engine.takes_images = False
    bot.model_says("I cannot see it")
    await bot.hears("look", attachments=(Attachment("image", "cat.png", "image/png", b"\x89PNG"),))
    assert asked(bot)["input"]["payload"]["attachments"] == ["image: cat.png"]


async def test_other_files_are_named_only(bot: Bot) -> None:
    bot.model_says("ok")
    await bot.hears("listen", attachments=(Attachment("audio", "song.mp3", "audio/mpeg", b"la la"),))
    assert asked(bot)["input"]["payload"]["attachments"] == ["audio: song.mp3"]


async def test_whatever_a_sender_says_about_a_file_the_message_is_taken(bot: Bot) -> None:
    bot.model_says("ok")
    strange = Attachment("application/x-sticker", "n" * 300, "m" * 300 + "\ud83d", b"x")
    assert await bot.hears("look", attachments=(strange,)) == ["ok"]
    (row,) = await rows(bot, ATTACHMENTS)
    assert (row.kind, len(row.name), len(row.mime)) == ("file", 100, 100)


async def test_a_very_long_text_is_cut_with_a_mark(bot: Bot) -> None:
    bot.model_says("long", "short")
    assert await bot.hears("word " * 100_000) == ["long"]
    text = asked(bot)["input"]["payload"]["text"]
    assert len(text) <= 200_000
    assert text.endswith("[…]")
    await bot.hears("and now?")


async def test_a_very_long_answer_arrives_whole(bot: Bot) -> None:
    bot.model_says(say("word " * 15_000))
    (sent,) = await bot.hears("tell me everything")
    assert len(sent) == 75_000


@pytest.mark.parametrize("text", ["\ud83d", "hi \udc00 there", "a\x00b", "\u202e\u200b", "😀" * 100, "line\r\nline"])
async def test_any_characters_are_kept_and_answered(bot: Bot, text: str) -> None:
    bot.model_says(say("ok"), "again")
    assert await bot.hears(text, user="bob") == ["ok"]
    await bot.restart()
    assert await bot.hears("and?", user="bob") == ["again"]
    assert len(history(bot)) == 2


async def test_half_characters_in_names_harm_nothing(bot: Bot) -> None:
    bad = "x\ud83d"
    files = (Attachment("file", bad, "text/plain", b""),)
    quote = Quote("1", User("2", bad, bad), bad)
    for n in range(2):
        bot.model_says("ok")
        message = Message(
            conversation=Conversation("memory", "room"),
            user=User("u", bad, bad),
            text="hi",
            at=bot.clock.now(),
            message_id=f"m{n}{bad}",
            chat_name=bad,
            direct=False,
            reply_to=quote,
            attachments=files,
        )
        assert await (await bot.running.road.gate.receive(message)).outcome() is Outcome.ANSWERED
    assert len(await rows(bot, ACCOUNTS)) == 1


async def test_half_characters_of_a_model_are_replaced(bot: Bot) -> None:
    bot.model_says('{"actions": [{"type": "message", "payload": {"text": "ok \\ud83d"}}]}')
    (sent,) = await bot.hears("hi")
    assert sent.startswith("ok ")
    sent.encode()


@pytest.mark.parametrize("text", ["", "   ", "\n"])
async def test_an_empty_message_is_answered_too(bot: Bot, text: str) -> None:
    bot.model_says("yes?")
    assert await bot.hears(text) == ["yes?"]
    assert [row.text for row in await rows(bot, HISTORY)] == [text, "yes?"]


async def test_an_empty_reply_of_the_model_is_asked_for_words(bot: Bot) -> None:
    bot.model_says("", say("here are words"))
    assert await bot.hears("hi") == ["here are words"]


@pytest.mark.settings(UNKNOWN_PER_MINUTE="2")
async def test_too_many_messages_of_an_unknown_person_are_delayed_with_one_notice(bot: Bot) -> None:
    bot.model_says(*(f"answer {n}" for n in range(4)))
    for n in range(2):
        await bot.hears(f"question {n}", user="bob")
    receipts = [await bot.send(f"question {n}", user="bob") for n in (2, 3)]
    assert texts(bot, "bob")[2:] == [
        "That was a lot at once. I have kept your messages and will answer them one after the other."
    ]
    await bot.clock.advance(59)
    assert len(bot.engine.prompts) == 2
    await bot.clock.advance(2)
    for receipt in receipts:
        assert await receipt.outcome() is Outcome.ANSWERED
    assert texts(bot, "bob")[3] == "answer 2"


@pytest.mark.settings(UNKNOWN_PER_MINUTE="1")
async def test_a_delayed_message_is_not_lost_by_a_restart(bot: Bot) -> None:
    bot.model_says("one", "two")
    await bot.hears("first", user="bob")
    await bot.send("second", user="bob")
    await bot.restart()
    async with asyncio.timeout(PATIENCE):
        while [row.status for row in await rows(bot, INBOX)] != ["done", "done"]:
            await bot.clock.advance(61)


@pytest.mark.settings(UNKNOWN_PER_MINUTE="1")
async def test_known_people_and_the_trainer_are_not_delayed(bot: Bot) -> None:
    bot.model_says(*["ok"] * 5)
    await bot.hears("hi", user="bob")
    await bot.hears("/allow memory:bob")
    for who in ("bob", "bob", "owner", "owner"):
        assert await bot.hears("hi", user=who) == ["ok"]
