"""Pictures that people have sent lately, so that one can be posted that came a message or two before."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rekku.core.errors import ActionError
from rekku.core.message import Attachment, Conversation
from rekku.core.turn import Turn

LARGEST = 10_000_000
"""Bytes of a picture that is posted."""
ROOM = 50_000_000
"""Bytes of all pictures that are kept, in memory; the oldest go first."""
KEPT = timedelta(hours=1)

TYPES = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture, and who sent it where."""

    at: datetime
    person_id: str
    chat: Conversation
    file: Attachment


class Pictures:
    """What came with the turns of the last hour. A person finds only their own, and only in the same chat."""

    def __init__(self) -> None:
        self._kept: deque[Kept] = deque()
        self._size = 0

    def keep(self, turn: Turn) -> None:
        """Keep what came with a turn."""
        for message in turn.messages:
            for file in message.attachments:
                if file.kind == "image" and len(file.data) <= LARGEST:
                    self._kept.append(Kept(turn.finished_at, turn.principal.person_id, turn.conversation, file))
                    self._size += len(file.data)
        while self._size > ROOM:
            self._size -= len(self._kept.popleft().file.data)

    def of(self, person_id: str, chat: Conversation, now: datetime) -> list[Attachment]:
        """A person's pictures in a chat, the newest first."""
        while self._kept and now - self._kept[0].at > KEPT:
            self._size -= len(self._kept.popleft().file.data)
        return [kept.file for kept in reversed(self._kept) if (kept.person_id, kept.chat) == (person_id, chat)]

    def forget(self, person_id: str) -> None:
        """Let go of a person's pictures."""
        self._kept = deque(kept for kept in self._kept if kept.person_id != person_id)
        self._size = sum(len(kept.file.data) for kept in self._kept)


def chosen(wanted: str, files: Sequence[Attachment], before: Sequence[Attachment]) -> tuple[str, bytes]:
    """The picture that is meant, of those with the message or else of those `before` it: a name that says what it is,
    and the data. Raises ActionError."""
    images = [file for file in files if file.kind == "image"] or list(before)
    name = wanted.strip().casefold()
    found = next((file for file in (*images, *before) if file.name.casefold() == name), None)
    if found is None and len(images) == 1:
        found = images[0]
    if found is None:
        names = ", ".join(dict.fromkeys(file.name for file in images))
        raise ActionError(
            f"payload.image must be one of {names}" if names else "there is no picture in the message; ask for one"
        )
    if found.mime not in TYPES:
        raise ActionError(f"Reddit takes {', '.join(TYPES.values())} pictures, not {found.mime}")
    if len(found.data) > LARGEST:
        raise ActionError(f"the picture has {len(found.data)} bytes; at most {LARGEST} can be posted")
    return f"picture.{TYPES[found.mime]}", found.data
