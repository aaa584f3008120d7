"""What Rekku says, out of the records: drafts while they grow, each message once when it is finished."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
COMMAND = re.compile(r"/[A-Za-z]\w*(?:@\S+)?(?:\s|$)")
REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Said:
    """One message. `answers` is the id of ours that it belongs to, or ""; `edited` that it was shown before."""

    id: str
    text: str
    answers: str = ""
    edited: bool = False


class Transcript:
    """Messages by their id."""

    def __init__(self) -> None:
        self.drafts: dict[str, Said] = {}
        self._finished: dict[str, Said] = {}

    @property
    def draft(self) -> str:
        """The text that is being written right now."""
        return next(reversed(self.drafts.values())).text if self.drafts else ""

    def take(self, record: Mapping[str, Any]) -> Said | None:
        """Take a record in; the message, if it is finished and was not shown with these words before."""
        match record:
            case {"type": "message" | "edit", "id": str(message_id), "text": str(text)}:
                before = self.drafts.pop(message_id, None) or self._finished.get(message_id)
                answers = str(record.get("for") or (before.answers if before else ""))
                said = Said(message_id, text, answers, message_id in self._finished)
                if record.get("draft"):
                    self.drafts[message_id] = said
                    return None
                return self._finish(said)
            case {"type": "delete", "id": str(message_id)}:
                self.drafts.pop(message_id, None)
        return None

    def _finish(self, said: Said) -> Said | None:
        before = self._finished.pop(said.id, None)
        self._finished[said.id] = said
        if len(self._finished) > REMEMBERED:
            del self._finished[next(iter(self._finished))]
        return None if before is not None and before.text == said.text else said


def printable(text: str) -> str:
    """The text without what would steer a terminal."""
    return CONTROL.sub("", text)


def is_command(line: str) -> bool:
    """Whether it is a slash command (a path like /etc/passwd is none)."""
    return COMMAND.match(line) is not None
