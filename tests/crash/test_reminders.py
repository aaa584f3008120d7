"""Killed while reminders are due, Rekku loses none."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.crash.life import QUIET, Life, nursery
from tests.crash.reminders import Reminders, killed_at_random

KILLS = 8


def test_killed_at_random_it_loses_no_reminder(life: Life) -> None:
    verdict = killed_at_random(life, KILLS, random.Random(2026), at_points=0.5)

    assert verdict.problems == []
    assert life.kills == KILLS


def test_two_processes_on_one_database_bring_each_reminder_once(life: Life, tmp_path: Path) -> None:
    if life.server is None:
        pytest.skip("a SQLite home has one process")
    with nursery() as cradle, ThreadPoolExecutor() as pool:
        chance = random.Random(2026)
        reminders, other = Reminders(life, chance), Life(tmp_path / "other", life.server, cradle)
        Reminders(other, chance)
        for seconds in range(4):
            reminders.write(seconds)
        assert list(pool.map(Life.run, (life, other))) == [QUIET, QUIET]

    assert reminders.judge(other).problems == []
