"""The database goes away for a while: what was begun waits, goes on, and is done once."""

import asyncio
import os
import signal
from typing import Any

import pytest

from rekku.core.errors import StoreError
from rekku.core.turn import Outcome
from rekku.store.schema import HISTORY, INBOX, OUTBOX
from rekku.testing import Bot, bot_at
from tests.road.conftest import reached_by
from tests.road.doers import Doer, add
from tests.road.words import action, reply, rows, say, texts, until, while_time_passes
from tests.servers.mariadb import private_server


class Outage:
    """The database of a bot, which refuses everything while `away`."""

    def __init__(self, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
        self.away = False
        self.refused = 0
        database = bot.running.database
        for name in ("write", "fetch"):
            monkeypatch.setattr(database, name, self._refusing(getattr(database, name)))

    def _refusing(self, function: Any) -> Any:
        async def refusing(*args: Any, **values: Any) -> Any:
            if self.away:
                self.refused += 1
                raise StoreError("the database is away")
            return await function(*args, **values)

        return refusing


@pytest.mark.parametrize("moment", ["while the model thinks", "while an action runs", "from the second step on"])
async def test_a_turn_waits_and_goes_on_and_nothing_is_done_twice(
    bot: Bot, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outage = Outage(bot, monkeypatch)

    def leave(at: str) -> None:
        outage.away = outage.away or (at == moment and not outage.refused)

    def does(_: object) -> str:
        leave("while an action runs")
        return "blue"

    def thinks(_: object) -> str:
        leave("while the model thinks")
        return reply(action("message", text="I look."), action("look"))

    def thinks_again(_: object) -> str:
        leave("from the second step on")
        return say("It is blue.")

    look = add(bot, Doer("look", does=does))
    bot.model_says(thinks, thinks_again)
    receipt = await bot.send("what colour is the sky?", user="bob")
    await until(bot, lambda: outage.refused)
    await bot.clock.advance(10)
    outage.away = False
    assert await while_time_passes(bot, receipt.outcome()) is Outcome.ANSWERED
    assert texts(bot, "bob") == ["I look.", "It is blue."]
    assert look.done == [{}]
    assert len(bot.engine.prompts) == 2, "the model is not asked again for what it said"
    assert [row.text for row in await rows(bot, HISTORY)] == ["what colour is the sky?", "I look.", "It is blue."]
    assert {row.status for row in await rows(bot, OUTBOX)} == {"sent"}
    assert {row.status for row in await rows(bot, INBOX)} == {"done"}


async def test_a_message_that_cannot_be_kept_is_not_accepted(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    outage = Outage(bot, monkeypatch)
    outage.away = True
    with pytest.raises(StoreError):
        await bot.send("hello", user="bob", message_id="1")
    outage.away = False
    bot.model_says("hi")
    assert await bot.hears("hello", user="bob", message_id="1") == ["hi"], "the platform delivers it again"


async def test_clocks_and_leases_survive_an_outage(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    from rekku.core.errors import EngineRefused

    outage = Outage(bot, monkeypatch)
    bot.model_says(EngineRefused("out of order"))
    await bot.tell("hello", user="bob")
    outage.away = True
    await bot.clock.advance(200)
    assert outage.refused
    outage.away = False
    bot.model_says("hi")
    await while_time_passes(bot, _until_said(bot, "hi"), step=5)
    assert texts(bot, "bob")[1:] == ["hi"]


async def _until_said(bot: Bot, text: str) -> None:
    await until(bot, lambda: text in texts(bot, "bob"))


async def test_a_mariadb_that_freezes_and_one_that_is_restarted_lose_nothing(bot_home: Any) -> None:
    with private_server() as private:
        async with bot_at(bot_home, reached_by(private.server("rekku"))) as bot:
            bot.model_says("hi")
            assert await bot.hears("hello") == ["hi"]

            def frozen(_: object) -> str:
                os.kill(private.pid, signal.SIGSTOP)
                asyncio.get_running_loop().call_later(0.3, os.kill, private.pid, signal.SIGCONT)
                return "thawed"

            bot.model_says(frozen)
            assert await bot.hears("freeze") == ["thawed"]

            def killed(_: object) -> str:
                private.kill()
                return "back again"

            bot.model_says(killed)
            receipt = await bot.send("die")
            await until(bot, lambda: len(bot.engine.prompts) == 3)
            await asyncio.to_thread(private.start)
            assert await while_time_passes(bot, receipt.outcome()) is Outcome.ANSWERED
            assert texts(bot) == ["hi", "thawed", "back again"]
            assert [row.status for row in await rows(bot, INBOX)] == ["done"] * 3
