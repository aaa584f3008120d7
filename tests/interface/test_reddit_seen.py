"""What is remembered of Reddit, on both databases."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from rekku.interface import reddit_interface
from rekku.interface._reddit_interface.seen import GRACE, KEPT, Seen
from rekku.store.database import MariaServer
from rekku.testing import START, bot_at
from tests.interface.on_reddit import ALONE
from tests.interface.reddit import Reddit
from tests.interface.world import Talk
from tests.road.conftest import reached_by


@pytest.fixture
async def world() -> AsyncIterator[Reddit]:
    made = Reddit()
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def talk(world: Reddit, bot_home: Path, server_for_home: MariaServer | None) -> AsyncIterator[Talk]:
    """A bot on Reddit, with its tables on one of the databases."""
    where = {} if server_for_home is None else reached_by(server_for_home)
    async with bot_at(bot_home, {**ALONE, **world.settings, **where}, interfaces=["reddit_interface"]) as bot:
        await world.attach(bot)
        yield Talk(world, bot)


async def test_it_talks_and_remembers_over_a_restart(talk: Talk, world: Reddit) -> None:
    talk.bot.model_says("Once.", "In the thread.", "Still in it.")
    await talk.hears("hello")
    await talk.hears("hello", chat="group", mention=True)
    await talk.bot.restart()
    await world.attach(talk.bot)
    await talk.hears("go on", chat="group", reply_to=world.shown("group")[0].id)
    await talk.rest()

    assert talk.texts() == ["Once."]
    assert talk.texts("group") == ["In the thread.", "Still in it."]


async def test_what_was_handed_over_threads_and_sent_pieces_are_kept_and_then_forgotten(talk: Talk) -> None:
    seen, later = Seen(talk.bot.running.database), START + KEPT + timedelta(days=1)
    first = await seen.since(START + timedelta(days=2))
    await seen.see("t4_a", START)
    await seen.see("t4_a", START)
    assert first == await seen.since(START) <= START + timedelta(minutes=1) - GRACE
    assert await seen.new(["t4_a", "t4_b"]) == {"t4_b"}

    await seen.remember(["t1_b", "t1_c"], "t3_a", "t1_b", START)
    assert await seen.thread("t1_c") == ("t3_a", "t1_b")
    assert await seen.thread("t1_d") is None

    assert await seen.begin("7", START) is None
    assert await seen.begin("7", START) == ("", START)
    await seen.again("7", START + GRACE)
    await seen.done("7", "t1_e")
    assert await seen.begin("7", START) == ("t1_e", START + GRACE)
    assert await seen.ours(["t1_e", "t1_f"]) == {"t1_e"}
    await seen.undo("7")
    assert await seen.begin("7", START) is None

    await seen.tidy(later)
    assert await seen.new(["t4_a"]) == {"t4_a"}
    assert await seen.begin("7", later) is None
    assert await seen.thread("t1_c") is not None
    assert await seen.since(later) == later - KEPT + timedelta(days=1)


async def test_a_reload_of_its_file_neither_loses_nor_doubles(talk: Talk, world: Reddit) -> None:
    talk.bot.model_says("Before.", "After.")
    await talk.hears("hello")
    file = Path(reddit_interface.__file__)
    assert (await talk.bot.running.loader.reload(file)).state == "loaded"
    before = world.server.looks
    await talk.until(lambda: world.server.looks > before)

    assert await talk.hears("and now?") == ["After."]
    await talk.rest()
    assert talk.texts() == ["Before.", "After."]
