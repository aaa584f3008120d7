"""Killed while reminders are due, Rekku loses none."""

import random

from tests.crash.life import Life
from tests.crash.reminders import killed_at_random

KILLS = 12


def test_killed_at_random_it_loses_no_reminder(life: Life) -> None:
    verdict = killed_at_random(life, KILLS, random.Random(2026))

    assert verdict.problems == []
    assert life.kills == KILLS
