"""Two ways to kill it: at each named point, and at any moment."""

import asyncio
import random
from collections.abc import Sequence

from tests.crash.life import KILLED, MOST_KILLS, Life
from tests.crash.verdict import Verdict, judge

POINTS_OF_A_RUN = 330
"""About so many points a run reaches when nothing stops it."""

SHORTEST, LONGEST = 0.02, 0.5
"""Seconds after which a run is killed from outside: from before the database is open until all is done."""


def at_each(life: Life, points: Sequence[str]) -> Verdict:
    """Die once at each of these points. Raises RuntimeError for one that is not reached."""
    for count, point in enumerate(points, 1):
        life.write()
        if life.run(point, 1) != KILLED:
            raise RuntimeError(f"the point “{point}” was not reached")
        if count % MOST_KILLS == 0:
            life.until_quiet()
    life.until_quiet()
    return asyncio.run(judge(life))


def at_random(life: Life, kills: int, chance: random.Random) -> Verdict:
    """Die so many times: half of them at a point by chance, half of them at an instant by chance."""
    until = life.kills + kills
    while life.kills < until:
        for _ in range(chance.randint(1, min(MOST_KILLS, until - life.kills))):
            life.write()
            if chance.random() < 0.5:
                life.run("", chance.randint(1, POINTS_OF_A_RUN))
            else:
                life.run(seconds=chance.uniform(SHORTEST, LONGEST))
        life.until_quiet()
    return asyncio.run(judge(life))
