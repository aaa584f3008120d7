"""Asking a model that is busy, refuses, breaks or speaks in another way."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from rekku.core.errors import EngineBusy, EngineRefused, EngineUnreachable
from rekku.core.registry import Kind
from rekku.core.transport_layer import llm_to_interface
from rekku.core.turn import Outcome
from rekku.store.schema import STEPS
from rekku.testing import Bot, ScriptedEngine
from tests.road.words import action, reply, rows, say, texts, until, while_time_passes

pytestmark = pytest.mark.sqlite_only


async def with_engine(bot: Bot, engine: Any, name: str = "second") -> None:
    """Add another engine."""
    await bot.running.loader.adopt(Kind.ENGINE, name, engine)


async def think_with(bot: Bot, engine: Any) -> None:
    """Let Rekku think with another engine."""
    await with_engine(bot, engine)
    await bot.hears("/llm second")


async def test_a_busy_server_is_asked_again_when_it_said_so(bot: Bot) -> None:
    bot.model_says(EngineBusy("too many requests", retry_after=7), "at last")
    receipt = await bot.send("hello")
    await until(bot, lambda: len(bot.engine.prompts) == 1)
    await bot.clock.advance(6.9)
    assert len(bot.engine.prompts) == 1
    await bot.clock.advance(0.2)
    assert await receipt.outcome() is Outcome.ANSWERED
    assert texts(bot) == ["at last"]


async def test_a_broken_connection_is_tried_again_with_growing_pauses(bot: Bot) -> None:
    bot.model_says(*[EngineUnreachable("connection reset")] * 3, "at last")
    began = bot.clock.monotonic()
    receipt = await bot.send("hello")
    for number, pause in ((1, 0.5), (2, 1.5), (3, 3.0)):
        await until(bot, lambda number=number: len(bot.engine.prompts) == number)  # type: ignore[misc]
        await bot.clock.advance(pause - 0.01)
        assert len(bot.engine.prompts) == number
        await bot.clock.advance(0.01)
    assert await receipt.outcome() is Outcome.ANSWERED
    assert bot.clock.monotonic() - began == pytest.approx(5.0)


@pytest.mark.settings(FALLBACK_LLM="second, third")
async def test_an_engine_that_refuses_is_not_asked_again_but_the_next_of_the_list(bot: Bot) -> None:
    second, third = ScriptedEngine(), ScriptedEngine()
    await with_engine(bot, second)
    await with_engine(bot, third, "third")
    bot.model_says(EngineRefused("wrong key"))
    second.script += [EngineRefused("no such model")]
    third.script += [say("from the third")]
    assert await bot.hears("hello") == ["from the third"]
    assert [len(e.prompts) for e in (bot.engine, second, third)] == [1, 1, 1]
    (step,) = await rows(bot, STEPS)
    assert step.engine == "third"


@pytest.mark.settings(FALLBACK_LLM="second,nobody")
async def test_the_first_engine_is_asked_first_again_next_time(bot: Bot) -> None:
    second = ScriptedEngine()
    await with_engine(bot, second)
    bot.model_says(EngineBusy("come back in an hour", retry_after=3600), "the first is back")
    second.script += ["the second helps"]
    assert await bot.hears("hello") == ["the second helps"]
    assert await bot.hears("hello") == ["the first is back"]


@pytest.mark.settings(ENGINE_TIMEOUT="1", FALLBACK_LLM="second")
async def test_an_engine_that_takes_too_long_is_given_up_at_once(bot: Bot) -> None:
    second = ScriptedEngine()
    await with_engine(bot, second)
    bot.engine.gate = asyncio.Event()
    second.script += ["the second is quick"]
    assert await bot.hears("hello") == ["the second is quick"]
    assert len(bot.engine.prompts) == 1


@pytest.mark.settings(FALLBACK_LLM="second")
async def test_a_bug_in_an_engine_is_no_reason_to_be_silent(bot: Bot) -> None:
    second = ScriptedEngine()
    await with_engine(bot, second)
    bot.model_says(KeyError("choices"))
    second.script += ["the second has no bug"]
    assert await bot.hears("hello") == ["the second has no bug"]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
async def test_an_engine_cannot_end_the_process(bot: Bot, error: BaseException) -> None:
    class Leaving:
        def generate_response(self, messages: object) -> str:
            raise error

    await think_with(bot, Leaving())
    (words,) = await bot.hears("hello", user="bob")
    assert words.startswith("I cannot think right now")


@pytest.mark.settings(FALLBACK_LLM="second")
async def test_what_a_failed_engine_had_written_is_replaced_by_what_the_next_one_writes(bot: Bot) -> None:
    class Breaking:
        async def generate_response(self, messages: object) -> AsyncIterator[str]:
            yield "half a sentence that is long enough to be"
            await asyncio.sleep(0.1)
            raise EngineRefused("broke")

    second = ScriptedEngine()
    second.script += ["a whole one"]
    await with_engine(bot, second)
    await with_engine(bot, Breaking(), "breaking")
    await bot.hears("/llm breaking")
    assert await bot.hears("hello", user="bob") == ["a whole one"]
    assert len(bot.interface.sent) == 2, "with the answer to the command"


def plain(messages: list[dict[str, Any]]) -> str:
    return say(f"{len(messages)} messages")


async def awaited(messages: list[dict[str, Any]]) -> str:
    return say(f"{len(messages)} messages")


async def in_pieces(messages: list[dict[str, Any]], call: Any) -> AsyncIterator[str]:
    text = say(f"{len(messages)} messages")
    for at in range(0, len(text), 7):
        yield text[at : at + 7]


async def awaited_pieces(messages: list[dict[str, Any]]) -> AsyncIterator[str]:
    return in_pieces(messages, None)


@pytest.mark.parametrize("function", [plain, awaited, in_pieces, awaited_pieces])
async def test_an_engine_may_return_a_text_or_pieces_at_once_or_later(bot: Bot, function: Callable[..., Any]) -> None:
    class Engine:
        generate_response = staticmethod(function)

    await think_with(bot, Engine())
    assert await bot.hears("hello", user="bob") == ["2 messages"]


async def returning(bot: Any, message: object, prompt: str) -> str:
    return say(f"{json.loads(prompt)[0]['role']} first")


async def sending(bot: Any, message: object, prompt: str) -> None:
    await bot.send_message("chat id", text=say(f"{json.loads(prompt)[0]['role']} first"))


async def to_the_interface(bot: Any, message: object, prompt: str) -> None:
    await llm_to_interface(bot.send_message, text=say(f"{json.loads(prompt)[0]['role']} first"))


def not_async(bot: Any, message: object, prompt: str) -> str:
    return say(f"{json.loads(prompt)[0]['role']} first")


@pytest.mark.parametrize("function", [returning, sending, to_the_interface, not_async])
async def test_an_engine_of_the_old_kind_is_understood(bot: Bot, function: Callable[..., Any]) -> None:
    class Engine:
        handle_incoming_message = staticmethod(function)

    await think_with(bot, Engine())
    assert await bot.hears("hello", user="bob") == ["system first"]


async def test_an_engines_own_rate_limit_is_kept(bot: Bot) -> None:
    class Slow(ScriptedEngine):
        def get_rate_limit(self) -> tuple[int, float]:
            return (2, 60.0)

    slow = Slow()
    slow.script += ["one", "two", "three"]
    await think_with(bot, slow)
    assert await bot.hears("1") == ["one"]
    await bot.clock.advance(20)
    assert await bot.hears("2") == ["two"]
    receipt = await bot.send("3")
    await bot.clock.advance(39)
    assert len(slow.prompts) == 2
    await while_time_passes(bot, receipt.outcome())
    assert len(slow.prompts) == 3


async def test_tokens_and_time_of_every_call_are_recorded(bot: Bot) -> None:
    bot.model_says(reply(action("nothing_known")), say("done"))
    await bot.hears("hello")
    first, second = await rows(bot, STEPS)
    assert (first.engine, first.model) == ("scripted", "scripted-1")
    assert first.prompt_tokens > 50
    assert second.prompt_tokens > first.prompt_tokens
    assert first.completion_tokens > 5


async def test_the_stable_part_of_the_prompt_is_the_same_for_every_turn(bot: Bot) -> None:
    for n in range(3):
        bot.model_says("ok")
        await bot.hears(f"message {n}")
        await bot.clock.advance(1000)
    await bot.restart()
    bot.model_says("ok")
    await bot.hears("after a restart")
    assert len({messages[0]["content"] for messages in bot.engine.messages}) == 1


async def test_a_small_engine_gets_the_newest_history_and_no_cut_sentence(bot: Bot) -> None:
    bot.engine.character_budget = 8000  # type: ignore[attr-defined]
    for n in range(8):
        bot.model_says(f"answer {n}: " + "word " * 100 + "end")
        await bot.hears(f"question {n}")
    bot.model_says("ok")
    await bot.hears("now")
    prompt = bot.engine.prompts[-1]
    assert len(prompt) <= 8000
    kept = [n for n in range(8) if f"answer {n}: " in prompt]
    assert kept == list(range(kept[0], 8)), "the newest, without a gap"
    assert 0 < kept[0] < 7
    assert prompt.count("word " * 100 + "end") == len(kept)


async def test_a_long_message_is_shortened_for_a_small_engine_between_words(bot: Bot) -> None:
    bot.engine.character_budget = 8000  # type: ignore[attr-defined]
    bot.model_says("ok")
    assert await bot.hears("sentence. " * 5000) == ["ok"]
    assert len(bot.engine.prompts[0]) <= 8000
    assert "sentence. […]" in bot.engine.prompts[0]
