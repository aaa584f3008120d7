"""Find what an audience may hear: the newest entries, and those that answer a text best, among all that there are.

However many entries there are, no more rows are looked at: of the index some for each word, the newest first and more
for rarer words; of the entries those that promise most.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rekku.core.audience import Audience
from rekku.core.database import Database
from rekku.plugins._ai_diary import keeper, tables
from rekku.plugins._ai_diary.audience import EVERYBODY, headings_for, may_hear
from rekku.plugins._ai_diary.entry import Entry
from rekku.plugins._ai_diary.ranking import fresh, pairs_in, rarity, score, with_neighbours
from rekku.plugins._ai_diary.tables import ANY, number_of
from rekku.plugins._ai_diary.times import Span, meant
from rekku.plugins._ai_diary.tokens import query_words

MOST_WORDS, SEARCHED_FOR = 48, 24
"""Words of a text that are looked at, and how many of these, the rarest, are searched for."""

FIRST_LOOK = 32
"""Rows of the index that are counted for each word: how far back the newest ones reach says how rare it is."""

ROWS, FEWEST_ROWS = 1_000, 32
"""Rows of the index that are added up for a text: half of what is left for each word, the rarest first, but some."""

WEIGHT_THAT_MATTERS = 1 / 8
"""Words that weigh less, measured by the heaviest, are not looked up; they count when entries are ranked."""

MOST_OF_THEN, OF_THEN = 8, 2.0
"""Entries of a time that a text asks about (yesterday), and how much more they are worth."""

READ = 24
"""Entries that are read whole, to be ranked."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found: the best first, the newest first, and the weights of the words."""

    relevant: tuple[Entry, ...]
    recent: tuple[Entry, ...]
    weights: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Place:
    """A word under a heading: the number of both, and about how many entries have it there."""

    word: str
    number: int
    entries: float


@dataclass(frozen=True, slots=True)
class _Look:
    """What there is under a heading: about how many entries, where the words stand, and the newest entries."""

    entries: int
    places: Sequence[_Place]
    newest: Sequence[int]


async def recall(
    database: Database, audience: Audience, text: str, now: datetime, *, most: int = 10, recent: int = 10
) -> Found:
    """What this audience may hear: at most `most` entries that answer the text, and the `recent` newest."""
    wanted = query_words(text, MOST_WORDS)
    looks = [_look(database, heading, wanted, recent) for heading in (EVERYBODY, *headings_for(audience))]
    span = meant(text, now)
    seen, then = await asyncio.gather(asyncio.gather(*looks), _of_then(database, audience, span))
    places = [place for look in seen for place in look.places]
    newest = sorted({number for look in seen for number in look.newest}, reverse=True)[:recent]
    weights = _weights(places, wanted, sum(look.entries for look in seen))
    best = await _best(database, places, weights)
    # The index only proposes; the rule decides.
    read = await keeper.by_ids(database, list(dict.fromkeys((*best, *newest, *then))))
    entries = {entry.id: entry for entry in read if may_hear(audience, entry)}
    answers = [entries[n] for n in dict.fromkeys((*best, *then)) if n in entries]
    relevant = _ranked(answers, text, weights, now, span)[:most]
    return Found(tuple(relevant), tuple(entries[n] for n in newest if n in entries), weights)


def _ranked(
    entries: Sequence[Entry], text: str, weights: Mapping[str, float], now: datetime, span: Span | None
) -> list[Entry]:
    """Those that answer the text, the best first."""
    pairs = pairs_in(text, weights)
    scores = {entry.id: score(entry.searched, weights, pairs) * fresh(entry.timestamp, now) for entry in entries}
    for entry in entries:
        if span is not None and span[0] <= entry.timestamp < span[1]:
            scores[entry.id] = OF_THEN * (1 + scores[entry.id])
    answers = [entry for entry in entries if scores[entry.id] > 0]
    raised = with_neighbours(answers, scores)
    return sorted(answers, key=lambda entry: (raised[entry.id], entry.id), reverse=True)


async def _of_then(database: Database, audience: Audience, span: Span | None) -> list[int]:
    """Entries of the time that a text asks about, the last of it."""
    if span is None:
        return []
    first, after = (keeper.first_id(instant) for instant in span)
    asking = (
        database.fetch(tables.ENTRIES_OF_WORD, number=number_of(heading, ANY), before=after, most=MOST_OF_THEN)
        for heading in headings_for(audience)
    )
    return [row.entry_id for rows in await asyncio.gather(*asking) for row in rows if row.entry_id >= first]


async def _look(database: Database, heading: str, wanted: Sequence[str], recent: int) -> _Look:
    """What there is under a heading: one question."""
    numbers = [number_of(heading, word) for word in wanted]
    given = {"every": number_of(heading, ANY), "recent": recent}
    if numbers:
        given |= {"most": FIRST_LOOK} | {f"word{n}": number for n, number in enumerate(numbers)}
    rows = await database.fetch(tables.look_of(len(numbers)), **given)
    entries, first_id = next(((row.entries, row.oldest) for row in rows if row.place == tables.SIZE), (0, 0))
    places = [
        _Place(wanted[row.place], numbers[row.place], _having(row, entries, first_id))
        for row in rows
        if row.place >= 0 and row.entries
    ]
    return _Look(entries, places, [row.newest for row in rows if row.place == tables.NEWEST_ENTRY])


def _having(row: Any, entries: int, first_id: int) -> float:
    """How many entries have a word, judged by how far back its newest ones reach."""
    if row.entries < FIRST_LOOK:
        return int(row.entries)
    share: float = (row.newest - row.oldest) / max(1, row.newest - first_id)
    return min(max(entries, FIRST_LOOK), FIRST_LOOK / max(share, 1e-6))


def _weights(places: Sequence[_Place], wanted: Sequence[str], entries: int) -> dict[str, float]:
    """How rare each word is among what the audience may hear."""
    having: dict[str, float] = dict.fromkeys(wanted, 0.0)
    for place in places:
        having[place.word] += place.entries
    return {word: rarity(entries, count) for word, count in having.items()}


async def _best(database: Database, places: Sequence[_Place], weights: Mapping[str, float]) -> list[int]:
    """The entries that promise most: those with the largest sums over the rows that are looked at."""
    heaviest = max((weights[place.word] for place in places), default=0.0)
    looked_up = [place for place in places if weights[place.word] >= heaviest * WEIGHT_THAT_MATTERS]
    looked_up.sort(key=lambda place: -weights[place.word])
    looked_up = looked_up[:SEARCHED_FOR]
    left = ROWS
    given: dict[str, int] = {}
    for n, place in enumerate(looked_up):
        rows = max(FEWEST_ROWS, min(math.ceil(place.entries), left // 2))
        left -= rows
        given |= {f"word{n}": place.number, f"weight{n}": round(100 * weights[place.word]), f"most{n}": rows}
    if not given:
        return []
    return [row.entry_id for row in await database.fetch(tables.best_of(len(looked_up)), best=READ, **given)]
