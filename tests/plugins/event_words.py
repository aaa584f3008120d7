"""What the tests of events share: making one, waiting for it, looking at it."""

from datetime import UTC, datetime
from typing import Any

from rekku.plugins._event import scheduler
from rekku.plugins._event.tables import EVENTS
from rekku.testing import Bot
from tests.road.words import action, answered, reply, rows, say, texts, until

PLAIN = "Reminder: water the plants"
STEPS = 8
"""More than what the plugin asks of the database one after the other, for one event."""

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
"""The bot's clock at the start: 13:00 in Rome."""


def event(**payload: Any) -> str:
    """A reply that makes an event: today at 13:01 in Rome, if nothing else is said."""
    return reply(
        action("event", **{"date": "2026-03-01", "time": "13:01", "description": "water the plants", **payload})
    )


async def make(bot: Bot, user: str = "owner", **payload: Any) -> int:
    """Have an event made; its number."""
    bot.model_says(event(**payload), say("I will."))
    assert await bot.hears("remind me", user=user) == ["I will."]
    number: int = next(iter(answered(bot)["outputs"][0]["output"].values()))["id"]
    return number


async def row(bot: Bot, number: int) -> Any:
    """An event as the table has it."""
    return next(found for found in await rows(bot, EVENTS) if found.id == number)


async def comes(bot: Bot, count: int, chat: str = "owner") -> None:
    """Wait until so many messages are in a chat, and written down as delivered."""
    await until(bot, lambda: len(texts(bot, chat)) >= count)
    await until_quiet(bot)


async def pass_by(bot: Bot, seconds: float) -> None:
    """A long time in few steps: the wall clock is looked at every so often in any case."""
    bot.clock.jump(seconds - scheduler.TICK)
    await bot.clock.advance(scheduler.TICK)


async def until_quiet(bot: Bot) -> None:
    """Until no turn runs and nothing is on its way to the table.

    What follows a turn is a few questions to the database, and each is answered before what is asked here after it.
    """
    await until(bot, lambda: not bot.running.road.inbox.running)
    for _ in range(STEPS):
        async with bot.running.database.transaction():
            pass
        await bot.clock.advance(0)
