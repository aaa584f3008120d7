"""What comes out of a speech, and what can go wrong with one, in words for the model."""

from dataclasses import dataclass

from rekku.core.errors import ActionError

LARGEST = 10_000_000
"""Bytes that a recording may have: more than 3,000 characters of MP3 need, and what a MariaDB takes in one row as it is
set by default."""

TOO_LARGE = f"the recording has more than {LARGEST // 1_000_000} MB; speak less at once"


@dataclass(frozen=True, slots=True)
class Speech:
    """Audio, and how many credits are left of the account (None if it was not said)."""

    data: bytes
    name: str
    mime: str
    credits: int | None = None


class NoSpeechError(ActionError):
    """There is no audio. `for_owner` says that the owner has to put it right; `screenshot` is what the browser showed,
    as PNG, for the owner too."""

    def __init__(self, problem: str, screenshot: bytes = b"", *, for_owner: bool = False) -> None:
        super().__init__(problem)
        self.screenshot = screenshot
        self.for_owner = for_owner or bool(screenshot)
