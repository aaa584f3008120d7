"""Who reads along in a group was there, as far as that is certain; nobody makes himself somebody who was."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from rekku.core.audience import MOST_LISTENERS, STILL_THERE, listeners
from rekku.core.errors import EngineRefused
from rekku.core.message import Conversation, Message, User
from rekku.plugins import ai_diary
from rekku.plugins.ai_diary import DiaryPlugin
from rekku.testing import START, Bot
from tests.plugins.test_ai_diary import diary, remembered, talk
from tests.plugins.test_ai_diary_audience import SECRET
from tests.road.words import action, reply, until

__all__ = ["diary"]

GROUP = {"chat": "group", "direct": False}
LONG = STILL_THERE.total_seconds() + 1


async def told(bot: Bot, user: str, **where: Any) -> bool:
    """Whether somebody, alone with Rekku if nothing else is said, is told of what was planned in the group."""
    bot.clock.jump(60)
    return "zanzibar" in json.dumps(await remembered(bot, "What is the secret plan?", user=user, **where))


async def plans(bot: Bot, **where: Any) -> None:
    """Ann tells the group."""
    await talk(bot, "The secret plan is zanzibar.", "Good.", SECRET, **{"user": "ann", **GROUP, **where})


async def greets(bot: Bot, user: str, **where: Any) -> None:
    """Somebody writes in the group."""
    await talk(bot, "Hello all", "Hello!", **{"user": user, **GROUP, **where})


async def test_who_wrote_there_just_before_has_heard_it(bot: Bot, diary: DiaryPlugin) -> None:
    await greets(bot, "bob")
    await plans(bot)
    assert await told(bot, "bob")
    assert await told(bot, "ann")
    (entry,) = [e for e in await ai_diary.get_recent_entries() if e["content"] == "Good."]
    assert len(entry["present"]) == 2
    assert entry["speakers"] == entry["present"][:1]


@pytest.mark.sqlite_only
async def test_who_comes_later_has_not_heard_it(bot: Bot, diary: DiaryPlugin) -> None:
    await plans(bot)
    await greets(bot, "carl")
    assert not await told(bot, "carl")
    assert await told(bot, "carl", **GROUP), "in the group itself it is told"


@pytest.mark.sqlite_only
async def test_who_wrote_long_ago_may_have_left(bot: Bot, diary: DiaryPlugin) -> None:
    await greets(bot, "bob")
    bot.clock.jump(LONG)
    await plans(bot)
    assert not await told(bot, "bob")


@pytest.mark.sqlite_only
@pytest.mark.parametrize("where", [{"thread": "t"}, {"chat": "other"}, {"chat": "bob", "direct": True}])
async def test_who_wrote_elsewhere_has_not_heard_it(bot: Bot, diary: DiaryPlugin, where: dict[str, Any]) -> None:
    await greets(bot, "bob", **where)
    await plans(bot)
    assert not await told(bot, "bob")


@pytest.mark.sqlite_only
async def test_who_wrote_in_the_chat_has_not_heard_its_thread(bot: Bot, diary: DiaryPlugin) -> None:
    await greets(bot, "bob")
    await plans(bot, thread="t")
    assert not await told(bot, "bob")


@pytest.mark.sqlite_only
async def test_neither_a_mention_nor_a_name_is_presence(bot: Bot, diary: DiaryPlugin) -> None:
    await greets(bot, "carl", name="bob")
    await talk(bot, "@bob memory:bob Bob, come here", "He is not here.", user="carl", name="Bob", **GROUP)
    await plans(bot)
    assert not await told(bot, "bob")
    assert await told(bot, "carl")


@pytest.mark.sqlite_only
async def test_nobody_listens_in_a_direct_chat(bot: Bot, diary: DiaryPlugin) -> None:
    await greets(bot, "bob", chat="ann", direct=True)
    await plans(bot, chat="ann", direct=True)
    assert not await told(bot, "bob")
    assert not await told(bot, "bob", chat="ann")


@pytest.mark.sqlite_only
async def test_what_is_answered_hours_later_was_heard_by_who_is_there_then(bot: Bot, diary: DiaryPlugin) -> None:
    await greets(bot, "bob")
    away = EngineRefused("out of order")
    bot.model_says(away)
    await bot.tell("The secret plan is zanzibar.", user="ann", **GROUP)
    bot.model_says(reply(action("message", text="Good."), diary=SECRET))
    bot.clock.jump(LONG)
    await bot.clock.advance(61)
    await until(bot, lambda: bot.interface.sent[-1].text == "Good.")
    assert not await told(bot, "bob")
    assert await told(bot, "ann")


async def test_a_listener_who_is_forgotten_takes_nobody_elses_memory_along(bot: Bot, diary: DiaryPlugin) -> None:
    await greets(bot, "bob")
    await plans(bot)
    (words,) = await bot.hears("/forgetme", user="bob")
    assert "1 diary entries" in words
    assert "1 diary entries that you only heard" in words
    await bot.hears("/forgetme yes", user="bob")
    assert not await told(bot, "bob")
    assert await told(bot, "ann")
    assert await told(bot, "ann", **GROUP)
    (entry,) = [e for e in await ai_diary.get_recent_entries() if e["content"] == "Good."]
    assert entry["present"] == entry["speakers"] != []


@pytest.mark.sqlite_only
def test_the_rule_counts_who_wrote_last_and_not_too_many() -> None:
    def heard(lines: Sequence[tuple[str, int]], *, direct: bool = False) -> tuple[str, ...]:
        message = Message(Conversation("memory", "g"), User("ann"), "?", START, direct=direct)
        return listeners(message, [(who, START - timedelta(seconds=ago)) for who, ago in lines], START)

    assert heard([("a", 1900), ("b", 1800), ("c", 1799), ("", 5), ("d", 4), ("c", 3)]) == ("c", "d")
    assert heard([("a", 5)], direct=True) == ()
    assert len(heard([(f"p{n}", 60) for n in range(30)])) == MOST_LISTENERS
