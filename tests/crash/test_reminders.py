"""Killed while reminders are made and due, Rekku loses none."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.crash.life import QUIET, Life, nursery
from tests.crash.reminders import Reminders, killed_at_each, killed_at_random

KILLS = 4
POINTS = ("after: reminder handed over", "before: reminder settled")


def test_killed_at_random_it_loses_no_reminder(life: Life) -> None:
    verdict = killed_at_random(life, KILLS, random.Random(2026))

    assert verdict.problems == []
    assert life.kills == KILLS


def test_killed_between_handing_over_and_knowing_it_loses_none_and_knows_how_each_ended(life: Life) -> None:
    verdict = killed_at_each(life, POINTS)

    assert verdict.problems == []
    assert life.kills == len(POINTS)


def test_two_processes_on_one_database_bring_each_reminder_once(life: Life, tmp_path: Path) -> None:
    if life.server is None:
        pytest.skip("a SQLite home has one process")
    with nursery() as cradle, ThreadPoolExecutor() as pool:
        other = Life(tmp_path / "other", life.server, cradle)
        reminders = Reminders(life, other)
        for asking in (life, other, life):
            reminders.ask(asking, ahead=1)
        assert list(pool.map(Life.run, (life, other))) == [QUIET, QUIET]

    verdict = reminders.judge()
    assert verdict.problems == []
    assert verdict.twice == 0
