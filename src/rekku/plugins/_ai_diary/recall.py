"""Find what an audience may hear: the newest entries, and those that answer a text best, among all that there are."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest

from rekku.core.audience import Audience
from rekku.core.database import Database
from rekku.plugins._ai_diary import tables
from rekku.plugins._ai_diary.audience import headings_for, may_hear
from rekku.plugins._ai_diary.entry import Entry, entry_of
from rekku.plugins._ai_diary.ranking import fresh, rarity, score
from rekku.plugins._ai_diary.tables import ANY, newest_of, number_of
from rekku.plugins._ai_diary.tokens import query_words

MOST_WORDS = 24
"""Words of a text that are searched for."""

FIRST_LOOK = 32
"""Entries that are looked at for each word at first: the newest."""

SECOND_LOOK, LOOKED_AT_AGAIN = 400, 4
"""Entries that are looked at for the rarest of those words that have more, and how many words that are."""

READ = 24
"""Entries that are read whole, to be ranked."""

WORDS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: the best first, the newest first, and the weights of the words."""

    relevant: tuple[Entry, ...]
    recent: tuple[Entry, ...]
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Place:
    """A word under a heading."""

    word: str
    heading: str


async def recall(
    database: Database, audience: Audience, text: str, now: datetime, *, most: int = 10, recent: int = 10
) -> Found:
    """What this audience may hear: at most `most` entries that answer the text, and the `recent` newest."""
    headings = headings_for(audience)
    wanted = query_words(text, MOST_WORDS)
    places = {number_of(h, w): _Place(w, h) for h in headings for w in (ANY, *wanted)}
    rows = await _look(database, list(places), FIRST_LOOK)
    scopes = await database.fetch(tables.SCOPE_ROWS, scopes=[number_of(h, ANY) for h in headings])
    sizes = {places[row.scope].heading: (row.entries, row.first_id) for row in scopes}
    hits = _by_place(rows, places)
    newest = sorted({row.entry_id for place, found in hits.items() if place.word == ANY for row in found}, reverse=True)
    weights = _weights(hits, sizes, wanted)
    cut = [n for n, place in places.items() if place.word != ANY and len(hits.get(place, ())) >= FIRST_LOOK]
    if cut:
        cut.sort(key=lambda n: -weights[places[n].word])
        rows = await _look(database, cut[:LOOKED_AT_AGAIN], SECOND_LOOK)
        hits |= _by_place(rows, places)
    totals: dict[int, float] = defaultdict(float)
    for place, found in hits.items():
        if place.word != ANY:
            for row in found:
                totals[row.entry_id] += weights[place.word] * row.impact
    best = [n for _, n in nlargest(READ, ((worth, n) for n, worth in totals.items()))]
    entries = await _read(database, audience, {*best, *newest[:recent]})
    ranked = sorted(
        ((score(entry.searched, weights) * fresh(entry.timestamp, now), n) for n in best if (entry := entries.get(n))),
        reverse=True,
    )
    relevant = tuple(entries[n] for worth, n in ranked[:most] if worth > 0)
    return Found(relevant, tuple(entries[n] for n in newest[:recent] if n in entries), weights)


async def _look(database: Database, numbers: Sequence[int], most: int) -> list[tables.WordRow]:
    """The newest `most` rows of each word. All at the same time, some in each question: a larger one takes longer to
    be compiled than it saves."""
    asking = []
    for start in range(0, len(numbers), WORDS_AT_ONCE):
        some = numbers[start : start + WORDS_AT_ONCE]
        # Unused places ask for the word 0, which is never written.
        values = {f"word{n}": some[n] if n < len(some) else 0 for n in range(WORDS_AT_ONCE)}
        asking.append(database.fetch(newest_of(WORDS_AT_ONCE), most=most, **values))
    return [row for rows in await asyncio.gather(*asking) for row in rows]


def _by_place(rows: Sequence[tables.WordRow], places: Mapping[int, _Place]) -> dict[_Place, list[tables.WordRow]]:
    found: dict[int, list[tables.WordRow]] = defaultdict(list)
    for row in rows:
        found[row.word].append(row)
    return {places[number]: some for number, some in found.items()}


def _weights(
    hits: Mapping[_Place, Sequence[tables.WordRow]], sizes: Mapping[str, tuple[int, int]], wanted: Sequence[str]
) -> dict[str, float]:
    """How rare each word is among what the audience may hear."""
    entries = sum(count for count, _ in sizes.values())
    having: dict[str, float] = dict.fromkeys(wanted, 0.0)
    for place, rows in hits.items():
        if place.word != ANY:
            having[place.word] += _having(rows, *sizes.get(place.heading, (0, 0)))
    return {word: rarity(entries, count) for word, count in having.items()}


def _having(rows: Sequence[tables.WordRow], entries: int, first_id: int) -> float:
    """How many entries have a word, judged by how far back its newest ones reach."""
    if len(rows) < FIRST_LOOK:
        return len(rows)
    newest, oldest = rows[0].entry_id, rows[-1].entry_id
    share = (newest - oldest) / max(1, newest - first_id)
    return min(max(entries, len(rows)), len(rows) / max(share, 1e-6))


async def _read(database: Database, audience: Audience, numbers: set[int]) -> dict[int, Entry]:
    """The entries of these numbers that the audience may hear. The index only proposes; `may_hear` decides."""
    if not numbers:
        return {}
    entries = (entry_of(row) for row in await database.fetch(tables.BY_ID, ids=sorted(numbers)))
    return {entry.id: entry for entry in entries if may_hear(audience, entry)}
