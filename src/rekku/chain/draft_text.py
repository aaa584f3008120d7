"""What a person may see of a reply while the model is still writing it: words only, never JSON, never thinking."""

import re
from collections.abc import Collection

from rekku.chain.draft_envelope import DraftEnvelope
from rekku.chain.reply_text import FIRST_TOKEN, OPEN_THINKING, SPACES
from rekku.core.text import whole_characters

LONGEST_DRAFT = 1_000_000
_LONGEST_TAG = 48
_LONGEST_DOUBT = 200
"""How many characters are held back while it is not clear what they begin; after that nothing more is shown."""

_JSON_LANGUAGE = re.compile(r"(?:json\w{0,10})?\Z", re.IGNORECASE)
_FENCE = re.compile(r"```+[ \t]*([\w+-]*)")
_BACKTICKS = re.compile("`+")
_NOTABLE = re.compile(r"[`{\[<]")
_BEFORE_JSON = "{["
_NEXT = re.compile(r"\s*(.?)", re.DOTALL)
_STOPS = ("<|", "<｜", "</s>", "<tool_call", "<function", "<end_of_turn", "<eos>", "<think", "</think", "[/inst]")
"""What leaks from models behind or between words; never shown."""


class DraftText:
    """Takes a reply piece by piece and gives the text to show so far.

    Shown are plain words up to where an action might begin, or the `text` of the first message to the turn's own
    conversation in a reply that began as JSON. `own_types` are the action types that mean that conversation.
    What was shown stays a prefix of what is shown next. `withdrawn` turns True if the message turned out to go
    elsewhere after its text had been shown (a model that wrote `target` behind `text`).
    """

    def __init__(self, own_types: Collection[str] = ("message",)) -> None:
        self._own_types = frozenset(own_types)
        self._reader: DraftWords | DraftEnvelope | None = None
        self._buffer = ""
        self._thinking_ends: re.Pattern[str] | None = None
        self._over = False
        self._shown = ""
        self._size = 0

    @property
    def withdrawn(self) -> bool:
        """Whether the text that was shown turned out to be meant for another conversation."""
        return isinstance(self._reader, DraftEnvelope) and self._reader.withdrawn

    def feed(self, piece: str) -> str | None:
        """The whole text to show after this piece; None if nothing new is to be shown."""
        self._size += len(piece)
        if self._over or self._size > LONGEST_DRAFT:
            return None
        piece = whole_characters(piece)
        if self._reader is None:
            self._buffer += piece
            self._reader = self._choose()
            if self._reader is None:
                if len(self._buffer) > _LONGEST_DOUBT:
                    self._over = True
                return None
            piece, self._buffer = self._buffer, ""
        text = self._reader.read(piece)
        if text == self._shown or (not self._shown and not text.strip(SPACES)):
            return None
        self._shown = text
        return text

    def _choose(self) -> "DraftWords | DraftEnvelope | None":
        """The reader for this kind of reply; None if more must be seen, or nothing may be shown at all."""
        while self._skip_thinking():
            self._buffer = start = self._buffer.lstrip(SPACES)
            if start[:1] in {"{", "["}:
                return DraftEnvelope(self._own_types)
            if start[:1] == "`":
                return self._choose_by_fence()
            if start[:1] == '"':
                return self._choose_by_quote()
            if start[:1] != "<":
                return DraftWords() if start else None
            if (opened := OPEN_THINKING.match(start)) is None:
                return self._choose_by_tag()
            self._buffer = start[opened.end() :]
            self._thinking_ends = re.compile(f"</{opened[1]}>", re.IGNORECASE)
        return None

    def _skip_thinking(self) -> bool:
        if self._thinking_ends is None:
            return True
        closed = self._thinking_ends.search(self._buffer)
        if closed is None:
            self._buffer = self._buffer[-_LONGEST_TAG:]
            return False
        self._buffer = self._buffer[closed.end() :]
        self._thinking_ends = None
        return True

    def _choose_by_fence(self) -> "DraftWords | DraftEnvelope | None":
        start = self._buffer
        fence = _FENCE.match(start)
        if fence is None:
            return DraftWords() if start.strip("`") else None
        if fence.end() == len(start):
            return None
        if not _JSON_LANGUAGE.match(fence[1]):
            return DraftWords()
        inside = start[fence.end() :].lstrip(SPACES)
        if not inside:
            return None
        self._buffer = inside
        self._over = inside[0] not in "{["
        return DraftEnvelope(self._own_types)

    def _choose_by_quote(self) -> "DraftWords | None":
        following = self._buffer[1:].lstrip(SPACES)[:1]
        self._over = following in {"{", "["}
        return DraftWords() if following and not self._over else None

    def _choose_by_tag(self) -> "DraftWords | None":
        start = self._buffer
        self._over = FIRST_TOKEN.match(start) is not None
        may_be_a_tag = start[1:2] == "" or start[1] in "|｜/" or start[1].isalpha()
        undecided = may_be_a_tag and ">" not in start and len(start) < _LONGEST_TAG
        return None if self._over or undecided else DraftWords()


class DraftWords:
    """Plain words, up to where an action might begin."""

    def __init__(self) -> None:
        self._text = ""
        self._rest = ""
        self._in_fence = False
        self._over = False

    def read(self, piece: str) -> str:
        """The words so far, without trailing spaces."""
        if not self._over:
            self._rest += piece
            safe = self._safe_until()
            self._text += self._rest[:safe]
            self._rest = self._rest[safe:]
        return self._text.rstrip(SPACES)

    def _safe_until(self) -> int:
        at = 0
        while notable := _NOTABLE.search(self._rest, at):
            passed = self._pass(notable.start())
            if passed is None:
                return notable.start()
            at = passed
        return len(self._rest)

    def _pass(self, at: int) -> int | None:
        """Where to go on behind a notable character; None to hold back from there, perhaps for good."""
        match self._rest[at]:
            case "`":
                return self._pass_backticks(at)
            case "{":
                return self._pass_before(at, "\"'“”\\")
            case "[":
                return None if self._stops(at) else self._pass_before(at, "{")
            case _:
                return None if self._stops(at) else at + 1

    def _pass_before(self, at: int, dangerous: str) -> int | None:
        following = _NEXT.match(self._rest, at + 1)
        if following is None or not following[1]:
            self._over = len(self._rest) - at > _LONGEST_DOUBT
            return None
        self._over = following[1] in dangerous
        return None if self._over else at + 1

    def _stops(self, at: int) -> bool:
        seen = self._rest[at : at + 16].lower()
        self._over = seen.startswith(_STOPS)
        return self._over or any(stop.startswith(seen) for stop in _STOPS)

    def _pass_backticks(self, at: int) -> int | None:
        run = _BACKTICKS.match(self._rest, at)
        if run is None or run.end() == len(self._rest):
            self._over = len(self._rest) - at > _LONGEST_DOUBT
            return None
        if len(run[0]) < 3:
            return run.end()
        fence = _FENCE.match(self._rest, at)
        if fence is None or fence.end() == len(self._rest):
            self._over = len(self._rest) - at > _LONGEST_DOUBT
            return None
        is_json = _JSON_LANGUAGE.match(fence[1]) is not None
        if self._in_fence:
            # It may be the first line of another fence, if what looked like code was none.
            if is_json and self._pass_before(fence.end() - 1, _BEFORE_JSON) is None:
                return None
            if is_json and fence[1]:
                self._over = True
                return None
            self._in_fence = False
            return run.end()
        self._over = is_json
        self._in_fence = not self._over
        return None if self._over else fence.end()
