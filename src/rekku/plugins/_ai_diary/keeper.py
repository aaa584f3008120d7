"""Write entries and take them out again, words and counts included."""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from rekku.core.database import Database, Write
from rekku.plugins._ai_diary import tables
from rekku.plugins._ai_diary.audience import scopes_of
from rekku.plugins._ai_diary.entry import Entry, entry_of
from rekku.plugins._ai_diary.ranking import impact
from rekku.plugins._ai_diary.tables import ANY, EVERYTHING, ROWS_AT_ONCE, number_of
from rekku.plugins._ai_diary.tokens import plain, words

ERASED_AT_ONCE = 100
NEWER_THAN_ALL = 2**63 - 1


def new_id(now: datetime) -> int:
    """A number for an entry that belongs to no turn: later is larger, as with turns."""
    return int(now.timestamp() * 1000) << 22 | secrets.randbits(22)


async def write(database: Database, entry: Entry) -> bool:
    """Keep an entry with its words, unless there is one of that number: False then, and nothing changes."""
    if await database.fetch(tables.KNOWN, number=entry.id):
        return False
    await database.write(*_writes(entry))
    return True


async def erase(database: Database, entries: Iterable[Entry]) -> int:
    """Erase entries with everything that leads to them; how many there were."""
    count = 0
    for entry in entries:
        count += (await database.write(*_erasing(entry)))[0]
    return count


async def with_word(database: Database, heading: str, word: str, most: int) -> list[Entry]:
    """The newest entries that have a word under a heading, newest first."""
    rows = await database.fetch(
        tables.ENTRIES_OF_WORD, number=number_of(heading, word), before=NEWER_THAN_ALL, most=most
    )
    return await by_ids(database, [row.entry_id for row in rows])


async def by_ids(database: Database, ids: list[int]) -> list[Entry]:
    """The entries of these numbers, newest first."""
    if not ids:
        return []
    return sorted(
        (entry_of(row) for row in await database.fetch(tables.BY_ID, ids=ids)), key=lambda e: (e.timestamp, e.id)
    )[::-1]


async def forget(database: Database, person_id: str, dry_run: bool) -> int:
    """Erase what arose where a person was present; how many entries that are."""
    mark = person_word(person_id)
    count = int((await database.fetch(tables.COUNT_WORD, number=number_of(EVERYTHING, mark)))[0][0])
    while not dry_run:
        entries = await with_word(database, EVERYTHING, mark, ERASED_AT_ONCE)
        if not entries:
            break
        await erase(database, entries)
    return count


async def hand_over(database: Database, old: str, new: str) -> None:
    """Where the person `old` was present, `new` was: the entries stay what they are otherwise."""
    while entries := await with_word(database, EVERYTHING, person_word(old), ERASED_AT_ONCE):
        for entry in entries:
            present = tuple(dict.fromkeys(new if who == old else who for who in entry.present))
            await database.write(*_erasing(entry), *_writes(replace(entry, present=present)))


def tag_word(tag: str) -> str:
    """What a tag is indexed as."""
    return f"#{plain(tag).strip()}"


def name_word(name: str) -> str:
    """What a name is indexed as."""
    return f"@{plain(name).strip().removeprefix('@')}"


def person_word(person_id: str) -> str:
    return f"person:{person_id}"


def _erasing(entry: Entry) -> Iterator[Write]:
    numbers = sorted({number for number, _ in index_of(entry)})
    yield tables.ERASE(number=entry.id)
    for start in range(0, len(numbers), 500):
        yield tables.ERASE_WORDS(number=entry.id, numbers=numbers[start : start + 500])
    for scope in scopes_of(entry):
        yield tables.COUNT_SCOPE(which=number_of(scope, ANY), more=-1)


def _writes(entry: Entry) -> Iterator[Write]:
    yield tables.ADD(**entry.as_row())
    for scope in scopes_of(entry):
        number = number_of(scope, ANY)
        yield tables.ADD_SCOPE(scope=number, entries=0, first_id=entry.id)
        yield tables.COUNT_SCOPE(which=number, more=1)
    yield from added([(number, entry.id, worth) for number, worth in index_of(entry)])


def added(rows: Sequence[tuple[int, int, int]]) -> Iterator[Write]:
    """The writes that add rows (word, entry, impact) to the index of words; what is there stays."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        some = [*rows[start : start + ROWS_AT_ONCE]]
        some += [some[-1]] * (ROWS_AT_ONCE - len(some))  # a row that is there already changes nothing
        values: dict[str, int] = {}
        for n, (word, number, worth) in enumerate(some):
            values |= {f"word{n}": word, f"entry{n}": number, f"impact{n}": worth}
        yield tables.add_words()(**values)


def index_of(entry: Entry) -> Iterator[tuple[int, int]]:
    """The numbers of the words that lead to an entry, and what each adds to its score, in thousandths."""
    counts = Counter(words(entry.searched))
    length = counts.total()
    worths = {word: round(1000 * impact(count, length)) for word, count in counts.items()}
    for scope in scopes_of(entry):
        yield number_of(scope, ANY), 0
        for word, worth in worths.items():
            yield number_of(scope, word), worth
    for mark in dict.fromkeys(map(tag_word, entry.context_tags)):
        yield number_of(EVERYTHING, mark), 0
    for mark in dict.fromkeys(map(name_word, entry.involved_users)):
        yield number_of(EVERYTHING, mark), 0
    for person in dict.fromkeys(entry.present):
        yield number_of(EVERYTHING, person_word(person)), 0
