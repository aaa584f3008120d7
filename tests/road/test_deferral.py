"""No engine answers: the person hears so at once, and the message is answered when one does."""

import pytest

from rekku.core.errors import EngineRefused, EngineUnreachable
from rekku.core.turn import Outcome
from rekku.store.schema import INBOX
from rekku.testing import Bot
from tests.road.doers import Doer, add
from tests.road.words import action, asked, history, reply, rows, say, texts, until, while_time_passes

DOWN = EngineRefused("out of order")
CANNOT = (
    "I cannot think right now (scripted: out of order). Your message is kept, and I will answer it as soon as I can."
)


async def test_the_person_hears_so_at_once_and_the_owner_once(bot: Bot) -> None:
    bot.model_says("hi", DOWN, DOWN)
    await bot.hears("hello")
    for user in ("ann", "bob"):
        assert await bot.hears("hello", user=user) == [CANNOT]
    assert texts(bot)[1:] == ["[notice] No engine answers, so messages wait: scripted: out of order"]


async def test_a_server_that_is_not_there_is_given_up_within_ten_seconds(bot: Bot) -> None:
    bot.model_says(*[EngineUnreachable("connection refused")] * 4)
    began = bot.clock.monotonic()
    assert await while_time_passes(bot, bot.tell("hello"), step=0.5) is Outcome.DEFERRED
    assert bot.clock.monotonic() - began <= 10


async def test_it_is_tried_again_by_itself_and_without_further_words(bot: Bot) -> None:
    bot.model_says(DOWN, DOWN, DOWN, "here I am")
    await bot.tell("hello", user="bob")
    for tries in (2, 3, 4):
        await bot.clock.advance(61)
        await until(bot, lambda tries=tries: len(bot.engine.prompts) == tries)  # type: ignore[misc]
    await until(bot, lambda: len(texts(bot, "bob")) == 2)
    assert texts(bot, "bob") == [CANNOT, "here I am"]
    assert asked(bot)["input"]["payload"]["text"] == "hello"
    assert [row.status for row in await rows(bot, INBOX)] == ["done"]


async def test_it_is_tried_at_once_when_the_engine_answers_somebody_else(bot: Bot) -> None:
    bot.model_says(DOWN, "hi ann", "hi bob")
    await bot.tell("hello", user="bob")
    assert await bot.hears("hello", user="ann") == ["hi ann"]
    await until(bot, lambda: texts(bot, "bob")[1:] == ["hi bob"])


async def test_it_is_tried_at_every_start(bot: Bot) -> None:
    bot.model_says(DOWN)
    await bot.tell("hello", user="bob")
    await bot.stop()
    bot.model_says("good morning")
    await bot.start()
    await until(bot, lambda: texts(bot, "bob")[1:] == ["good morning"])


async def test_what_was_deferred_is_answered_before_what_came_later_in_the_same_chat(bot: Bot) -> None:
    bot.model_says(DOWN, "to the first", "to the second")
    await bot.tell("first", user="ann", chat="room", direct=False)
    sent = await bot.hears("second", user="bob", chat="room", direct=False)
    assert sent == ["to the first", "to the second"]
    assert [line for line in history(bot) if line[0] != "you"] == [("Ann", "first")]


async def test_a_turn_that_was_deferred_in_the_middle_does_nothing_twice(bot: Bot) -> None:
    look = add(bot, Doer("look", does=lambda _: "blue"))
    bot.model_says(reply(action("message", text="I look."), action("look")), DOWN, say("It is blue."))
    assert await bot.tell("what colour is the sky?", user="bob") is Outcome.DEFERRED
    await bot.restart()
    await until(bot, lambda: "It is blue." in texts(bot, "bob"))
    assert texts(bot, "bob") == ["I look.", CANNOT, "It is blue."]
    assert look.done == [{}]


async def test_a_burst_that_was_deferred_is_answered_together_after_a_restart(bot: Bot) -> None:
    import asyncio

    bot.engine.gate = asyncio.Event()
    bot.model_says("first", DOWN)
    receipts = [await bot.send("one", user="bob")]
    await until(bot, lambda: bot.engine.prompts)
    receipts += [await bot.send(text, user="bob") for text in ("two", "three")]
    bot.engine.gate.set()
    assert [await r.outcome() for r in receipts] == [Outcome.ANSWERED, Outcome.DEFERRED, Outcome.DEFERRED]
    bot.engine.gate = None
    bot.model_says("to two", "to three")
    await bot.restart()
    await until(bot, lambda: bot.running.road.inbox.running == 0 and "done" in str(bot.engine.script or "done"))
    said = [asked(bot, n)["input"]["payload"]["text"] for n in range(2, len(bot.engine.prompts))]
    assert "\n".join(said) == "two\nthree"
    assert texts(bot, "bob")[:2] == ["first", CANNOT]


async def test_after_a_day_it_is_given_up_with_words_and_a_notice(bot: Bot) -> None:
    bot.model_says("hi", DOWN, DOWN, DOWN)
    await bot.hears("hello")
    await bot.tell("what is the meaning of life?", user="bob")
    bot.clock.jump(24 * 3600 - 120)
    await bot.clock.advance(61)
    await until(bot, lambda: len(bot.engine.prompts) == 3)
    assert len(texts(bot, "bob")) == 1
    await bot.clock.advance(61)
    await until(bot, lambda: len(texts(bot, "bob")) == 2)
    assert texts(bot, "bob")[1].startswith("I could not answer this message of yours in time: “what is the meaning")
    await until(bot, lambda: "was given up unanswered" in texts(bot)[-1])
    assert [row.status for row in await rows(bot, INBOX)] == ["done", "given_up"]


@pytest.mark.settings(TOKENS_PER_DAY="200")
async def test_the_days_tokens_are_a_limit_until_the_next_day(bot: Bot) -> None:
    bot.clock.jump(12 * 3600 - 30)
    bot.model_says("hi", "good morning")
    await bot.hears("hello")
    assert await bot.hears("and now?", user="bob") == [
        "I have used up today's allowance for thinking. Your message is kept; I will answer it tomorrow."
    ]
    assert "TOKENS_PER_DAY" in texts(bot)[-1]
    await bot.restart()
    assert await bot.tell("me too", user="ann") is Outcome.DEFERRED
    assert len(bot.engine.prompts) == 1
    await bot.clock.advance(29)
    assert len(bot.engine.prompts) == 1
    await bot.clock.advance(2)
    await until(bot, lambda: len(bot.engine.prompts) >= 2)
    await until(bot, lambda: texts(bot, "bob")[1:] == ["good morning"] or texts(bot, "ann")[1:] == ["good morning"])


async def test_without_any_engine_the_person_hears_so(bot: Bot) -> None:
    from rekku.core.registry import Kind, registry

    for engine in registry.of(Kind.ENGINE):
        if engine.name != "manual":
            await bot.running.loader.remove(engine)
    await bot.running.loader.settings_changed([])
    for engine in registry.of(Kind.ENGINE):
        await bot.running.loader.remove(engine)
    (words,) = await bot.hears("hello", user="bob")
    assert words.startswith("I cannot think right now (no engine is available")
