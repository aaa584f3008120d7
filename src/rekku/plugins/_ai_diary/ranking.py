"""How well an entry answers: BM25 over the whole entry, plus BM25 of its best sentence.

An entry that says a lot is found by the one sentence that matters, which plain BM25 dilutes. Words that stand side by
side count more, and so does what was said around something that answers. Lengths are measured
against fixed typical ones, so that an entry's share of a score can be kept in the index and does not change.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from rekku.plugins._ai_diary.entry import Entry
from rekku.plugins._ai_diary.tokens import sentences, words

K1, B = 1.2, 0.5
TYPICAL_ENTRY, TYPICAL_SENTENCE = 45, 8
"""How many words (function words left out) an ordinary entry and an ordinary sentence have."""

SENTENCE_WEIGHT = 2.0
PAIR_WEIGHT = 0.25
NEIGHBOUR_WEIGHT = 0.2
JUST_AFTER = timedelta(minutes=3)
LONGEST_CJK_WORD = 2
RECENCY_WEIGHT = 0.1
RECENCY_HALVES = timedelta(days=30)
MOST_SENTENCES = 60


def impact(count: int, length: int, typical: int = TYPICAL_ENTRY) -> float:
    """What a word that stands `count` times in a text of `length` words adds to its score, but for its rarity."""
    return count * (K1 + 1) / (count + K1 * (1 - B + B * length / typical))


def rarity(entries: float, having: float) -> float:
    """The inverse document frequency: larger for words that fewer entries have."""
    return math.log(1 + (max(entries, having) - having + 0.5) / (having + 0.5))


def score(text: str, weights: Mapping[str, float], pairs: Collection[tuple[str, str]] = ()) -> float:
    """How well a text answers words of these weights; a little more if two stand side by side as in the question."""
    parts = _parted(text)
    everywhere: list[str] = []
    best = 0.0
    together: set[tuple[str, str]] = set()
    for part in parts:
        hits = [word for word in part if word in weights]
        if hits:
            everywhere += hits
            best = max(best, _worth(hits, weights, len(part), TYPICAL_SENTENCE))
        if pairs and len(hits) > 1:
            together.update(pair for pair in pairwise(part) if pair in pairs)
    whole = _worth(everywhere, weights, sum(map(len, parts)), TYPICAL_ENTRY)
    bonus = sum(weights[one] + weights[other] for one, other in together)
    return whole + SENTENCE_WEIGHT * best + PAIR_WEIGHT * bonus


def pairs_in(text: str, weights: Mapping[str, float]) -> frozenset[tuple[str, str]]:
    """The neighbouring words of a question, in both orders; characters of Chinese and Japanese come in pairs anyway."""
    asked = [word for word in words(text) if len(word) > LONGEST_CJK_WORD and word in weights]
    return frozenset(pair for one, other in pairwise(asked) if one != other for pair in ((one, other), (other, one)))


def with_neighbours(entries: Sequence[Entry], scores: Mapping[int, float]) -> dict[int, float]:
    """Scores that are higher for what was said just before or after something that answers well, in the same chat."""
    in_order = sorted(entries, key=lambda entry: (entry.interface, entry.chat_id, entry.thread_id, entry.timestamp))
    raised = dict(scores)
    for one, other in pairwise(in_order):
        same = (one.interface, one.chat_id, one.thread_id) == (other.interface, other.chat_id, other.thread_id)
        if same and timedelta(0) < other.timestamp - one.timestamp <= JUST_AFTER:
            raised[one.id] = max(raised[one.id], scores[one.id] + NEIGHBOUR_WEIGHT * scores[other.id])
            raised[other.id] = max(raised[other.id], scores[other.id] + NEIGHBOUR_WEIGHT * scores[one.id])
    return raised


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
    distinct = dict.fromkeys(hits)
    if len(distinct) == len(hits):  # nearly always; it is quicker
        return impact(1, length, typical) * sum([weights[word] for word in hits])
    return sum(weights[word] * impact(hits.count(word), length, typical) for word in distinct)
