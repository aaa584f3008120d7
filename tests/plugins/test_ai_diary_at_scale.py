"""What a prompt costs does not grow with the diary: the rows are counted, because a clock tells of the machine too."""

import random
import re
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rekku.core.audience import Audience
from rekku.core.database import Statement
from rekku.core.message import Conversation
from rekku.plugins._ai_diary import keeper
from rekku.plugins._ai_diary.entry import CHAT, Entry
from rekku.plugins._ai_diary.recall import FIRST_LOOK, MOST_WORDS, READ, ROWS, recall
from rekku.plugins._ai_diary.schema import SCHEMA
from rekku.store.database import MariaServer, StoredDatabase
from rekku.store.drivers.statements import Call, prepared
from rekku.store.migrations import migrate

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 2, 1, tzinfo=UTC)
WORDS = [f"{first}{second}{third}k" for first in "bd" for second in ("ar", "el") for third in ("mo", "tu", "sa")]
QUESTION = " ".join(WORDS)
FEW, MANY = 1_000, 3_000
AT_ONCE = 100


def alone(person: str) -> Audience:
    """A person in a direct chat."""
    return Audience(Conversation("memory", person), direct=True, person_id=person)


HEARERS = {
    "who has most of them": alone("ann"),
    "who has little": alone("bob"),
    "the group": Audience(Conversation("memory", "group"), direct=False, person_id="ann"),
    "who was seldom in the group": alone("carl"),
    "a stranger": alone("dora"),
}


class Watched:
    """A database whose questions are noted as they are sent."""

    def __init__(self, database: StoredDatabase) -> None:
        self._database = database
        self.kind = database.kind
        self.asked: list[Call] = []

    async def fetch(self, statement: Statement, **values: Any) -> list[Any]:
        """The rows, and a note."""
        self.asked.append(prepared(statement, self._database.dialect).bind(values))
        return await self._database.fetch(statement, **values)


def entry(number: int, chance: random.Random) -> Entry:
    """One of many that have nothing but common words; each fifth is the group's, a few are Bob's."""
    at = START + timedelta(minutes=number)
    said = " ".join(chance.sample(WORDS, 8))
    if number % 100 == 7:
        return Entry(keeper.new_id(at), at, said, present=("bob",), chat_id="bob", interface="memory")
    if number % 5 == 1:
        there = ("ann", "carl") if number % 200 == 1 else ("ann",)
        return Entry(keeper.new_id(at), at, said, present=there, chat_id="group", interface="memory", privacy=CHAT)
    return Entry(keeper.new_id(at), at, said, present=("ann",), chat_id="ann", interface="memory")


async def fill(database: StoredDatabase, start: int, end: int) -> None:
    """Write the entries of these numbers."""
    chance = random.Random(start)
    for first in range(start, end, AT_ONCE):
        some = [entry(number, chance) for number in range(first, min(end, first + AT_ONCE))]
        await database.write(*(write for one in some for write in keeper.writes(one)))


async def looked_at(database: StoredDatabase, audience: Audience, home: Path, server: MariaServer | None) -> int:
    """How many rows the database touches for one prompt; on SQLite, how many steps its machine makes."""
    watched: Any = Watched(database)
    await recall(watched, audience, QUESTION, NOW, most=8, recent=8)
    return await rows_of(server, watched.asked) if server else steps_of(home / "data" / "rekku.db", watched.asked)


def steps_of(file: Path, asked: Sequence[Call]) -> int:
    """The steps of SQLite's machine, to the hundred; each question finds its rows by a key."""
    ticks = [0]

    def tick() -> int:
        ticks[0] += 1
        return 0

    link = sqlite3.connect(file)
    for sql, values in asked:
        plan = [row[3] for row in link.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        read = [step for step in plan if re.search("ai_diary", step)]
        assert read
        assert all(step.startswith("SEARCH") for step in read), plan
        link.set_progress_handler(tick, 100)
        link.execute(sql, values).fetchall()
        link.set_progress_handler(None, 0)
    link.close()
    return ticks[0] * 100


async def rows_of(server: MariaServer, asked: Sequence[Call]) -> int:
    """The rows that MariaDB reads, by its own count."""
    from rekku.store.drivers.mariadb_link import Link, render

    link = await Link.open(server)
    await link.run([render(("FLUSH STATUS", ()))])
    for call in asked:
        await link.run([render(call)])
    (result,) = await link.run([render(("SHOW SESSION STATUS LIKE 'Handler_read%%'", ()))])
    await link.close()
    return sum(int(value) for _, value in result.rows)


async def test_a_prompt_looks_at_no_more_however_many_entries_there_are(
    database: StoredDatabase, tmp_path: Path, server_for_home: MariaServer | None
) -> None:
    await migrate(database, SCHEMA)
    await fill(database, 0, FEW)
    before = {name: await looked_at(database, who, tmp_path, server_for_home) for name, who in HEARERS.items()}
    await fill(database, FEW, MANY)
    after = {name: await looked_at(database, who, tmp_path, server_for_home) for name, who in HEARERS.items()}

    # A row of the index is read, added up and put in order: dozens of steps of SQLite's machine, two reads of MariaDB.
    a_row = 2 if server_for_home else 40
    most = a_row * (2 * ROWS + FIRST_LOOK * MOST_WORDS + 8 * READ)
    assert max(after.values()) <= most, after
    assert after["who has most of them"] <= 1.2 * before["who has most of them"], (before, after)
    assert after["a stranger"] <= before["a stranger"] + a_row
    assert after["who has little"] < after["who has most of them"] / 2
    assert after["who was seldom in the group"] < after["who has most of them"] / 2


async def test_common_words_hide_nothing_that_an_audience_may_hear(database: StoredDatabase) -> None:
    await migrate(database, SCHEMA)
    await fill(database, 0, 500)
    for name, audience in HEARERS.items():
        found = await recall(database, audience, QUESTION, NOW, most=8, recent=8)
        expected = 0 if name == "a stranger" else min(8, 3 if "seldom" in name else 5 if "little" in name else 8)
        assert len(found.relevant) == expected, name


@pytest.mark.parametrize("said", ["", "?", "the of and", "😀", WORDS[0], " ".join(f"word{n}" for n in range(500))])
async def test_the_newest_are_found_whatever_is_said(database: StoredDatabase, said: str) -> None:
    await migrate(database, SCHEMA)
    await fill(database, 0, 20)
    found = await recall(database, alone("ann"), said, NOW, most=8, recent=8)
    assert len(found.recent) == 8


@pytest.mark.parametrize("far", [0, 1_000])
async def test_a_rare_word_is_found_however_far_back(database: StoredDatabase, far: int) -> None:
    await migrate(database, SCHEMA)
    told = Entry(keeper.new_id(START), START, "Zephyr " + QUESTION, present=("ann",))
    await database.write(*keeper.writes(told))
    await fill(database, 1, far + 1)
    found = await recall(database, alone("ann"), f"zephyr {QUESTION}", NOW, most=8, recent=8)
    assert found.relevant[0].id == told.id
