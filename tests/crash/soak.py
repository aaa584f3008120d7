"""`make soak`: kill Rekku at each transition many times, and at random, on both databases; prints a table.

python -m tests.crash.soak [--times 100] [--random 1000] [--events 25] [--reminders 1000] [--together 200]
                           [--away 60] [--database sqlite|mariadb] [--workers 1] [--seed 2026] [--keep FOLDER]
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
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from threading import Lock

from rekku.store.database import MariaServer
from tests.conftest import KINDS, drop
from tests.crash.kills import at_each, at_random
from tests.crash.life import Life, Nursery, nursery
from tests.crash.outage import gone_for
from tests.crash.reminders import killed_at_each, killed_at_random, two_killed_at_random
from tests.crash.transitions import EVENT_POINTS, POINTS
from tests.crash.verdict import Verdict
from tests.servers.mariadb import given_server, mariadbd, private_server

KILLS_OF_A_LIFE = 40
AT_INSTANTS = "at random instants, reminders being due"
MOST_TWICE = 0.005
"""The share of reminders that may be sent twice, by a process that died between sending and recording."""

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
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    lock: Lock = field(default_factory=Lock)

    def add(self, verdict: Verdict, *lives: Life) -> None:
        """Count one life, or some that belong together."""
        with self.lock:
            self.kills += sum(life.kills for life in lives)
            self.runs += sum(life.runs for life in lives)
            self.messages += verdict.messages
            self.twice += verdict.twice
            self.unknown += verdict.unknown
            self.broken += len(verdict.problems)
            self.seconds = time.monotonic() - self.began
            _say(f"{self.database}, {self.kind}: {self.kills:,} kills, {self.messages:,} messages")

    def row(self) -> str:
        """A row of the table."""
        cells = (self.kills, self.runs, self.messages, self.twice, self.unknown, self.broken)
        return (
            f"| {self.database} | {self.kind} | {' | '.join(f'{c:,}' for c in cells)} | {self.seconds / 60:.0f} min |"
        )


HEADER = """\
| Database | Killed | Kills | Starts | Messages | Sent twice | Outcome unknown | Broken promises | Time |
|---|---|---|---|---|---|---|---|---|"""


@dataclass(frozen=True)
class Ground:
    """Where lives on one database are led: a server (None: SQLite), the folder of their homes, how many at a time."""

    database: str
    base: MariaServer | None
    keep: Path
    workers: int
    seed: int

    def lead(self, kind: str, amounts: list[int], work: Callable[[Life, int, random.Random], Verdict]) -> Tally:
        """Lives of one kind, so many kills (or points) each."""
        tally = Tally(self.database, kind)
        with ThreadPoolExecutor(self.workers) as pool:
            lives = [pool.submit(self._live, tally, number, n, work) for number, n in enumerate(amounts)]
            for life in lives:
                life.result()
        return tally

    def _live(
        self, tally: Tally, number: int, amount: int, work: Callable[[Life, int, random.Random], Verdict]
    ) -> None:
        """One life from an empty home to its verdict."""
        chance = random.Random(f"{self.seed} {self.database} {tally.kind} {number}")
        with nursery() as cradle:
            life = self.new_life(cradle)
            self.end(tally, work(life, amount, chance), life)

    def new_life(self, cradle: Nursery, server: MariaServer | None = None) -> Life:
        """A new home, with a database of its own if none is given."""
        number = next(_numbers)
        own = self.base and replace(self.base, name=f"rekku_soak_{number}")
        return Life(self.keep / f"{self.database}-{number}", server or own, cradle)

    def end(self, tally: Tally, verdict: Verdict, *lives: Life) -> None:
        """Count lives; their homes are kept if a promise was broken."""
        tally.add(verdict, *lives)
        if verdict.problems:
            print(f"\n{lives[0].home}:", *verdict.problems, sep="\n  ", flush=True)
            return
        for life in lives:
            shutil.rmtree(life.home)
        if lives[0].server is not None:
            asyncio.run(drop(lives[0].server))

    def together(self, kills: int) -> Tally:
        """Two processes on one database, both killed."""
        tally = Tally(self.database, "two processes, reminders being due")
        chance = random.Random(f"{self.seed} together")
        with nursery() as one_cradle, nursery() as other_cradle:
            while tally.kills < kills:
                one = self.new_life(one_cradle)
                other = self.new_life(other_cradle, one.server)
                few = min(KILLS_OF_A_LIFE, kills - tally.kills)
                self.end(tally, two_killed_at_random(one, other, few, chance), one, other)
        return tally

    def away(self, seconds: int) -> Tally:
        """The database gone for so many seconds while reminders are due."""
        tally = Tally(self.database, f"not: the database is gone for {seconds} s")
        with ExitStack() as closing:
            private = None if self.base is None else closing.enter_context(private_server())
            life = self.new_life(closing.enter_context(nursery()), private.server("rekku_away") if private else None)
            found = gone_for(life, seconds, private)
            _say(f"{self.database}: said {found.latest:.2f} s after the database was there again, at most")
            tally.add(found.verdict, life)
            if found.verdict.problems:
                print(f"\n{life.home}:", *found.verdict.problems, sep="\n  ", flush=True)
            else:
                shutil.rmtree(life.home)
        return tally


@contextmanager
def _server(database: str) -> Iterator[MariaServer | None]:
    """Where lives on that database keep their things."""
    with ExitStack() as closing:
        if database == "sqlite":
            yield None
        else:
            yield given_server() or closing.enter_context(private_server()).server("rekku")


def _soak(database: str, told: argparse.Namespace, keep: Path) -> list[Tally]:
    """All the killing on one database."""
    with _server(database) as base:
        ground = Ground(database, base, keep, told.workers, told.seed)
        tallies = [
            ground.lead(
                f"at each of {len(POINTS)} points, {told.times} times",
                [len(POINTS)] * told.times,
                lambda life, n, chance: at_each(life, chance.sample(POINTS, n)),
            ),
            ground.lead("at random", _shares(told.random), at_random),
            ground.lead(
                f"at each of {len(EVENT_POINTS)} points of reminders, {told.events} times",
                [len(EVENT_POINTS)] * told.events,
                lambda life, n, chance: killed_at_each(life, chance.sample(EVENT_POINTS, n)),
            ),
            ground.lead(
                AT_INSTANTS,
                _shares(told.reminders),
                lambda life, kills, chance: killed_at_random(life, kills, chance, at_points=0.0),
            ),
        ]
        if base is not None and told.together:
            tallies.append(ground.together(told.together))
        if told.away:
            tallies.append(ground.away(told.away))
    return [tally for tally in tallies if tally.runs]


def _shares(kills: int) -> list[int]:
    """So many kills, in lives."""
    return [min(KILLS_OF_A_LIFE, kills - begun) for begun in range(0, kills, KILLS_OF_A_LIFE)]


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def main() -> int:
    """0 if every promise was kept."""
    options = argparse.ArgumentParser(prog="make soak", description=__doc__)
    options.add_argument("--times", type=int, default=100, help="how often to die at each point")
    options.add_argument("--random", type=int, default=1000, help="how often to die anywhere")
    options.add_argument("--events", type=int, default=25, help="how often to die at each point of reminders")
    options.add_argument("--reminders", type=int, default=1000, help="how often to die while reminders are due")
    options.add_argument("--together", type=int, default=200, help="how often two processes die on one MariaDB")
    options.add_argument("--away", type=int, default=60, help="for how many seconds the database goes away")
    options.add_argument("--database", choices=KINDS, action="append", help="only this one")
    options.add_argument("--workers", type=int, default=1, help="how many lives at a time on each database")
    options.add_argument("--seed", type=int, default=2026)
    options.add_argument("--keep", type=Path, help="where the homes of broken promises stay")
    told = options.parse_args()
    databases = told.database or [kind for kind in KINDS if kind == "sqlite" or given_server() or mariadbd()]
    keep = told.keep or Path(tempfile.mkdtemp(prefix="rekku-soak-"))
    with ThreadPoolExecutor(len(databases)) as pool:
        work = [pool.submit(_soak, database, told, keep) for database in databases]
        tallies = [tally for done in work for tally in done.result()]
    print(HEADER, *(tally.row() for tally in tallies), sep="\n")
    broken = sum(tally.broken for tally in tallies)
    for tally in tallies:
        if tally.kind == AT_INSTANTS and tally.twice > MOST_TWICE * tally.messages:
            print(f"{tally.database}: more than {MOST_TWICE:.1%} of the reminders were sent twice")
            broken += 1
    if not broken and told.keep is None:
        keep.rmdir()
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
