"""How well an entry answers: BM25 over the whole entry, plus BM25 of its best sentence.

An entry that says a lot is found by the one sentence that matters, which plain BM25 dilutes. Lengths are measured
against fixed typical ones, so that an entry's share of a score can be kept in the index and does not change.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from rekku.plugins._ai_diary.tokens import sentences, words

K1, B = 1.2, 0.5
TYPICAL_ENTRY, TYPICAL_SENTENCE = 45, 8
"""How many words (function words left out) an ordinary entry and an ordinary sentence have."""

SENTENCE_WEIGHT = 2.0
RECENCY_WEIGHT = 0.1
RECENCY_HALVES = timedelta(days=30)
MOST_SENTENCES = 60


def impact(count: int, length: int, typical: int = TYPICAL_ENTRY) -> float:
    """What a word that stands `count` times in a text of `length` words adds to its score, but for its rarity."""
    return count * (K1 + 1) / (count + K1 * (1 - B + B * length / typical))


def rarity(entries: float, having: float) -> float:
    """The inverse document frequency: larger for words that fewer entries have."""
    return math.log(1 + (max(entries, having) - having + 0.5) / (having + 0.5))


def score(text: str, weights: Mapping[str, float]) -> float:
    """How well a text answers words of these weights."""
    parts = _parted(text)
    everywhere: list[str] = []
    best = 0.0
    for part in parts:
        hits = [word for word in part if word in weights]
        if hits:
            everywhere += hits
            best = max(best, _worth(hits, weights, len(part), TYPICAL_SENTENCE))
    return _worth(everywhere, weights, sum(map(len, parts)), TYPICAL_ENTRY) + SENTENCE_WEIGHT * best


def best_sentence(parts: Sequence[str], weights: Mapping[str, float]) -> int:
    """Which of these sentences answers best; the first if none does."""
    return max(range(len(parts)), key=lambda at: _sentence(words(parts[at]), weights), default=0)


def fresh(at: datetime, now: datetime) -> float:
    """A little more for what is recent: enough to decide between equals."""
    age = max(timedelta(0), now - at)
    return float(1 + RECENCY_WEIGHT * 0.5 ** (age / RECENCY_HALVES))


@lru_cache(maxsize=1_000)
def _parted(text: str) -> Sequence[Sequence[str]]:
    """The words of each sentence; kept for the texts that come up again and again."""
    return [words(part) for part in sentences(text)[:MOST_SENTENCES]]


def _sentence(part: Sequence[str], weights: Mapping[str, float]) -> float:
    return _worth([word for word in part if word in weights], weights, len(part), TYPICAL_SENTENCE)


def _worth(hits: Sequence[str], weights: Mapping[str, float], length: int, typical: int) -> float:
    return sum(weights[word] * impact(hits.count(word), length, typical) for word in dict.fromkeys(hits))
