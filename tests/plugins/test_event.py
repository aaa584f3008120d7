"""Reminders: what a person asks for is kept, comes when it is due, once, and is said whatever happens."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from rekku.core.errors import EngineUnreachable
from rekku.plugins._event import scheduler
from rekku.plugins.event import EventPlugin
from rekku.plugins.time_plugin import TimePlugin
from rekku.testing import Bot
from tests.plugins.event_words import NOON, PLAIN, comes, event, make, pass_by, row, until_quiet
from tests.road.words import action, answered, asked, reply, say, texts, until

pytestmark = pytest.mark.settings(TZ="Europe/Rome")


@pytest.fixture
def events(bot: Bot) -> EventPlugin:
    """The plugin, loaded with the next message."""
    bot.add(TimePlugin())
    return bot.add(EventPlugin(), "event")


async def test_remind_me_in_one_minute(bot: Bot, events: EventPlugin) -> None:
    """A whole conversation: words, the model's JSON, the deed, the answer, and a minute later the reminder."""
    bot.model_says(event(), say("I'll remind you at 13:01."))
    assert await bot.hears("remind me in one minute to water the plants") == ["I'll remind you at 13:01."]
    assert asked(bot, 0)["context"]["time"]["time"] == "13:00 CET (UTC+0100)"
    assert answered(bot)["outputs"][0]["output"] == {
        "scheduled": {"id": 1, "next": "2026-03-01 13:01 (Europe/Rome)", "in": "1 minute"}
    }

    bot.model_says(say("Your plants are thirsty!"))
    await bot.clock.advance(59)
    assert len(texts(bot)) == 1
    await bot.clock.advance(1)
    await comes(bot, 2)

    assert texts(bot)[1:] == ["Your plants are thirsty!"]
    told = asked(bot)["input"]
    assert told["type"] == "event"
    assert "“water the plants”" in told["payload"]["text"]
    assert "do not use the action `event`" in told["payload"]["text"]
    kept = await row(bot, 1)
    assert (kept.status, kept.last_outcome, kept.wake_at) == ("done", "delivered", None)


async def test_it_outlives_a_restart_and_comes_once(bot: Bot, events: EventPlugin) -> None:
    await make(bot)
    await bot.restart()
    bot.model_says(say("Plants!"))
    await bot.clock.advance(60)
    await comes(bot, 2)
    await bot.restart()
    await pass_by(bot, 3600)

    assert texts(bot)[1:] == ["Plants!"]


async def test_without_a_model_it_goes_out_in_plain_words(bot: Bot, events: EventPlugin) -> None:
    await make(bot)
    bot.model_says(*[EngineUnreachable("down")] * 4)
    await bot.clock.advance(60)
    await until(bot, lambda: len(bot.engine.prompts) > 2)
    await bot.clock.advance(15)
    await comes(bot, 2)

    assert texts(bot)[1:] == [PLAIN]


async def test_a_model_that_does_not_answer_in_time_is_not_waited_for(
    bot: Bot, events: EventPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "PATIENCE", 0.1)
    await make(bot)
    bot.engine.gate = asyncio.Event()
    await bot.clock.advance(60)
    await comes(bot, 2)

    assert texts(bot)[1:] == [PLAIN]


@pytest.mark.parametrize(
    ("away", "late"),
    [
        (timedelta(minutes=1), ""),
        (timedelta(hours=8), "7 hours ago, and would have come 7 more times since then"),
        (timedelta(days=10), "9 days ago, and would have come many more times since then"),
        (timedelta(days=400), "399 days ago, and would have come many more times since then"),
    ],
)
async def test_what_was_missed_comes_once_and_says_so(
    bot: Bot, events: EventPlugin, away: timedelta, late: str
) -> None:
    number = await make(bot, cron="1 * * * *", time="13:01")
    await bot.stop()
    bot.clock.jump(away.total_seconds())
    bot.model_says(say("Plants!"))
    await bot.start()
    await comes(bot, 2)

    assert texts(bot)[1:] == ["Plants!"]
    told = asked(bot)["input"]["payload"]["text"]
    assert (late in told) if late else ("late" not in told)
    kept = await row(bot, number)
    assert bot.clock.now() < kept.next_at <= bot.clock.now() + timedelta(hours=1)


