"""What the diary finds, and how quickly.

    python benchmarks/recall.py found FILE                 a recall set: which share of its questions is answered
    python benchmarks/recall.py quick [--entries 100000]   how long what goes into a prompt takes

FILE has one JSON object a line: `{"kind": "turn", "scenario", "turn", "text"}`, and `{"kind": "question", "scenario",
"text", "evidence": [turn, …]}`. A question counts as answered at k if one of its turns is among the first k found.
MariaDB is measured on a private server if `mariadbd` is installed.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.servers.mariadb import mariadbd, private_server

from rekku.core.audience import Audience
from rekku.core.database import Write
from rekku.core.message import Conversation
from rekku.plugins._ai_diary import keeper, schema, tables
from rekku.plugins._ai_diary.entry import Entry
from rekku.plugins._ai_diary.recall import recall
from rekku.store.database import MariaServer, StoredDatabase, open_database
from rekku.store.migrations import migrate

DEPTHS = (1, 3, 5, 10)
START = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUESTIONS = 300
VOCABULARY = 50_000
AT_ONCE = 3_000


def audience(person: str) -> Audience:
    """A person in a direct chat."""
    return Audience(Conversation("bench", person), direct=True, person_id=person)


async def found(rows: Sequence[dict[str, Any]]) -> None:
    """Print which share of the questions of a recall set is answered."""
    questions = [row for row in rows if row["kind"] == "question"]
    turns: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        database = await open_database(Path(folder))
        await migrate(database, schema.SCHEMA)
        for number, row in enumerate(row for row in rows if row["kind"] == "turn"):
            at = START + timedelta(minutes=number)
            entry = Entry(keeper.new_id(at), at, "", user_message=row["text"], present=(row["scenario"],))
            await keeper.write(database, entry)
            turns[entry.id] = row["turn"]
        hits = dict.fromkeys(DEPTHS, 0)
        for row in questions:
            told = await recall(database, audience(row["scenario"]), row["text"], NOW, most=max(DEPTHS))
            got = [turns[entry.id] for entry in told.relevant]
            for depth in DEPTHS:
                hits[depth] += any(turn in got[:depth] for turn in row["evidence"])
        await database.close()
    print("  ".join(f"recall@{depth} {hits[depth] / len(questions):.3f}" for depth in DEPTHS))


def made_up(count: int) -> Iterator[Entry]:
    """Entries of one person, over six years, whose words are as unevenly common as those of a language (Zipf)."""
    chance = random.Random(7)
    words, weights = vocabulary()
    for number in range(count):
        at = START + (NOW - START) * (number / count)
        text = " ".join(chance.choices(words, cum_weights=weights, k=20))
        yield Entry(keeper.new_id(at), at, text, present=("ann",), interface="bench", chat_id="ann")


def vocabulary() -> tuple[list[str], list[float]]:
    """Words that are not alike, and their cumulative weights."""
    letters = "bdfgklmnprtvz"
    vowels = "aeiou"
    words, weights, total = [], [], 0.0
    for rank in range(VOCABULARY):
        rest, word = rank, ""
        for _ in range(4):
            rest, at = divmod(rest, len(letters) * len(vowels))
            word += letters[at % len(letters)] + vowels[at // len(letters)]
        words.append(word + "k")
        total += 1 / (rank + 10)
        weights.append(total)
    return words, weights


async def quick(home: Path, server: MariaServer | None, count: int) -> None:
    """Fill a diary, then time what goes into prompts."""
    database = await open_database(home, server)
    await migrate(database, schema.SCHEMA)
    began = time.perf_counter()
    await fill(database, count)
    filled = time.perf_counter() - began
    chance = random.Random(11)
    words, weights = vocabulary()
    times: list[float] = []
    cpu = time.process_time()
    for _ in range(QUESTIONS):
        text = " ".join(chance.choices(words, cum_weights=weights, k=8))
        began = time.perf_counter()
        await recall(database, audience("ann"), text, NOW)
        times.append((time.perf_counter() - began) * 1e3)
    cpu = (time.process_time() - cpu) / QUESTIONS * 1e3
    times.sort()
    p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
    print(f"| {database.kind} | {count:,} | {p50:.1f} | {p99:.1f} | {cpu:.1f} | {filled:.0f} |", flush=True)
    await database.close()


async def fill(database: StoredDatabase, count: int) -> None:
    """Write entries, many in one transaction. The rows of the index are written in its own order: that is quicker."""
    waiting: list[Write] = []
    rows: list[tuple[int, int, int]] = []
    for entry in made_up(count):
        waiting.append(tables.ADD(**entry.as_row()))
        rows += ((number, entry.id, worth) for number, worth in keeper.index_of(entry))
        if len(waiting) >= AT_ONCE:
            await database.write(*waiting, *add(rows))
            waiting, rows = [], []
    await database.write(*waiting, *add(rows))
    scope = tables.number_of("person:ann", tables.ANY)
    await database.write(tables.ADD_SCOPE(scope=scope, entries=count, first_id=keeper.new_id(START)))


def add(rows: list[tuple[int, int, int]]) -> Sequence[Write]:
    """The writes for rows of the index."""
    rows.sort()
    return list(keeper.added(rows))


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    kinds.add_parser("found").add_argument("file", type=Path)
    timed = kinds.add_parser("quick")
    timed.add_argument("--entries", type=int, nargs="+", default=[100_000])
    timed.add_argument("--database", choices=("sqlite", "mariadb"), nargs="+", default=["sqlite", "mariadb"])
    asked: Any = parser.parse_args()
    if asked.kind == "found":
        asyncio.run(found([json.loads(line) for line in asked.file.read_text("utf-8").splitlines()]))
        return
    print(
        "| database | entries | median ms | p99 ms | mean CPU ms | seconds to fill |\n|---|---|---|---|---|---|",
        flush=True,
    )
    for count in asked.entries:
        for kind in asked.database:
            if kind == "mariadb" and mariadbd() is None:
                continue
            with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
                server = stack.enter_context(private_server()).server("recall") if kind == "mariadb" else None
                asyncio.run(quick(Path(folder), server, count))


if __name__ == "__main__":
    main()
