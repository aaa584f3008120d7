"""The diary in words, for prompts and people: each line of an entry begins with a marker."""

from collections.abc import Mapping, Sequence
from datetime import UTC

from rekku.plugins._ai_diary.entry import Entry, Feeling
from rekku.plugins._ai_diary.ranking import best_sentence
from rekku.plugins._ai_diary.tokens import sentences

LONGEST_PART = 500
"""Characters that one line of an entry may have in a prompt."""

NO_WEIGHTS: Mapping[str, float] = {}
BETWEEN = "\n\n"


def told(
    entry: Entry, *, weights: Mapping[str, float] = NO_WEIGHTS, heard: bool = True, longest: int = LONGEST_PART
) -> str:
    """An entry as text. `weights` say which part of a long text matters; `heard=False` leaves out what was said."""
    lines = [f"Date: {entry.timestamp.astimezone(UTC):%Y-%m-%d %H:%M} UTC"]

    def line(marker: str, text: str) -> None:
        if text:
            lines.append(f"{marker}: {excerpt(text, weights, longest)}")

    line("What happened", entry.interaction_summary)
    if heard:
        line("They said", entry.user_message)
        line("What I said", entry.content)
    line("My thought", entry.personal_thought)
    line("With", ", ".join(entry.involved_users))
    line("Topics", ", ".join(entry.context_tags))
    line("Feelings", listed(entry.emotions))
    line("Platform", entry.interface)
    return "\n".join(lines)


def listed(feelings: Sequence[Feeling]) -> str:
    """Feelings with their intensity."""
    return ", ".join(f"{feeling.type} ({feeling.intensity:g}/10)" for feeling in feelings)


def fitting(texts: Sequence[str], room: int) -> list[int]:
    """Which of these texts, the most important first, fit into so many characters: each whole or not at all."""
    taken = []
    for index, text in enumerate(texts):
        size = len(text) + len(BETWEEN)
        if size <= room:
            taken.append(index)
            room -= size
    return taken


def excerpt(text: str, weights: Mapping[str, float], longest: int) -> str:
    """The part of a text that matters, in whole sentences as far as they fit, on one line."""
    flat = " ".join(text.split())
    if len(flat) <= longest:
        return flat
    parts = sentences(text)
    first = last = best_sentence(parts, weights)
    size = len(parts[first])
    if size > longest:
        return parts[first][: longest - 1].rsplit(" ", 1)[0] + "…"
    while True:
        if last + 1 < len(parts) and size + len(parts[last + 1]) < longest:
            last += 1
            size += len(parts[last]) + 1
        elif first > 0 and size + len(parts[first - 1]) < longest:
            first -= 1
            size += len(parts[first]) + 1
        else:
            break
    return ("… " if first else "") + " ".join(parts[first : last + 1]) + (" …" if last + 1 < len(parts) else "")
