"""What Rekku is told about the time and the place."""

import json
from typing import Any

import pytest

from rekku.testing import Bot
from tests.road.words import asked, say

pytestmark = pytest.mark.sqlite_only


@pytest.mark.settings(TZ="Europe/Rome", PROMPT_LOCATION="Rome, Italy")
async def test_a_prompt_tells_date_time_zone_utc_and_place(bot: Bot) -> None:
    bot.model_says("One o'clock.")
    await bot.hears("what time is it?")

    assert asked(bot)["context"]["time"] == {
        "date": "Sunday, 2026-03-01",
        "time": "13:00 CET (UTC+0100)",
        "zone": "Europe/Rome",
        "utc": "2026-03-01 12:00",
        "location": "Rome, Italy",
    }


@pytest.mark.settings(TZ="Europe/Rome")
async def test_a_person_asks_for_the_time_and_the_model_knows_it(bot: Bot) -> None:
    def answer(messages: Any) -> str:
        told = json.loads(messages[1]["content"])["context"]["time"]
        return say(f"It is {told['time'].split()[0]} on {told['date'].split(',')[0]}.")

    bot.model_says(answer)
    assert await bot.hears("What time is it, and which day?") == ["It is 13:00 on Sunday."]


@pytest.mark.settings(TZ="America/New_York")
async def test_the_time_follows_the_clock_across_the_change_to_summer_time(bot: Bot) -> None:
    bot.clock.jump(7 * 86_400)
    bot.model_says("Eight.")
    await bot.hears("what time is it?")

    assert asked(bot)["context"]["time"]["time"] == "08:00 EDT (UTC-0400)"


@pytest.mark.settings(TZ="Europe/Atlantis")
async def test_a_zone_that_does_not_exist_is_told_and_nothing_else_suffers(bot: Bot) -> None:
    bot.model_says("I do not know.")

    assert await bot.hears("what time is it?") == ["I do not know."]
    (report,) = [r for r in bot.running.loader.reports.values() if r.name == "time_plugin"]
    assert report.state == "failed"
    assert "Europe/Atlantis" in report.reason
