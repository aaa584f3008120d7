"""Events in number and in trouble: many at once, who claims, what breaks, and what questions cost."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from rekku.core.database import Statement
from rekku.core.errors import StoreError
from rekku.plugins._event import scheduler, tables
from rekku.plugins._event.follower import Follower
from rekku.plugins.event import EventPlugin
from rekku.store.database import StoredDatabase
from rekku.testing import Bot
from tests.plugins.event_words import comes, make, row, until_quiet
from tests.road.words import rows, say, texts, until

pytestmark = pytest.mark.settings(TZ="Europe/Rome")

START = datetime(2026, 3, 1, 12, 1, tzinfo=UTC)


def many(count: int, **more: Any) -> list[Any]:
    """Writes that keep so many events of the trainer, all due at once."""
    return [
        tables.ADD(
            **{
                "mark": f"mark {number}",
                "person_id": "trainer",
                "created_by": "",
                "interface": "memory",
                "chat_id": f"chat {number % 20}",
                "thread_id": "",
                "direct": True,
                "description": f"number {number}",
                "zone": "Europe/Rome",
                "starts": "2026-03-01T13:01:00",
                "repetition": "none",
                "cron": "",
                "until": "",
                "late_policy": "deliver",
                "status": "waiting",
                "next_at": START,
                "wake_at": START,
                "tries": 0,
                "last_at": None,
                "last_outcome": "",
                "acknowledged_at": None,
                "created_at": START,
                **more,
            }
        )
        for number in range(count)
    ]


def all_texts(*bots: Bot) -> list[str]:
    """What stands in all chats."""
    return sorted(message.text for bot in bots for message in bot.interface.sent)


async def load(bot: Bot) -> EventPlugin:
    """Bring the plugin up."""
    plugin = bot.add(EventPlugin(), "event")
    await bot.settle()
    return plugin


async def written(bot: Bot, status: str, outcome: str) -> None:
    """Wait until all events have ended like that."""
    async with asyncio.timeout(20):
        while {(found.status, found.last_outcome) for found in await rows(bot, tables.EVENTS)} != {(status, outcome)}:
            await bot.clock.advance(0)


async def test_more_than_one_handful_comes_at_once_and_each_once(bot: Bot) -> None:
    plugin = await load(bot)
    count = scheduler.AT_ONCE + 20
    bot.model_says(*[say("Now!")] * count)
    await bot.running.database.write(*many(count))
    bot.clock.jump(60)
    plugin._scheduler.wake()
    await until(bot, lambda: len(bot.interface.sent) >= count)
    await written(bot, "done", "delivered")

    assert all_texts(bot) == ["Now!"] * count


async def test_two_who_look_at_the_same_time_bring_each_event_once(bot: Bot) -> None:
    await load(bot)
    plugin = bot.add(EventPlugin(), "event")
    await bot.settle()
    hour = timedelta(hours=1)
    others = [scheduler.Scheduler(plugin.host, hour, Follower(plugin.host, hour)) for _ in range(2)]
    bot.model_says(*[say("Now!")] * 40)
    await bot.running.database.write(*many(40))
    bot.clock.jump(60)
    await asyncio.gather(*(other._round() for other in others))
    await until(bot, lambda: len(bot.interface.sent) >= 40)
    await bot.clock.advance(60)

    assert all_texts(bot) == ["Now!"] * 40


async def test_a_claim_is_won_by_one(bot: Bot) -> None:
    await load(bot)
    far = datetime(2030, 1, 1, tzinfo=UTC)
    await bot.running.database.write(*many(1, next_at=far, wake_at=far))
    claims = [tables.CLAIM(row=1, seen=far, lease=far + timedelta(seconds=60)) for _ in range(8)]
    won = await asyncio.gather(*(bot.running.database.write(claim) for claim in claims))
    assert sorted(won) == [[0]] * 7 + [[1]]


async def test_what_a_process_had_claimed_when_it_died_comes_after_the_next_start(bot: Bot) -> None:
    await load(bot)
    number = await make(bot)
    kept = await row(bot, number)
    await bot.running.database.write(
        tables.CLAIM(row=number, seen=kept.wake_at, lease=kept.wake_at + timedelta(seconds=60))
    )
    bot.clock.jump(60)
    bot.model_says(say("Plants!"))
    await bot.restart()
    await comes(bot, 2)
    assert texts(bot)[1:] == ["Plants!"]


async def test_what_was_handed_over_when_it_died_is_not_said_again(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends between handing over and writing that down."""
    await load(bot)
    number = await make(bot, repeat="daily")

    async def dies(*_: Any, **__: Any) -> None:
        raise asyncio.CancelledError

    with monkeypatch.context() as patched:
        patched.setattr(scheduler.Scheduler, "_advance", dies)
        bot.model_says(say("Plants!"))
        await bot.clock.advance(60)
        await until(bot, lambda: len(texts(bot)) == 2)
    assert (await row(bot, number)).last_at is None
    await bot.restart()
    await until_quiet(bot)

    assert texts(bot)[1:] == ["Plants!"]
    assert (await row(bot, number)).next_at == START + timedelta(days=1)


