"""Groups: whom Rekku answers there; other programs; what people edit, and what they react to."""

import asyncio
from typing import Any

import pytest

from rekku.core.message import Attachment, Conversation, Message, Quote, User
from rekku.core.turn import Outcome
from rekku.store.schema import ATTACHMENTS
from rekku.testing import Bot
from tests.road.words import history, rows, texts, until

ROOM = {"chat": "room", "direct": False, "addressed": False}
MENTION = {**ROOM, "addressed": True}
TO_REKKU = {**ROOM, "reply_to": Quote("m1", User("bot"), "What did you say?", from_rekku=True)}
TO_ANN = {**ROOM, "reply_to": Quote("in1", User("ann"), "What did you say?")}


@pytest.mark.parametrize(
    ("text", "told"), [("hi", MENTION), ("it rains", TO_REKKU), ("rekku, does it rain?", ROOM), ("REKKU!", ROOM)]
)
async def test_in_a_group_it_answers_who_means_it(bot: Bot, text: str, told: dict[str, Any]) -> None:
    bot.model_says("Yes?")
    assert await bot.hears(text, user="ann", **told) == ["Yes?"]


@pytest.mark.parametrize(("text", "told"), [("hi", ROOM), ("it rains", TO_ANN), ("I like rekkus", ROOM)])
async def test_else_it_listens_and_remembers(bot: Bot, text: str, told: dict[str, Any]) -> None:
    assert await bot.tell(text, user="ann", **told) is Outcome.IGNORED
    bot.model_says("Yes?")
    await bot.hears("and now?", user="bob", **MENTION)

    assert history(bot) == [("Ann", text)]


@pytest.mark.settings(GROUP_ANSWERS="reply")
async def test_the_owner_says_what_is_answered(bot: Bot) -> None:
    for text, told in (("hi", MENTION), ("rekku?", ROOM)):
        assert await bot.tell(text, user="ann", **told) is Outcome.IGNORED
    bot.model_says("Yes?")
    assert await bot.hears("it rains", user="ann", **TO_REKKU) == ["Yes?"]


@pytest.mark.settings(GROUP_ANSWERS="all")
async def test_or_it_answers_everything(bot: Bot) -> None:
    bot.model_says("Yes?")
    assert await bot.hears("hm", user="ann", **ROOM) == ["Yes?"]


async def program(bot: Bot, text: str, *, chat: str = "room", direct: bool = False) -> Outcome:
    """What a program says, and how it ended."""
    await bot.settle()
    message = Message(Conversation("memory", chat), User("robo", bot=True), text, bot.clock.now(), direct=direct)
    return await (await bot.running.road.gate.receive(message)).outcome()


async def test_a_program_is_not_answered_and_has_no_commands(bot: Bot) -> None:
    assert await program(bot, "rekku, hello") is Outcome.IGNORED
    assert await program(bot, "/help", chat="robo", direct=True) is Outcome.IGNORED
    assert texts(bot, "room") == texts(bot, "robo") == []


async def test_a_program_that_the_owner_allows_is_answered_three_times_until_a_human_speaks(bot: Bot) -> None:
    await program(bot, "hello")
    await bot.hears("/allow memory:robo")
    bot.model_says(*["Yes?"] * 5)
    for answered in (True, True, True, False, False):
        assert await program(bot, "rekku?") is (Outcome.ANSWERED if answered else Outcome.IGNORED)
    await bot.tell("enough", user="ann", **ROOM)
    assert await program(bot, "rekku?") is Outcome.ANSWERED


async def test_what_is_edited_while_it_waits_is_answered_as_it_is_now(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("First.", "Second.")
    first = await bot.send("one", user="ann")
    await until(bot, lambda: bot.engine.prompts)
    second = await bot.send("tow", user="ann", message_id="m2")
    await bot.send("two", user="ann", message_id="m2", edited=True)
    bot.engine.gate.set()
    await first.outcome()
    await second.outcome()

    assert '"two"' in bot.engine.prompts[1]
    assert "tow" not in bot.engine.prompts[1]


async def test_what_is_edited_after_the_answer_is_remembered_as_it_is_now(bot: Bot) -> None:
    bot.model_says("Fine.", "Indeed.")
    await bot.hears("I am tried", user="ann", message_id="m1")
    assert await bot.hears("I am tired", user="ann", message_id="m1", edited=True) == []
    await bot.hears("so", user="ann")

    assert history(bot) == [("Ann", "I am tired"), ("you", "Fine.")]


async def test_nobody_edits_another_persons_words_or_a_command(bot: Bot) -> None:
    bot.model_says("Fine.", "Hm.")
    await bot.hears("hi", user="ann", message_id="m1", **MENTION)
    await bot.tell("I am a fool", user="bob", message_id="m1", edited=True, **MENTION)
    await bot.hears("/help", message_id="c1")
    assert await bot.hears("/block memory:ann", message_id="c1", edited=True) == []
    await bot.hears("so", user="ann", **MENTION)

    assert history(bot) == [("Ann", "hi"), ("you", "Fine.")]


async def test_a_message_that_comes_to_mean_rekku_by_an_edit_is_answered_once(bot: Bot) -> None:
    await bot.tell("rekuk, hello", user="ann", message_id="m1", **ROOM)
    bot.model_says("Hello!")
    for _ in range(2):
        await bot.tell("rekku, hello", user="ann", message_id="m1", edited=True, **ROOM)

    assert texts(bot, "room") == ["Hello!"]


async def test_a_reaction_to_rekkus_words_is_remembered_and_one_to_others_is_not(bot: Bot) -> None:
    bot.model_says("A joke.", "Thanks.")
    await bot.hears("tell a joke", user="ann")
    gate = bot.running.road.gate
    sent = bot.interface.sent[-1].id
    await gate.reacted(Conversation("memory", "ann"), User("ann", "Ann"), sent, "😂")
    await gate.reacted(Conversation("memory", "ann"), User("ann", "Ann"), "in1", "🙈")
    await bot.hears("so", user="ann")

    assert history(bot)[-1] == ("Ann", "(reacted with 😂 to “A joke.”)")
    assert len(history(bot)) == 3


async def test_files_that_are_not_for_rekku_are_not_kept(bot: Bot) -> None:
    film = Attachment("video", "film.mp4", "video/mp4", b"a film")
    await bot.tell("look at this", user="ann", attachments=(film,), **ROOM)
    bot.model_says("Nice.")
    await bot.tell("and at this", user="ann", attachments=(film,), **MENTION)

    assert len(await rows(bot, ATTACHMENTS)) == 1
