"""`make soak`: kill Rekku at each transition many times, and at random, on both databases; prints a table.

python -m tests.crash.soak [--times 100] [--random 1000] [--reminders 1000]
                           [--database sqlite|mariadb] [--seed 2026] [--keep FOLDER]
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from rekku.store.database import MariaServer
from tests.conftest import KINDS, drop
from tests.crash.kills import at_each, at_random
from tests.crash.life import Life, Nursery, nursery
from tests.crash.reminders import killed_at_random
from tests.crash.transitions import POINTS
from tests.crash.verdict import Verdict
from tests.servers.mariadb import given_server, mariadbd, private_server

KILLS_OF_A_LIFE = 40
_numbers = count(1)


@dataclass
class Tally:
    """What came of one kind of killing on one database."""

    database: str
    kind: str
    kills: int = 0
    runs: int = 0
    messages: int = 0
    twice: int = 0
    unknown: int = 0
    broken: int = 0
    seconds: float = 0.0

    def add(self, life: Life, verdict: Verdict, seconds: float) -> None:
        """Count one life."""
        self.kills += life.kills
        self.runs += life.runs
        self.messages += verdict.messages
        self.twice += verdict.twice
        self.unknown += verdict.unknown
        self.broken += len(verdict.problems)
        self.seconds += seconds

    def row(self) -> str:
        """A row of the table."""
        cells = (self.kills, self.runs, self.messages, self.twice, self.unknown, self.broken)
        return (
            f"| {self.database} | {self.kind} | {' | '.join(f'{c:,}' for c in cells)} | {self.seconds / 60:.0f} min |"
        )


HEADER = """\
| Database | Killed | Kills | Starts | Messages | Sent twice | Outcome unknown | Broken promises | Time |
|---|---|---|---|---|---|---|---|---|"""


@contextmanager
def _server(database: str) -> Iterator[MariaServer | None]:
    """Where lives on that database keep their things."""
    with ExitStack() as closing:
        if database == "sqlite":
            yield None
        else:
            yield given_server() or closing.enter_context(private_server()).server("rekku")


def _live(work: Callable[[Life], Verdict], base: MariaServer | None, cradle: Nursery, keep: Path, tally: Tally) -> None:
    """One life from an empty home to its verdict; its home is kept if a promise was broken."""
    number = next(_numbers)
    home = keep / f"{tally.database}-{number}"
    server = base and replace(base, name=f"rekku_soak_{number}")
    began = time.monotonic()
    life = Life(home, server, cradle)
    verdict = work(life)
    tally.add(life, verdict, time.monotonic() - began)
    if verdict.problems:
        print(f"\n{home}:", *verdict.problems, sep="\n  ", flush=True)
        return
    shutil.rmtree(home)
    if server is not None:
        asyncio.run(drop(server))


def _soak(database: str, times: int, kills: int, reminding: int, seed: int, keep: Path) -> list[Tally]:
    """All the killing on one database."""
    at_points = Tally(database, f"at each of {len(POINTS)} points, {times} times")
    anywhere = Tally(database, "at random")
    reminders = Tally(database, "at random, reminders being due")
    chance = random.Random(f"{seed} {database}")
    with _server(database) as base, nursery() as cradle:
        for number in range(times):
            order = chance.sample(POINTS, len(POINTS))
            _live(lambda life, order=order: at_each(life, order), base, cradle, keep, at_points)  # type: ignore[misc]
            _say(f"{database}: {number + 1} of {times} rounds of all points")
        while anywhere.kills < kills:
            few = min(KILLS_OF_A_LIFE, kills - anywhere.kills)
            _live(lambda life, few=few: at_random(life, few, chance), base, cradle, keep, anywhere)  # type: ignore[misc]
            _say(f"{database}: {anywhere.kills} of {kills} random kills")
        while reminders.kills < reminding:
            few = min(KILLS_OF_A_LIFE, reminding - reminders.kills)
            _live(lambda life, few=few: killed_at_random(life, few, chance), base, cradle, keep, reminders)  # type: ignore[misc]
            _say(f"{database}: {reminders.kills} of {reminding} kills with {reminders.messages} reminders")
    return [at_points, anywhere, reminders]


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main() -> int:
    """0 if every promise was kept."""
    options = argparse.ArgumentParser(prog="make soak", description=__doc__)
    options.add_argument("--times", type=int, default=100, help="how often to die at each point")
    options.add_argument("--random", type=int, default=1000, help="how often to die anywhere")
    options.add_argument("--reminders", type=int, default=1000, help="how often to die while reminders are due")
    options.add_argument("--database", choices=KINDS, action="append", help="only this one")
    options.add_argument("--seed", type=int, default=2026)
    options.add_argument("--keep", type=Path, help="where the homes of broken promises stay")
    told = options.parse_args()
    databases = told.database or [kind for kind in KINDS if kind == "sqlite" or given_server() or mariadbd()]
    keep = told.keep or Path(tempfile.mkdtemp(prefix="rekku-soak-"))
    with ThreadPoolExecutor(len(databases)) as pool:
        work = [
            pool.submit(_soak, database, told.times, told.random, told.reminders, told.seed, keep)
            for database in databases
        ]
        tallies = [tally for done in work for tally in done.result()]
    print(HEADER, *(tally.row() for tally in tallies), sep="\n")
    broken = sum(tally.broken for tally in tallies)
    if not broken and told.keep is None:
        keep.rmdir()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
