"""The `bot` fixture: whole Rekku, a scripted engine, an interface in memory, a clock that tests move, no network.

    async def test_it_rolls(bot):
        dice = bot.add(DicePlugin())
        bot.model_says('{"actions": [{"type": "roll_dice", "payload": {"sides": 6}}]}', "It is rolled.")
        assert await bot.hears("roll a die") == ["It is rolled."]
        assert len(dice.rolls) == 1

It comes with `pip install "rekku[testing]"` and needs pytest-asyncio.
"""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from rekku.testing.clock import START, MovableClock
from rekku.testing.fakes import MemoryInterface, ScriptedEngine, Sent
from rekku.testing.whole import PATIENCE, Bot, bot_at

__all__ = [
    "PATIENCE",
    "START",
    "Bot",
    "MemoryInterface",
    "MovableClock",
    "ScriptedEngine",
    "Sent",
    "bot",
    "bot_at",
    "bot_environ",
    "bot_home",
]


@pytest.fixture
def bot_environ() -> dict[str, str]:
    """The settings of the `bot` fixture; override it to set some."""
    return {}


@pytest.fixture
def bot_home() -> Iterator[Path]:
    """The home of the `bot` fixture, with a short path."""
    with tempfile.TemporaryDirectory(prefix="rekku-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest_asyncio.fixture
async def bot(bot_home: Path, bot_environ: dict[str, str]) -> AsyncIterator[Bot]:
    """Whole Rekku: scripted engine, interface in memory, movable clock, no network."""
    async with bot_at(bot_home, bot_environ) as made:
        yield made
