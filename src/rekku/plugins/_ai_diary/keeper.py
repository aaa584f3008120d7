"""Write entries and take them out again, words and counts included."""

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from rekku.core.database import Database, Write
from rekku.plugins._ai_diary import tables
from rekku.plugins._ai_diary.audience import scopes_of
from rekku.plugins._ai_diary.entry import Entry, entry_of
from rekku.plugins._ai_diary.ranking import impact
from rekku.plugins._ai_diary.tables import (
    ANY,
    EVERYTHING,
    READ_AT_ONCE,
    ROWS_AT_ONCE,
    heading_bits,
    number_of,
    word_bits,
)
from rekku.plugins._ai_diary.tokens import plain, words

AT_ONCE = 100
MOST_ROWS, FEWEST_WORDS = 2_000, 200
"""Rows of the index that an entry may have: many words under one heading, or fewer under each if many were present."""

NEWER_THAN_ALL = 2**63 - 1


def new_id(now: datetime) -> int:
    """A number for an entry that belongs to no turn: later is larger, as with turns."""
    return first_id(now) | secrets.randbits(22)


def first_id(instant: datetime) -> int:
    """The smallest number that an entry of this instant can have, a turn's too."""
    return int(instant.timestamp() * 1000) << 22


async def write(database: Database, entry: Entry) -> bool:
    """Keep an entry with its words, unless there is one of that number: False then, and the entry stays as it is."""
    return (await database.write(*writes(entry)))[0] > 0


async def erase(database: Database, entries: Iterable[Entry]) -> int:
    """Erase entries with everything that leads to them; how many there were."""
    count = 0
    for entry in entries:
        count += (await database.write(*_erasing(entry)))[0]
    return count


async def rewrite(database: Database, old: Entry, new: Entry) -> None:
    """Let an entry say something else, and be found by that."""
    await database.write(*_erasing(old), *writes(new))


async def with_word(database: Database, heading: str, word: str, most: int) -> list[Entry]:
    """The newest entries that have a word under a heading, newest first."""
    rows = await database.fetch(
        tables.ENTRIES_OF_WORD, number=number_of(heading, word), before=NEWER_THAN_ALL, most=most
    )
    return await by_ids(database, [row.entry_id for row in rows])


async def by_ids(database: Database, ids: Sequence[int]) -> list[Entry]:
    """The entries of these numbers, newest first."""
    asking = []
    for start in range(0, len(ids), READ_AT_ONCE):
        some = ids[start : start + READ_AT_ONCE]
        given = {f"id{n}": some[n] if n < len(some) else 0 for n in range(READ_AT_ONCE)}
        asking.append(database.fetch(tables.BY_ID, **given))
    entries = [entry_of(row) for rows in await asyncio.gather(*asking) for row in rows]
    return sorted(entries, key=lambda e: (e.timestamp, e.id), reverse=True)


async def forget(database: Database, person_id: str, dry_run: bool) -> tuple[int, int]:
    """Erase what arose where a person spoke, and forget that the person heard the rest; how many entries these are."""
    spoke, heard = person_word(person_id), listener_word(person_id)
    counts = [await _count(database, mark) for mark in (spoke, heard)]
    if not dry_run:
        async for entry in _having(database, spoke):
            await erase(database, [entry])
        async for entry in _having(database, heard):
            left = tuple(who for who in entry.present if who != person_id)
            await database.write(*_erasing(entry), *writes(replace(entry, present=left)))
    return counts[0], counts[1]


async def hand_over(database: Database, old: str, new: str) -> None:
    """Where the person `old` was present or spoke, `new` did: the entries stay what they are otherwise."""
    for mark in (person_word(old), listener_word(old)):
        async for entry in _having(database, mark):
            present, spoke = (
                tuple(dict.fromkeys(new if who == old else who for who in persons))
                for persons in (entry.present, entry.spoke)
            )
            changed = replace(entry, present=present, speakers=spoke)
            await database.write(*_erasing(entry), *writes(changed))


def tag_word(tag: str) -> str:
    """What a tag is indexed as."""
    return f"#{plain(tag).strip()}"


def name_word(name: str) -> str:
    """What a name is indexed as."""
    return f"@{plain(name).strip().removeprefix('@')}"


def person_word(person_id: str) -> str:
    """What a person who spoke is indexed as."""
    return f"person:{person_id}"


def listener_word(person_id: str) -> str:
    """What a person who was present without speaking is indexed as."""
    return f"listener:{person_id}"


async def _having(database: Database, mark: str) -> AsyncIterator[Entry]:
    """All entries that have a mark, newest first, read some at a time; each may be changed or erased meanwhile."""
    number, before = number_of(EVERYTHING, mark), NEWER_THAN_ALL
    while rows := await database.fetch(tables.ENTRIES_OF_WORD, number=number, before=before, most=AT_ONCE):
        for entry in await by_ids(database, [row.entry_id for row in rows]):
            yield entry
        before = rows[-1].entry_id


async def _count(database: Database, mark: str) -> int:
    return int((await database.fetch(tables.COUNT_WORD, number=number_of(EVERYTHING, mark)))[0][0])


def _erasing(entry: Entry) -> Iterator[Write]:
    numbers = sorted({number for number, _ in index_of(entry)})
    yield tables.ERASE(number=entry.id)
    for start in range(0, len(numbers), 500):
        yield tables.ERASE_WORDS(number=entry.id, numbers=numbers[start : start + 500])
    for scope in scopes_of(entry):
        yield tables.COUNT_SCOPE(which=number_of(scope, ANY), more=-1)


def writes(entry: Entry) -> Iterator[Write]:
    """The writes that keep an entry and bring it into the index."""
    yield tables.ADD(**entry.as_row())
    yield from index_writes(entry)


def index_writes(entry: Entry) -> Iterator[Write]:
    """The writes that bring an entry into the index; what is there stays."""
    for scope in scopes_of(entry):
        number = number_of(scope, ANY)
        yield tables.ADD_SCOPE(scope=number, entries=0, first_id=entry.id)
        yield tables.COUNT_SCOPE(which=number, more=1)
    rows = list(index_of(entry))
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = rows[start : start + ROWS_AT_ONCE]
        values = {"entry": entry.id}
        for n in range(ROWS_AT_ONCE):
            # A row that is there already changes nothing.
            values[f"word{n}"], values[f"impact{n}"] = some[n] if n < len(some) else some[-1]
        yield tables.add_words()(**values)


def index_of(entry: Entry) -> Iterator[tuple[int, int]]:
    """The numbers of the words that lead to an entry, and what each adds to its score, in thousandths."""
    counts = Counter(words(entry.searched))
    length = counts.total()
    scopes = scopes_of(entry)
    most = max(FEWEST_WORDS, MOST_ROWS // max(1, len(scopes)))
    worths = {count: round(1000 * impact(count, length)) for count in set(counts.values())}
    found = [(word_bits(word), worths[count]) for word, count in counts.most_common(most)]
    for scope in scopes:
        bits = heading_bits(scope)
        yield number_of(scope, ANY), 0
        for word, worth in found:
            yield bits | word, worth
    marks = [
        *map(tag_word, entry.context_tags),
        *map(name_word, entry.involved_users),
        *map(person_word, entry.spoke),
        *(listener_word(person) for person in entry.present if person not in entry.spoke),
    ]
    for mark in dict.fromkeys(marks):
        yield number_of(EVERYTHING, mark), 0
