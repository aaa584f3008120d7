"""The lane of one conversation: what waits there, and what of it is answered together."""

from collections import deque

from rekku.chain.turn import OpenTurn
from rekku.store.inbox import Entry


class Lane:
    """One conversation: what waits, and the turn that runs."""

    __slots__ = ("busy", "turn", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Entry] = deque()
        self.turn: OpenTurn | None = None
        self.busy = False

    def drop(self, person_id: str) -> None:
        """Let nothing of a person wait any more."""
        self.waiting = deque(entry for entry in self.waiting if entry.person_id != person_id)


def together(waiting: deque[Entry]) -> list[Entry]:
    """The next entry, and those after it that the same person wrote meanwhile: they are answered together."""
    entries = [waiting.popleft()]
    first = entries[0]
    if first.status != "waiting" or first.tries:
        same_turn = first.turn_id or first.id
        while waiting and waiting[0].turn_id == same_turn:
            entries.append(waiting.popleft())
        return entries
    while waiting and _joins(first, waiting[0]):
        entries.append(waiting.popleft())
    return entries


def _joins(first: Entry, other: Entry) -> bool:
    plain = first.message.errand is None and other.message.errand is None
    fresh = other.status == "waiting" and not other.tries and other.turn_id is None
    return plain and fresh and other.person_id == first.person_id