async def test_what_was_missed_is_said_late_in_plain_words_too(bot: Bot, events: EventPlugin) -> None:
    await make(bot, late_policy="ask")
    await bot.stop()
    bot.clock.jump(3 * 3600 + 60)
    bot.model_says(reply())
    await bot.start()
    await comes(bot, 2)

    due = "it was due at 2026-03-01 13:01 (Europe/Rome), 3 hours ago"
    assert texts(bot)[1:] == [f"{PLAIN} (Late: {due}.) Does it still matter?"]
    assert f"It is late: {due}. Say that too. As it is late, ask whether it still matters." in bot.engine.prompts[-1]


async def test_what_may_be_skipped_does_not_come_late(bot: Bot, events: EventPlugin) -> None:
    once = await make(bot, late_policy="skip")
    daily = await make(bot, late_policy="skip", description="stretch", repeat="daily")
    await bot.stop()
    bot.clock.jump(3600)
    await bot.start()
    await until_quiet(bot)

    assert texts(bot) == ["I will.", "I will."]
    assert ((await row(bot, once)).status, (await row(bot, once)).last_outcome) == ("done", "skipped")
    assert (await row(bot, daily)).next_at == NOON + timedelta(days=1, minutes=1)


async def test_a_repetition_keeps_its_local_time_across_a_clock_change(bot: Bot, events: EventPlugin) -> None:
    number = await make(bot, date="2026-03-28", time="09:00", repeat="daily", until="2026-03-29")
    for _ in range(2):
        bot.model_says(say("Plants!"))
        due = (await row(bot, number)).next_at
        bot.clock.jump((due - bot.clock.now()).total_seconds())
        await bot.clock.advance(15)
        await until(bot, lambda: not bot.engine.script)
        await until_quiet(bot)

    kept = await row(bot, number)
    assert kept.last_at == datetime(2026, 3, 29, 7, 0, tzinfo=UTC)
    assert (kept.status, kept.next_at) == ("done", None)


async def test_always_comes_at_each_start_and_once_an_hour(bot: Bot, events: EventPlugin) -> None:
    await make(bot, repeat="always")
    await bot.clock.advance(120)
    assert len(texts(bot)) == 1
    bot.model_says(say("Drink."))
    await pass_by(bot, 3600)
    await comes(bot, 2)

    bot.clock.jump(400 * 86400)
    bot.model_says(say("Drink again."))
    await bot.restart()
    await comes(bot, 3)
    assert "It is late" not in bot.engine.prompts[-1]

    await bot.restart()
    await bot.clock.advance(60)
    assert texts(bot)[1:] == ["Drink.", "Drink again."]


async def test_always_does_not_come_before_its_first_day(bot: Bot, events: EventPlugin) -> None:
    number = await make(bot, repeat="always", date="2026-06-01")
    await bot.clock.advance(120)
    await bot.restart()
    await until_quiet(bot)

    assert texts(bot) == ["I will."]
    assert (await row(bot, number)).next_at == datetime(2026, 6, 1, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("jump", [3600, -3600])
async def test_a_clock_that_is_set_loses_and_doubles_nothing(bot: Bot, events: EventPlugin, jump: int) -> None:
    await make(bot, repeat="daily")
    bot.model_says(say("Plants!"))
    bot.clock.jump(jump)
    await pass_by(bot, 90 if jump > 0 else 3660)
    await comes(bot, 2)
    bot.clock.jump(-jump)
    await pass_by(bot, 4000)

    assert texts(bot)[1:] == ["Plants!"]


async def test_what_is_acknowledged_before_it_came_is_said_to_come_still(bot: Bot, events: EventPlugin) -> None:
    number = await make(bot)
    bot.model_says(reply(action("event_acknowledge", id=number)), say("Shall I cancel it?"))
    await bot.hears("I have watered them already")
    still = {"id": number, "next": "2026-03-01 13:01 (Europe/Rome)", "in": "1 minute"}
    assert answered(bot)["outputs"][0]["output"] == {"acknowledged": number, "it still comes": still}


async def test_a_closed_chat_gets_it_when_it_is_open_again(bot: Bot, events: EventPlugin) -> None:
    number = await make(bot)
    bot.interface.here = False
    bot.model_says(say("Plants!"))
    await bot.clock.advance(60)
    await until(bot, lambda: not bot.engine.script)
    await until_quiet(bot)
    assert (await row(bot, number)).last_outcome == "handed over"

    bot.interface.here = True
    bot.running.road.sender.reachable()
    await comes(bot, 2)
    assert texts(bot)[1:] == ["Plants!"]