async def test_while_the_database_is_away_it_waits(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    await load(bot)
    await make(bot)
    bot.model_says(say("Plants!"))

    async def away(*_: Any, **__: Any) -> Any:
        raise StoreError("away")

    with monkeypatch.context() as patched:
        for member in ("fetch", "write"):
            patched.setattr(StoredDatabase, member, away)
        await bot.clock.advance(120)
        assert len(texts(bot)) == 1
    await bot.clock.advance(scheduler.AWAY)
    await comes(bot, 2)
    assert texts(bot)[1:] == ["Plants!"]


async def test_what_cannot_be_handed_over_is_tried_again_and_given_up_with_a_notice(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    await load(bot)
    broken, well = await make(bot, description="one"), await make(bot, description="two")
    real = scheduler.Scheduler._deliver

    async def breaks(self: scheduler.Scheduler, event: tables.Event) -> None:
        if event.id == broken:
            raise ZeroDivisionError
        await real(self, event)

    monkeypatch.setattr(scheduler.Scheduler, "_deliver", breaks)
    bot.model_says(say("Two!"))
    await bot.clock.advance(60)
    await comes(bot, 3)
    assert texts(bot)[2:] == ["Two!"]
    assert (await row(bot, well)).status == "done"
    assert (await row(bot, broken)).tries == 1
    async with asyncio.timeout(20):
        while len(texts(bot)) < 4:
            bot.clock.jump(3600)
            await bot.clock.advance(scheduler.TICK)

    kept = await row(bot, broken)
    assert (kept.status, kept.last_outcome, kept.wake_at) == ("failed", "given up", None)
    assert texts(bot)[3:] == [
        f"[notice] The event {broken} was given up after 8 tries (ZeroDivisionError); the log says why."
    ]


@pytest.mark.parametrize("size", [0, 3000])
async def test_questions_about_time_go_through_an_index_however_many_rows_there_are(bot: Bot, size: int) -> None:
    await load(bot)
    later = datetime(2030, 1, 1, tzinfo=UTC)
    for begin in range(0, size, 1000):
        await bot.running.database.write(
            *(
                tables.ADD(**{**write.values, "mark": f"{begin} {n}", "wake_at": later + timedelta(seconds=n)})
                for n, write in enumerate(many(1000))
            )
        )
    if size and bot.running.database.kind == "mariadb":
        await bot.running.database.fetch(text("ANALYZE TABLE scheduled_events"))
    for statement, values in (
        (tables.DUE, {"now": START, "most": 100}),
        (tables.NEXT, {}),
        (tables.UNSETTLED, {"after": "", "most": 100}),
        (tables.BY_MARK, {"which": "mark 1"}),
        (tables.ONE, {"row": 1}),
    ):
        assert "SCAN" not in (plan := await explained(bot, statement, values)), plan


async def explained(bot: Bot, statement: Statement, values: dict[str, Any]) -> str:
    """How the database will answer; with SCAN in it where it looks at all rows."""
    database = bot.running.database
    clause = statement.clause.params(values)
    sql = str(clause.compile(dialect=database.dialect, compile_kwargs={"literal_binds": True}))
    if database.kind == "sqlite":
        found = await database.fetch(text(f"EXPLAIN QUERY PLAN {sql}"))
        return "; ".join(line.detail for line in found if "INDEX" not in line.detail)
    found = await database.fetch(text(f"EXPLAIN {sql}"))
    return "; ".join(f"SCAN {line}" for line in found if line.type == "ALL")
