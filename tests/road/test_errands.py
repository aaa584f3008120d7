"""What Rekku does of its own accord, on behalf of a person: it runs once, with that person's rights, and is said."""

import asyncio
from typing import Any

import pytest

from rekku.core.errors import EngineUnreachable
from rekku.core.message import Conversation, Errand, Message, User
from rekku.core.principal import TRAINER_PERSON
from rekku.core.turn import Outcome
from rekku.testing import Bot
from tests.road.doers import Doer, add
from tests.road.words import action, asked, reply, say, until

WORDS = "You wanted to be reminded: water the plants."


async def send_out(bot: Bot, person: str = TRAINER_PERSON, chat: str = "owner", key: str = "event:1") -> Any:
    """Hand over an errand as a component does."""
    errand = Errand("event", person, WORDS)
    message = Message(
        Conversation("memory", chat), User(""), "water the plants", bot.clock.now(), message_id=key, errand=errand
    )
    await bot.settle()
    return await bot.running.road.gate.receive(message)


async def test_the_model_puts_it_into_words(bot: Bot) -> None:
    bot.model_says(say("The plants are thirsty!"))
    receipt = await send_out(bot)

    assert await receipt.outcome() is Outcome.ANSWERED
    assert [sent.text for sent in bot.interface.sent] == ["The plants are thirsty!"]
    assert asked(bot)["input"]["type"] == "event"


async def test_the_same_errand_runs_once_however_often_it_is_handed_over(bot: Bot) -> None:
    bot.model_says(say("The plants!"))
    first = await send_out(bot)
    second = await send_out(bot)

    assert await first.outcome() is Outcome.ANSWERED
    assert await second.outcome() is Outcome.IGNORED
    assert len(bot.interface.sent) == 1


async def test_it_goes_out_in_plain_words_when_no_engine_answers(bot: Bot) -> None:
    bot.model_says(*[EngineUnreachable("down")] * 4)
    receipt = await send_out(bot)
    await until(bot, lambda: bool(bot.engine.prompts))
    await bot.clock.advance(10)

    assert await receipt.outcome() is Outcome.ANSWERED
    assert [sent.text for sent in bot.interface.sent] == [WORDS]


async def test_it_goes_out_in_plain_words_when_the_model_says_nothing(bot: Bot) -> None:
    bot.model_says(reply())
    receipt = await send_out(bot)

    assert await receipt.outcome() is Outcome.ANSWERED
    assert [sent.text for sent in bot.interface.sent] == [WORDS]


async def test_it_is_said_in_its_own_chat_too_when_the_model_writes_only_elsewhere(bot: Bot) -> None:
    bot.model_says("Hello Bob.")
    await bot.hears("hi", user="bob")
    bot.model_says(reply(action("message", target="bob", text="Water the plants, Bob!")))
    await (await send_out(bot)).outcome()

    assert [sent.text for sent in bot.interface.sent if sent.chat == "owner"] == [WORDS]
    assert [sent.text for sent in bot.interface.sent if sent.chat == "bob"][-1] == "Water the plants, Bob!"


async def test_it_survives_a_restart_in_the_middle(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    await send_out(bot)
    await until(bot, lambda: bool(bot.engine.prompts))
    bot.engine.gate = None
    bot.model_says(say("Water them."))
    await bot.restart()
    await until(bot, lambda: bool(bot.interface.sent))

    assert [sent.text for sent in bot.interface.sent] == ["Water them."]


async def test_it_has_the_rights_of_its_person_and_no_others(bot: Bot) -> None:
    doer = add(bot, Doer("post", restricted=True))
    bot.model_says("Hello.")
    await bot.hears("hi", user="bob")
    people = {a.user_id: a.person_id for a in await bot.running.road.people.accounts()}
    bot.model_says(reply(action("post")), say("I may not."))
    await (await send_out(bot, people["bob"], "bob")).outcome()
    assert doer.done == []

    bot.model_says(reply(action("post")), say("Posted."))
    await (await send_out(bot, key="event:2")).outcome()
    assert len(doer.done) == 1


async def test_what_is_of_high_risk_waits_for_the_trainer_in_it(bot: Bot) -> None:
    doer = add(bot, Doer("shell", risk="high"))
    bot.model_says(reply(action("shell")), say("I may not."))
    receipt = await send_out(bot)
    await until(bot, lambda: bool(bot.interface.sent))

    assert "/approve" in bot.interface.sent[-1].text
    assert (await bot.hears("/deny"))[0] == "Denied: shell."
    assert await receipt.outcome() is Outcome.ANSWERED
    assert doer.done == []


async def test_it_does_not_stand_in_line_behind_a_turn_that_takes_long(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    slow = await bot.send("tell me a long story")
    await until(bot, lambda: bool(bot.engine.prompts))
    receipt = await send_out(bot)
    await bot.clock.advance(14)
    assert bot.interface.sent == []
    await bot.clock.advance(2)

    assert await receipt.outcome() is Outcome.ANSWERED
    assert [sent.text for sent in bot.interface.sent] == [WORDS]

    bot.model_says("Once upon a time.")
    bot.engine.gate.set()
    assert await slow.outcome() is Outcome.ANSWERED
    assert [sent.text for sent in bot.interface.sent] == [WORDS, "Once upon a time."]


@pytest.mark.settings(ACTIVE_LLM="manual")
async def test_it_goes_out_at_once_where_a_person_is_the_model_and_takes_time(bot: Bot) -> None:
    await bot.send("hello")
    await until(bot, lambda: bool(bot.running.desk.waiting))
    receipt = await send_out(bot)

    assert await receipt.outcome() is Outcome.ANSWERED
    assert [sent.text for sent in bot.interface.sent] == [WORDS]
