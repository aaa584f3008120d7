"""The desk: the owner answers in the model's place, one conversation or all, and gives it back."""

import asyncio
import json

from rekku.testing import Bot
from tests.interface.webui.visitor import Page, Visitor

ANN = {"interface": "memory", "chat_id": "ann", "thread_id": ""}


def waiting(page: Page) -> list[str]:
    """The chats whose prompts wait, as the page knows it last."""
    told = [record["waiting"] for record in page.records if record["type"] == "desk"]
    return [question["chat"] for question in told[-1]]


async def test_one_conversation_is_taken_over_and_the_others_go_on(bot: Bot, owner: Visitor) -> None:
    bot.model_says("Hello, Ann.", "Hello, Bob.")
    await bot.hears("hello", user="ann")
    page = await owner.open()
    _, talks = await owner.post("/web/talks/take", {**ANN, "taken": True})
    assert [talk["chat"] for talk in talks if talk["taken"]] == ["memory:ann"]

    receipt = await bot.send("are you there?", user="ann")
    await page.until(lambda: waiting(page) == ["memory:ann"])
    assert await bot.hears("hello", user="bob") == ["Hello, Bob."]
    question = next(r for r in reversed(page.records) if r["type"] == "desk")["waiting"][0]
    assert "are you there?" in question["text"]
    assert json.loads(question["prompt"])
    await page.send(type="answer", question=question["number"], text="It is me, in person.")
    await receipt.outcome()
    assert bot.interface.sent[-1].text == "It is me, in person."


async def test_what_waits_goes_to_the_model_when_it_is_given_back(bot: Bot, owner: Visitor) -> None:
    bot.model_says("Hello, Ann.", "I am back.")
    await bot.hears("hello", user="ann")
    page = await owner.open()
    await owner.post("/web/talks/take", {**ANN, "taken": True})
    receipt = await bot.send("who is there?", user="ann")
    await page.until(lambda: waiting(page) == ["memory:ann"])
    await owner.post("/web/talks/take", {**ANN, "taken": False})
    async with asyncio.timeout(10):
        await receipt.outcome()
    assert bot.interface.sent[-1].text == "I am back."
    await page.until(lambda: waiting(page) == [])


async def test_a_conversation_stays_taken_over_after_a_restart(bot: Bot, owner: Visitor) -> None:
    bot.model_says("Hello, Ann.")
    await bot.hears("hello", user="ann")
    await owner.post("/web/talks/take", {**ANN, "taken": True})
    await bot.restart()
    receipt = await bot.send("still you?", user="ann")
    while not bot.running.desk.waiting:
        await bot.clock.advance(0.1)
    (number,) = bot.running.desk.waiting
    bot.running.desk.answer(number, "Still me.")
    await receipt.outcome()
    assert bot.interface.sent[-1].text == "Still me."
