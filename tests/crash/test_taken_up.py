"""What was left behind is taken up again: once, in order, and not for ever."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from sqlalchemy import select

from rekku.chain.words import POISONED
from rekku.core.database import Statement
from rekku.core.errors import EngineRefused
from rekku.store.database import open_database
from rekku.store.outgoing import Outgoing
from rekku.store.schema import INBOX, OUTBOX
from rekku.testing import Bot, MemoryInterface
from tests.crash.life import KILLED, Life
from tests.road.doers import Doer, add
from tests.road.words import action, reply, rows, say, texts, until

MORE_THAN_ALLOWED = 7
"""Starts; five that take up the same turn are allowed."""


async def test_restarts_that_end_as_they_should_never_give_a_message_up(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    await bot.send("hello", user="bob")
    for _ in range(MORE_THAN_ALLOWED):
        bot.engine.prompts.clear()
        await bot.restart()
        await until(bot, lambda: bot.engine.prompts)
    bot.model_says("hi at last")
    bot.engine.gate.set()
    await until(bot, lambda: texts(bot, "bob"))

    assert texts(bot, "bob") == ["hi at last"]


def test_a_turn_that_kills_every_time_is_given_up_with_words_and_what_waits_behind_it_is_answered(life: Life) -> None:
    life.write()
    for _ in range(MORE_THAN_ALLOWED):
        if life.run("engine asked", 1) != KILLED:
            break
    life.until_quiet()
    inbox, outbox = asyncio.run(_tables(life))

    status = {int(json.loads(row.body)["message_id"]): row.status for row in inbox}
    behind = {line["number"] for line in life.given} - _first_of_each_chat(life)
    assert {status[number] for number in behind} == {"done"}
    assert "given_up" in status.values()
    given_up = [row for row in inbox if row.status == "given_up"]
    assert len([row for row in outbox if row.text == POISONED and row.status == "sent"]) == len(given_up)


async def test_messages_that_are_answered_together_are_also_put_off_together(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    doer = add(bot, Doer("mark", does=lambda _: "marked"))
    bot.model_says("one", reply(action("mark")), EngineRefused("it is away"))
    for text in ("first", "second", "third"):
        await bot.send(text, user="bob")
    bot.engine.gate.set()
    await until(bot, lambda: len(texts(bot, "bob")) == 2)
    bot.model_says(say("two and three"))
    await bot.clock.advance(61)
    await until(bot, lambda: not bot.running.road.inbox.running)
    await until(bot, lambda: len(texts(bot, "bob")) > 2)

    assert texts(bot, "bob")[2:] == ["two and three"]
    assert len(doer.done) == 1
    assert {row.status for row in await rows(bot, INBOX)} == {"done"}


class SlowInterface(MemoryInterface):
    """It sends when it is let."""

    can_edit = False

    def __init__(self) -> None:
        super().__init__("slow")
        self.asked, self.let = asyncio.Event(), asyncio.Event()

    async def send_message(self, payload: Mapping[str, Any], original_message: object = None) -> str:
        self.asked.set()
        await self.let.wait()
        return await super().send_message(payload, original_message)


async def test_what_is_delivered_while_the_outbox_is_read_is_not_delivered_again(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    interface = SlowInterface()
    bot.add_interface(interface)
    await bot.settle()
    sender, store = bot.running.road.sender, bot.running.road.outbox_store
    read, delivered, claim = asyncio.Event(), asyncio.Event(), store.claim

    async def slow_claim(interfaces: Iterable[str]) -> list[Outgoing]:
        found = await claim(interfaces)
        if found:
            read.set()
            await delivered.wait()
        return found

    monkeypatch.setattr(store, "claim", slow_claim)
    bot.model_says("hi")
    receipt = await bot.send("hello", user="bob", interface="slow")
    await interface.asked.wait()
    resuming = asyncio.create_task(sender.resume())
    await read.wait()
    interface.let.set()
    await receipt.outcome()
    delivered.set()
    await resuming
    await until(bot, lambda: not sender._lanes)

    assert [message.text for message in interface.sent] == ["hi"]


async def test_a_message_whose_bringer_goes_away_while_it_is_kept_is_answered_all_the_same(bot: Bot) -> None:
    bot.model_says("hi")
    bringing = asyncio.create_task(bot.send("hello", user="bob"))
    written = bot.running.database._write

    async def cancel_then_write(calls: Any) -> list[int]:
        bringing.cancel()
        return await written(calls)

    bot.running.database._write = cancel_then_write  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await bringing
    bot.running.database._write = written  # type: ignore[method-assign]
    await until(bot, lambda: texts(bot, "bob"))

    assert texts(bot, "bob") == ["hi"]


async def _tables(life: Life) -> tuple[list[Any], list[Any]]:
    database = await open_database(life.home, life.server)
    try:
        return await database.fetch(Statement(select(INBOX))), await database.fetch(Statement(select(OUTBOX)))
    finally:
        await database.close()


def _first_of_each_chat(life: Life) -> set[int]:
    first: dict[tuple[str, str], int] = {}
    for line in life.given:
        first.setdefault((line["chat"], line["thread"]), line["number"])
    return set(first.values())
