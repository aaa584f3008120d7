"""What people say about time, as an ordinary model writes it down: deed, answer, and the reminder that comes."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from rekku.plugins.event import EventPlugin
from rekku.testing import Bot, bot_at
from tests.plugins.event_words import comes, make, row
from tests.road.conftest import reached_by
from tests.road.words import action, answered, asked, reply, say, texts, until
from tests.servers.mariadb import private_server

pytestmark = pytest.mark.settings(TZ="America/New_York")


@pytest.fixture
def events(bot: Bot) -> EventPlugin:
    """The plugin alone, without the one that tells the time; loaded with the next message. It is Sunday, 07:00."""
    return bot.add(EventPlugin(), "event")


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("words", "payload", "told", "due"),
    [
        ("in 20 minutes", {"date": "2026-03-01", "time": "07:20:00"}, "20 minutes", (3, 1, 12, 20)),
        ("in 90 seconds", {"date": "2026-03-01", "time": "07:01:30"}, "2026-03-01 07:01", (3, 1, 12, 1, 30)),
        ("tomorrow at 9", {"date": "2026-03-02", "time": "9:00"}, "2026-03-02 09:00", (3, 2, 14, 0)),
        ("on Monday in a week", {"date": "2026-03-09"}, "2026-03-09 09:00", (3, 9, 13, 0)),
        ("every weekday at 8", {"date": "2026-03-01", "cron": "0 8 * * mon-fri"}, "2026-03-02 08:00", (3, 2, 13, 0)),
        ("on the 31st", {"date": "2026-03-31", "repeat": "monthly"}, "2026-03-31 09:00", (3, 31, 13, 0)),
        ("daily at six", {"date": "2026-03-01", "time": "06:00", "repeat": "daily"}, "2026-03-02 06:00", (3, 2, 11, 0)),
        ("at noon in Rome", {"date": "2026-03-02", "time": "12:00", "timezone": "Europe/Rome"}, "Rome", (3, 2, 11, 0)),
    ],
)
async def test_what_people_say(
    bot: Bot, events: EventPlugin, words: str, payload: dict[str, Any], told: str, due: tuple[int, ...]
) -> None:
    bot.model_says(reply(action("event", **payload, description="call Ann")), say("I will."))
    assert await bot.hears(f"remind me {words} to call Ann") == ["I will."]

    assert asked(bot, 0)["context"]["events"]["now"] == "Sunday, 2026-03-01 07:00:00 (America/New_York)"
    assert told in str(answered(bot)["outputs"][0]["output"]["scheduled"])
    assert (await row(bot, 1)).next_at == datetime(2026, *due, tzinfo=UTC)  # type: ignore[arg-type, misc]
    bot.model_says(say("Call Ann!"))
    bot.clock.jump((datetime(2026, *due, tzinfo=UTC) - bot.clock.now()).total_seconds() - 1)  # type: ignore[arg-type, misc]
    await bot.clock.advance(15)
    await comes(bot, 2)
    assert texts(bot)[1:] == ["Call Ann!"]


async def test_what_is_past_is_put_right_by_the_model(bot: Bot, events: EventPlugin) -> None:
    early, right = ({"date": "2026-03-01", "time": time, "description": "call Ann"} for time in ("06:00", "18:00"))
    bot.model_says(reply(action("event", **early)), reply(action("event", **right)), say("At six in the evening."))
    assert await bot.hears("remind me at six") == ["At six in the evening."]

    problem = "2026-03-01 06:00 (America/New_York) was 1 hour ago; it is now 2026-03-01 07:00 (America/New_York)"
    assert problem in str(answered(bot, 1)["errors"])
    assert (await row(bot, 1)).next_at == datetime(2026, 3, 1, 23, tzinfo=UTC)


async def test_what_events_are_about_stands_in_no_other_prompt(bot: Bot, events: EventPlugin) -> None:
    """A model has written it, perhaps after what somebody else said; to the owner's model it could say anything."""
    await make(bot, date="2026-03-02", time="10:00", description="see the doctor")
    bot.clock.jump(86400 - 3600)
    bot.model_says(say("Yes."))
    await bot.hears("hi")

    assert asked(bot)["context"]["events"] == {"now": "Monday, 2026-03-02 06:00:00 (America/New_York)"}
    assert "doctor" not in bot.engine.prompts[-1]


@pytest.mark.settings(ACTIVE_LLM="manual")
async def test_where_a_person_is_the_model_it_comes_on_time_in_plain_words(bot: Bot, events: EventPlugin) -> None:
    await bot.settle()
    receipt = await bot.send("remind me in a minute to stretch")
    desk = bot.running.desk
    asked_before: set[int] = set()
    for answer in (reply(action("event", date="2026-03-01", time="07:01", description="stretch")), say("I will.")):
        await until(bot, lambda: bool(desk.waiting.keys() - asked_before))
        (number,) = desk.waiting.keys() - asked_before
        assert desk.answer(number, answer)
        asked_before.add(number)
    await receipt.outcome()
    await bot.clock.advance(60)
    await comes(bot, 2)

    assert texts(bot)[1:] == ["Reminder: stretch"]
    assert not desk.waiting


@pytest.mark.sqlite_only
async def test_a_mariadb_that_is_down_when_it_is_due_delays_it_and_no_more(bot_home: Any) -> None:
    with private_server() as private:
        async with bot_at(bot_home, {**reached_by(private.server("rekku")), "TZ": "America/New_York"}) as bot:
            bot.add(EventPlugin(), "event")
            number = await make(bot, date="2026-03-01", time="07:01")
            private.kill()
            await bot.clock.advance(120)
            assert len(texts(bot)) == 1
            private.start()
            bot.model_says(say("Plants!"))
            async with asyncio.timeout(20):
                while len(texts(bot)) < 2:
                    await bot.clock.advance(1)
            await comes(bot, 2)
            assert texts(bot)[1:] == ["Plants!"]
            assert "was due at 2026-03-01 07:01" in bot.engine.prompts[-1]
            assert (await row(bot, number)).status == "done"
