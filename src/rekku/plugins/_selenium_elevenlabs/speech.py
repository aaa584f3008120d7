"""What comes out of a speech, and what can go wrong with one, in words for the model."""

from dataclasses import dataclass

from rekku.core.errors import ActionError


@dataclass(frozen=True, slots=True)
class Speech:
    """Audio, and how many credits are left of the account (None if it was not said)."""

    data: bytes
    name: str
    mime: str
    credits: int | None = None


class NoSpeechError(ActionError):
    """There is no audio; `screenshot` is what the browser showed, as PNG, for the owner."""

    def __init__(self, problem: str, screenshot: bytes = b"") -> None:
        super().__init__(problem)
        self.screenshot = screenshot
