"""A made-up diary of any size, and how it gets into a database quickly: sorted files, loaded in one go.

Most of it is one person's; a tenth is a group's, with three listeners each; a tenth belongs to a thousand others; some
entries are public. One person has little, one was rarely in the group.
"""

import os
import random
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rekku.core.database import EPOCH, MICROSECOND
from rekku.plugins._ai_diary import keeper, tables
from rekku.plugins._ai_diary.audience import scopes_of
from rekku.plugins._ai_diary.entry import CHAT, PUBLIC, Entry
from rekku.store.database import MariaServer

START = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
VOCABULARY = 50_000
WORDS_IN_AN_ENTRY = 24
AT_ONCE = 20_000

MANY, FEW, SELDOM = "ann", "few", "seldom"
GROUP, MEMBERS, OTHERS = "group", 8, 1_000
HAS_FEW, IS_SELDOM_THERE = 20, 30
TARGETS = {"entries.tsv": tables.DIARY, "words.tsv": tables.WORDS}
"""Which file goes into which table."""
COLUMNS = [column.name for column in tables.DIARY.columns]


def vocabulary() -> tuple[list[str], list[float]]:
    """Words that are not alike, and their cumulative weights: as unevenly common as those of a language (Zipf)."""
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


def entries(count: int) -> Iterator[Entry]:
    """So many entries over six years."""
    chance = random.Random(7)
    words, weights = vocabulary()
    for number in range(count):
        at = START + (NOW - START) * (number / count)
        said = chance.choices(words, cum_weights=weights, k=WORDS_IN_AN_ENTRY)
        half = WORDS_IN_AN_ENTRY // 2
        yield Entry(
            keeper.new_id(at),
            at,
            content=" ".join(said[half:]),
            user_message=" ".join(said[:half]),
            interface="bench",
            **_whose(number, count, chance),
        )


def _whose(number: int, count: int, chance: random.Random) -> dict[str, Any]:
    if number % max(1, count // HAS_FEW) == 3:
        return {"chat_id": FEW, "present": (FEW,), "speakers": (FEW,)}
    if number % 1_000 == 7:
        return {"privacy": PUBLIC, "speakers": ()}
    match number % 10:
        case 1:
            there = [f"member{n}" for n in chance.sample(range(MEMBERS), 3)]
            if number % max(1, count // IS_SELDOM_THERE) < 10:
                there[-1] = SELDOM
            return {"chat_id": GROUP, "privacy": CHAT, "present": tuple(there), "speakers": (there[0],)}
        case 2:
            other = f"other{chance.randrange(OTHERS)}"
            return {"chat_id": other, "present": (other,), "speakers": (other,)}
    return {"chat_id": MANY, "present": (MANY,), "speakers": (MANY,)}


def write_files(folder: Path, count: int) -> "Counter[str]":
    """Write the rows of the entries and of the index into sorted files; how many entries each heading has."""
    headings: Counter[str] = Counter()
    unsorted = folder / "words"
    with (folder / "entries.tsv").open("w") as rows, unsorted.open("w") as words:
        for entry in entries(count):
            row = entry.as_row() | {"timestamp": (entry.timestamp - EPOCH) // MICROSECOND}
            rows.write("\t".join(str(row[name]) for name in COLUMNS) + "\n")
            words.write("".join(f"{word}\t{entry.id}\t{worth}\n" for word, worth in keeper.index_of(entry)))
            headings.update(scopes_of(entry))
    command = ["sort", "-n", "-k1,1", "-k2,2", "-S", "1G", "-T", str(folder), "-o", str(folder / "words.tsv"), "words"]
    subprocess.run(command, cwd=folder, env=os.environ | {"LC_ALL": "C"}, check=True)
    unsorted.unlink()
    return headings


def load_sqlite(file: Path, folder: Path) -> None:
    """Put the files into the tables of a SQLite database."""
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA synchronous=OFF")
    for name, target in TARGETS.items():
        places = ", ".join("?" * len(target.columns))
        with (folder / name).open() as lines:
            rows = (line.rstrip("\n").split("\t") for line in lines)
            database.execute("BEGIN")
            database.executemany(f"INSERT INTO {target.name} VALUES ({places})", rows)  # noqa: S608 - our own names
            database.execute("COMMIT")
    database.close()


async def load_mariadb(server: MariaServer, folder: Path) -> None:
    """Put the files into the tables of a MariaDB on this machine, which reads them itself."""
    import asyncmy

    link = await asyncmy.connect(
        host=server.host, port=server.port, user=server.user, password=server.password, db=server.name, autocommit=True
    )
    async with link.cursor() as cursor:
        await cursor.execute("SET unique_checks=0, foreign_key_checks=0")
        for name, target in TARGETS.items():
            await cursor.execute(f"LOAD DATA INFILE '{folder / name}' INTO TABLE {target.name} CHARACTER SET utf8mb4")
    await link.ensure_closed()


def scope_rows(headings: "Counter[str]") -> Iterable[Any]:
    """The writes that say how many entries each heading has."""
    for heading, count in headings.items():
        number = tables.number_of(heading, tables.ANY)
        yield tables.ADD_SCOPE(scope=number, entries=count, first_id=keeper.new_id(START + timedelta(days=1)))
