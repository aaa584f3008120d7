"""Killed at its worst moments, Rekku keeps its word."""

import random

import pytest

from tests.crash.kills import at_each, at_random
from tests.crash.life import Life
from tests.crash.transitions import POINTS

RANDOM_KILLS = 25


def test_every_named_point_is_on_the_road(life: Life) -> None:
    life.write()
    life.until_quiet()

    reached = {point for line in life.trace() if line["what"] == "reached" for point in line["points"]}
    assert reached == set(POINTS)


@pytest.mark.parametrize("part", range(4))
def test_killed_at_any_transition_it_keeps_its_word(life: Life, part: int) -> None:
    verdict = at_each(life, POINTS[part::4])

    assert verdict.problems == []
    assert life.kills == len(POINTS[part::4])


def test_killed_at_random_it_keeps_its_word(life: Life) -> None:
    verdict = at_random(life, RANDOM_KILLS, random.Random(2026))

    assert verdict.problems == []
    assert life.kills == RANDOM_KILLS
