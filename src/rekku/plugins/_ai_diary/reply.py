"""The key `diary` of the model's reply: what it is asked for, what of it is good, and the rules where it is silent."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rekku.core.text import one_line
from rekku.plugins._ai_diary.entry import MODEL, RULES, Feeling
from rekku.plugins._ai_diary.feelings import MOST_FEELINGS, STRONGEST, felt_in
from rekku.plugins._ai_diary.tokens import FUNCTION_WORDS, plain, query_words, sentences

LONGEST_THOUGHT, LONGEST_SUMMARY, LONGEST_TAG, MOST_TAGS = 1000, 500, 40, 8
LONGEST_FEELING = 24

SCHEMA = {
    "type": "object",
    "description": "Your diary entry about this exchange, for yourself; write it whenever you say something. "
    "Nobody is told of it now, and you will remember it.",
    "properties": {
        "thought": {"type": "string", "description": "what you privately think of it, one or two sentences"},
        "emotions": {
            "type": "array",
            "description": "what you feel",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "description": "one word, as joy"},
                    "intensity": {"type": "number", "description": "0 to 10"},
                },
                "required": ["type", "intensity"],
                "additionalProperties": False,
            },
        },
        "summary": {"type": "string", "description": "what happened, one sentence with names and facts to remember"},
        "tags": {"type": "array", "items": {"type": "string"}, "description": "one to five topics"},
    },
    "required": ["thought", "emotions", "summary", "tags"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class Reflection:
    """What is noted about an exchange, beside the words that were said."""

    thought: str
    emotions: tuple[Feeling, ...]
    summary: str
    tags: tuple[str, ...]
    written_by: str


def reflection(told: Any, said: str, name: str, *, errand: bool = False) -> Reflection:
    """What the model wrote, as far as it is usable; the rest by rules, from what the person (called `name`) said.

    `errand`: nobody said it; it is what was due, as a reminder.
    """
    told = told if isinstance(told, Mapping) else {}
    thought, summary = _text(told.get("thought"), LONGEST_THOUGHT), _text(told.get("summary"), LONGEST_SUMMARY)
    emotions = feelings(told.get("emotions")) or felt_in(said)
    tags = texts(told.get("tags"), LONGEST_TAG, MOST_TAGS) or _topics(said)
    by = MODEL if thought or summary else RULES
    return Reflection(
        thought or f"{'I kept my word' if errand else _talk(name)}; it left me with {emotions[0].type}.",
        emotions,
        summary or (_text(said, LONGEST_SUMMARY // 2) if errand else _in_short(said, name)),
        tags,
        by,
    )


def feelings(told: Any) -> tuple[Feeling, ...]:
    """Feelings as the model or other code names them; what is not one is left out, what is too strong is weakened."""
    found: dict[str, Feeling] = {}
    for item in told if isinstance(told, Sequence) and not isinstance(told, str) else ():
        kind: Any = None
        if isinstance(item, str):
            kind, strength = item, 5.0
        elif isinstance(item, Mapping) and _is_number(item.get("intensity")):
            kind, strength = item.get("type"), float(item["intensity"])
        else:
            continue
        word = " ".join(_text(kind, LONGEST_FEELING).casefold().split())
        if word and len(found) < MOST_FEELINGS:
            found.setdefault(word, Feeling(word, min(STRONGEST, max(0.0, strength))))
    return tuple(found.values())


def texts(told: Any, longest: int, most: int) -> tuple[str, ...]:
    """Short texts out of a list, each once."""
    if not isinstance(told, Sequence) or isinstance(told, str):
        return ()
    return tuple(dict.fromkeys(text for item in told if (text := _text(item, longest))))[:most]


def _text(told: Any, longest: int) -> str:
    """A text on one line, of at most so many characters; what is no text is none."""
    return one_line(told, longest) if isinstance(told, str) else ""


def _is_number(told: Any) -> bool:
    return isinstance(told, int | float) and not isinstance(told, bool) and math.isfinite(told)


def _talk(name: str) -> str:
    return f"I talked with {name or 'somebody'}"


def _in_short(said: str, name: str) -> str:
    first = next(iter(sentences(said)), "")
    return _text(f"{name or 'Somebody'} wrote: {first}", LONGEST_SUMMARY // 2) if first else ""


def _topics(said: str) -> tuple[str, ...]:
    """The longest words of what was said; of Chinese and Japanese the first pairs."""
    spoken = [w for w in plain(said).split() if w.isalpha() and w.isascii() and w not in FUNCTION_WORDS]
    words = [w for w in spoken if len(w) > 4] or [w for w in query_words(said, 3) if not w.isascii()]
    return tuple(dict.fromkeys(sorted(words, key=len, reverse=True)))[:3]
