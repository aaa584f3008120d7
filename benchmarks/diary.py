"""What the diary's part of a prompt costs, with a million entries.

    python -m benchmarks.diary                                       1,000,000 entries on both databases
    python -m benchmarks.diary --entries 100000 --database sqlite
    python -m benchmarks.diary --limit 20                            fails if a p99 is more than 20 ms

Each case is a series of prompts of one audience: what comes to mind is looked up, ranked and put into words, as for a
real prompt. Wall time depends on what else the machine does; CPU time (of this process, SQLite included; the mean of
MariaDB's beside it) less; rows do not. MariaDB is a private server with its own defaults, if `mariadbd` is installed.
"""

import argparse
import asyncio
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.servers.mariadb import mariadbd, private_server

from benchmarks.diary_rows import (
    FEW,
    GROUP,
    MANY,
    NOW,
    SELDOM,
    load_mariadb,
    load_sqlite,
    scope_rows,
    vocabulary,
    write_files,
)
from rekku.core.audience import Audience
from rekku.core.database import Database, Statement
from rekku.core.message import Conversation, Message, User
from rekku.plugins._ai_diary.diary import in_mind
from rekku.plugins._ai_diary.schema import SCHEMA
from rekku.store.database import MariaServer, open_database, sqlite_file
from rekku.store.migrations import migrate

PROMPTS, WORDS = 300, 8
COMMON = 300
"""The commonest words, of which some prompts have nothing else."""

ROOM, HALF_LIFE = 4_000, timedelta(hours=6)
DEFAULTS = ("--skip-log-bin",)
HEAD = (
    "| database | entries | who hears | words | median ms | p99 | worst | CPU median | CPU p99 | server | rows p99 |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Case:
    """Who hears, and what is talked about."""

    name: str
    audience: Audience
    common: bool


def direct(name: str, person: str, common: bool = False) -> Case:
    """A person in a direct chat."""
    return Case(name, Audience(Conversation("bench", person), direct=True, person_id=person), common)


CASES = (
    direct("has four fifths of all", MANY),
    direct("has four fifths of all", MANY, common=True),
    Case("a group", Audience(Conversation("bench", GROUP), direct=False, person_id="member1"), common=False),
    direct("a member of the group, alone", "member2", common=True),
    direct("was seldom in the group", SELDOM, common=True),
    direct("has 20 entries", FEW),
    direct("has 20 entries", FEW, common=True),
    direct("a stranger", "nobody", common=True),
)


class Counted:
    """A database that counts the rows that it looks at: those that it gives, and those that it adds up."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.kind = database.kind
        self.rows = 0

    async def fetch(self, statement: Statement, **values: Any) -> list[Any]:
        """Rows, counted."""
        rows = await self._database.fetch(statement, **values)
        if "best" in values:
            self.rows += sum(value for name, value in values.items() if name.startswith("most"))
        elif "recent" in values:
            self.rows += sum(row.entries if row.place >= 0 else 1 for row in rows)
        else:
            self.rows += len(rows)
        return rows


@dataclass
class Figures:
    """One case, in milliseconds and rows."""

    wall: list[float]
    cpu: list[float]
    rows: list[int]


async def measured(database: Database, case: Case, prompts: int = PROMPTS) -> Figures:
    """Build the diary's part of so many prompts; the first ones count too."""
    chance = random.Random(11)
    words, weights = vocabulary()
    figures = Figures([], [], [])
    for number in range(prompts):
        some = (
            chance.sample(words[:COMMON], WORDS) if case.common else chance.choices(words, cum_weights=weights, k=WORDS)
        )
        message = Message(case.audience.conversation, User("x"), " ".join(some), NOW, str(number))
        counted: Any = Counted(database)
        cpu, wall = time.process_time(), time.perf_counter()
        await in_mind(counted, case.audience, message, (), NOW, ROOM, HALF_LIFE)
        figures.wall.append((time.perf_counter() - wall) * 1e3)
        figures.cpu.append((time.process_time() - cpu) * 1e3)
        figures.rows.append(counted.rows)
    return figures


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def report(database: Database, count: int, case: Case, pid: int = 0) -> float:
    """Measure a case, and print its line; the p99 of its wall time. `pid` is the server's process."""
    used = cpu_of(pid)
    found = await measured(database, case)
    server = f"{(cpu_of(pid) - used) / PROMPTS:.1f}" if pid else "–"
    wall = f"{statistics.median(found.wall):.1f} | {percentile(found.wall, 0.99):.1f} | {max(found.wall):.1f}"
    cpu = f"{statistics.median(found.cpu):.1f} | {percentile(found.cpu, 0.99):.1f}"
    name = f"| {database.kind} | {count:,} | {case.name} | {'common' if case.common else 'mixed'} |"
    print(f"{name} {wall} | {cpu} | {server} | {percentile(found.rows, 0.99):.0f} |", flush=True)
    return percentile(found.wall, 0.99)


def cpu_of(pid: int) -> float:
    """Milliseconds of CPU that another process has used; 0 for none."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")


async def on(home: Path, server: MariaServer | None, pid: int, files: Path, count: int, headings: Any) -> float:
    """Load the files into a database, then measure every case; the worst p99."""
    database = await open_database(home, server)
    await migrate(database, SCHEMA)
    began = time.perf_counter()
    if server is None:
        await asyncio.to_thread(load_sqlite, sqlite_file(home), files)
    else:
        await load_mariadb(server, files)
    await database.write(*scope_rows(headings))
    print(f"{database.kind}: loaded in {time.perf_counter() - began:.0f} s", flush=True)
    print(*HEAD, sep="\n")
    worst = max([await report(database, count, case, pid) for case in CASES])
    await database.close()
    return worst


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--limit", type=float, default=math.inf, metavar="MS")
    parser.add_argument("--database", choices=("sqlite", "mariadb"), nargs="+", default=["sqlite", "mariadb"])
    asked: Any = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rekku-diary-") as folder:
        files = Path(folder)
        files.chmod(0o755)  # the server, another user perhaps, reads them
        began = time.perf_counter()
        headings = write_files(files, asked.entries)
        size = (files / "words.tsv").stat().st_size / 1e6
        print(
            f"{asked.entries:,} entries written in {time.perf_counter() - began:.0f} s, the index {size:.0f} MB as text"
        )
        for kind in asked.database:
            if kind == "mariadb" and mariadbd() is None:
                continue
            with ExitStack() as stack:
                home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rekku-diary-")))
                private = stack.enter_context(private_server(DEFAULTS)) if kind == "mariadb" else None
                server, pid = (private.server("diary"), private.pid) if private else (None, 0)
                worst = asyncio.run(on(home, server, pid, files, asked.entries, headings))
                if worst > asked.limit:
                    sys.exit(f"{kind}: a p99 of {worst:.1f} ms is more than {asked.limit:g} ms")


if __name__ == "__main__":
    main()
