"""Programs beside the page: what waits for the page, or for nobody any more, keeps no program waiting."""

import asyncio
from typing import Any

import ollama
import openai
import pytest

from rekku.testing import Bot
from tests.interface.webui.test_programs import HELLO, Client, Make, client, ollama_client, token
from tests.interface.webui.visitor import Visitor

__all__ = ["client", "ollama_client", "token"]
LONG = "A reply that nobody reads to its end. " * 20


async def ask(client: openai.AsyncOpenAI) -> str | None:
    """What a program gets for an answer."""
    done = await client.chat.completions.create(model="rekku", messages=[HELLO])
    return done.choices[0].message.content


async def break_off(bot: Bot, client: openai.AsyncOpenAI) -> None:
    """Ask, and hang up in the middle of the answer."""
    bot.engine.pieces = 40
    bot.model_says(LONG)
    stream = await client.chat.completions.create(model="rekku", messages=[HELLO], stream=True)
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    bot.engine.pieces = 0


async def test_after_a_stream_that_was_broken_off_the_next_call_is_answered(
    bot: Bot, client: openai.AsyncOpenAI
) -> None:
    await break_off(bot, client)
    bot.model_says("The next answer.", "And one more.")
    assert await ask(client) == "The next answer."
    assert await ask(client) == "And one more."


async def test_what_a_program_did_not_wait_for_stands_on_the_page_once(
    bot: Bot, owner: Visitor, client: openai.AsyncOpenAI
) -> None:
    await break_off(bot, client)
    bot.model_says("The next answer.")
    await ask(client)
    page = await owner.open()
    await page.until(lambda: page.texts() == [LONG.strip()])


async def test_a_notice_that_waits_for_the_page_keeps_no_program_waiting(
    bot: Bot, owner: Visitor, client: openai.AsyncOpenAI
) -> None:
    bot.model_says("Before.", "After.", "And on.")
    assert await ask(client) == "Before."
    await bot.running.road.tell_trainer("The roof leaks.")
    await bot.settle()
    assert await ask(client) == "After."
    assert await ask(client) == "And on."
    page = await owner.open()
    await page.until(lambda: page.texts() == ["[notice] The roof leaks."])


async def test_two_messages_in_one_answer_both_reach_a_program_past_what_waits(
    bot: Bot, client: openai.AsyncOpenAI
) -> None:
    bot.model_says("Before.")
    await ask(client)
    await bot.running.road.tell_trainer("The roof leaks.")
    await bot.settle()
    said = '{{"type": "message", "payload": {{"text": "{}"}}}}'
    bot.model_says(f'{{"actions": [{said.format("One.")}, {said.format("Two.")}]}}')
    assert await ask(client) == "One.\n\nTwo."


async def test_of_calls_that_were_given_up_one_after_the_other_the_last_is_answered(
    bot: Bot, client: openai.AsyncOpenAI
) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("First.", "Second.", "Third.", "Fourth.")
    hasty = client.with_options(timeout=0.3)
    for _ in range(3):
        with pytest.raises(openai.APITimeoutError):
            await ask(hasty)
    last = asyncio.create_task(ask(client))
    bot.engine.gate.set()
    assert await last == "Fourth."


async def test_what_the_protocols_have_and_rekku_has_not_is_not_found(
    client: openai.AsyncOpenAI, token: Make, ollama_client: Client
) -> None:
    with pytest.raises(openai.NotFoundError):
        await client.embeddings.create(model="rekku", input="hello")
    with pytest.raises(ollama.ResponseError) as refused:
        await ollama_client(await token()).show("rekku")
    assert refused.value.status_code == 404


class TestAnAnswerThatCannotBeGivenIsSaidInAStreamToo:
    """The head of a stream has gone out with 200 by then."""

    @pytest.fixture
    async def hers(self, bot: Bot, owner: Visitor, token: Make) -> str:
        """The token of somebody who is blocked by now."""
        bot.model_says("Hello Ann.")
        await bot.hears("hi", user="ann")
        people = (await owner.get("/web/people"))[1]
        ann = next(person["id"] for person in people if person["role"] == "unknown")
        text = await token(ann)
        await owner.post("/web/people/role", {"id": ann, "role": "blocked"})
        return text

    async def test_with_the_client_of_openai(self, client: openai.AsyncOpenAI, hers: str) -> None:
        stream: Any = await client.with_options(api_key=hers).chat.completions.create(
            model="rekku", messages=[HELLO], stream=True
        )
        with pytest.raises(openai.APIError, match="Rekku does not listen to this person"):
            await asyncio.wait_for(anext(chunk async for chunk in stream if chunk.choices[0].finish_reason), 5)

    async def test_with_the_client_of_ollama(self, ollama_client: Client, hers: str) -> None:
        stream = await ollama_client(hers).chat(model="rekku", messages=[HELLO], stream=True)
        with pytest.raises(ollama.ResponseError, match="Rekku does not listen to this person"):
            await asyncio.wait_for(anext(chunk async for chunk in stream if chunk.done), 5)
