"""What the tests of the road share: replies of a model, waiting, looking into prompts and tables."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import Table, select

from rekku.core.database import Statement
from rekku.testing import PATIENCE, Bot

Result = TypeVar("Result")


def action(name: str, **payload: Any) -> dict[str, Any]:
    """One action as a model writes it."""
    return {"type": name, "payload": payload}


def reply(*actions: dict[str, Any], **fields: Any) -> str:
    """A clean reply: one envelope."""
    return json.dumps({"actions": list(actions), **fields})


def say(text: str, **where: Any) -> str:
    """A clean reply that says something, perhaps elsewhere (`interface`, `target`, `thread_id`)."""
    return reply(action("message", **where, text=text))


async def until(bot: Bot, fact: Callable[[], object]) -> None:
    """Let everything go on, without moving the clock, until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not fact():
            await bot.clock.advance(0)


async def while_time_passes(bot: Bot, work: Awaitable[Result], *, step: float = 1.0) -> Result:
    """The result of something that waits for the clock, which is moved on for it."""
    task = asyncio.ensure_future(work)
    async with asyncio.timeout(PATIENCE):
        while not task.done():
            await bot.clock.advance(step)
    return await task


def texts(bot: Bot, chat: str = "owner") -> list[str]:
    """What stands in a chat."""
    return [message.text for message in bot.interface.sent if message.chat == chat]


def asked(bot: Bot, number: int = -1) -> dict[str, Any]:
    """What a prompt said beside its stable part: `{context, input}`."""
    content = bot.engine.messages[number][1]["content"]
    text = content if isinstance(content, str) else content[0]["text"]
    found: dict[str, Any] = json.loads(text)
    return found


def history(bot: Bot, number: int = -1) -> list[tuple[str, str]]:
    """Who said what, as a prompt showed it."""
    return [(line["from"], line["text"]) for line in asked(bot, number)["context"].get("history", [])]


def answered(bot: Bot, number: int = -1) -> dict[str, Any]:
    """What went back to the model after its step: `{outputs?, errors?, note?}`."""
    found: dict[str, Any] = json.loads(bot.engine.messages[number][-1]["content"])
    return found


async def rows(bot: Bot, table: Table) -> list[Any]:
    """All rows of a table."""
    return await bot.running.database.fetch(Statement(select(table)))
