"""What the tests of the plugin share: wishes of a model, and the time that passes until they are granted."""

import asyncio
from typing import Any

from rekku.core.message import Attachment
from rekku.testing import PATIENCE, Bot
from tests.road.words import action, answered, reply, say

PICTURE = Attachment("image", "cat.png", "image/png", b"\x89PNG and a cat")


def post(**payload: Any) -> str:
    return reply(action("reddit_post", **{"subreddit": "rust", "title": "Borrowing, explained", **payload}))


async def wished(bot: Bot, wish: str, **told: Any) -> list[str]:
    """What the person hears when the model wishes for something and then says “Soon.”"""
    bot.model_says(wish, say("Soon."))
    return await bot.hears("please", **told)


async def refused(bot: Bot, wish: str, **told: Any) -> str:
    """What goes back to the model for a wish that is not put into the queue."""
    bot.model_says(wish, say("Alas."))
    assert (await bot.hears("please", **told))[-1] == "Alas."
    return str(answered(bot)["errors"])


async def goes_out(bot: Bot, seconds: float = 30) -> None:
    """Let the time pass, until something new stands in the chat; more of it if Reddit was slow to answer meanwhile."""
    before = len(bot.interface.sent)
    await bot.clock.advance(seconds)
    async with asyncio.timeout(PATIENCE):
        while len(bot.interface.sent) <= before:
            await bot.clock.advance(1)
