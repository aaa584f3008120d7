"""The queue itself, on both databases: each wish has one taker."""

import asyncio
from datetime import timedelta

from rekku.core.message import Conversation
from rekku.plugins._reddit_plugin.queue import LEASE, Queue, Wish
from rekku.testing import START, Bot


def wish(number: int = 0) -> Wish:
    return Wish(
        id=0,
        person_id="p1",
        chat=Conversation("memory", "owner"),
        direct=True,
        action="reddit_delete",
        payload={"target": f"t3_{number}"},
        status="waiting",
        due_at=START,
        created_at=START,
    )


async def test_one_of_many_processes_takes_a_wish_and_an_undo_comes_too_late_then(bot: Bot) -> None:
    queue = Queue(bot.running.database)
    kept = await queue.add(wish(), "a key")
    taken = await asyncio.gather(*(Queue(bot.running.database).claim(kept.id, "waiting", START) for _ in range(8)))

    assert sorted(taken) == [False] * 7 + [True]
    assert not await queue.undo(kept.id)


async def test_a_wish_of_the_same_key_is_kept_once(bot: Bot) -> None:
    queue = Queue(bot.running.database)
    first, second = await queue.add(wish(), "a key"), await queue.add(wish(), "a key")
    assert first.id == second.id
    assert (await queue.add(wish(1), "another")).id != first.id


async def test_what_a_dead_process_took_is_looked_after_when_its_lease_is_over(bot: Bot) -> None:
    queue = Queue(bot.running.database)
    kept = await queue.add(wish(), "a key")
    await queue.claim(kept.id, "waiting", START)

    assert await queue.due(START + LEASE - timedelta(seconds=1)) == []
    assert await queue.due(START + LEASE) == [(kept.id, "sending")]
    assert await queue.claim(kept.id, "sending", START + LEASE)
    assert not await queue.claim(kept.id, "sending", START + LEASE)
