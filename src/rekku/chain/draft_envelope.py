"""Reads JSON as it comes, each character once, to find the text of the first message in it."""

import re
from dataclasses import dataclass

from rekku.chain.asked import TARGET_KEYS

_PLAIN = re.compile(r'[^"\\]*')
_SPACE = re.compile(r"[ \t\r\n]*")
_LITERAL = re.compile(r"[A-Za-z0-9.+-]+")
_LONGEST_LITERAL = 400
_HEX = re.compile(r"[0-9A-Fa-f]{4}")
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ABOVE_AN_ACTION = ((), ("[",), ("{actions", "["))
"""What may stand around an action: nothing, a list, or an envelope and its list."""


class StringReader:
    """The inside of a JSON string, behind its opening quote, in pieces."""

    def __init__(self) -> None:
        self.text = ""
        self.closed = False
        self.broken = False

    def read(self, data: str, at: int) -> int:
        """Where reading stopped: behind the closing quote, before an escape that is not whole yet, or at the end."""
        while True:
            end = self._plain_until(data, at)
            if end == len(data) or self.broken:
                return end
            if data[end] == '"':
                self.closed = True
                return end + 1
            after = self._escape(data, end)
            if after == end:
                return end
            at = after

    def _plain_until(self, data: str, at: int) -> int:
        plain = _PLAIN.match(data, at)
        if plain is None:
            return at
        self.text += plain[0]
        return plain.end()

    def _escape(self, data: str, at: int) -> int:
        """Read one escape; `at` itself if it is not whole yet or broken."""
        kind = data[at + 1 : at + 2]
        if kind == "u":
            return self._unicode(data, at)
        if kind in _ESCAPES:
            self.text += _ESCAPES[kind]
            return at + 2
        self.broken = kind != ""
        return at

    def _unicode(self, data: str, at: int) -> int:
        if len(data) < at + 6:
            return at
        if not _HEX.fullmatch(data, at + 2, at + 6):
            self.broken = True
            return at
        code = int(data[at + 2 : at + 6], 16)
        if 0xD800 <= code < 0xDC00:
            following = data[at + 6 : at + 12]
            if len(following) < 6 and "\\u".startswith(following[:2]):
                return at
            if following[:2] == "\\u" and _HEX.fullmatch(following, 2):
                low = int(following[2:], 16)
                if 0xDC00 <= low < 0xE000:
                    self.text += chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00))
                    return at + 12
        self.text += "\ufffd" if 0xD800 <= code < 0xE000 else chr(code)
        return at + 6


@dataclass(slots=True)
class _Frame:
    """One open object or list. `state` says what may come next: key, colon, value or after (a comma or the end)."""

    bracket: str
    state: str
    key: str = ""
    type: str = ""
    elsewhere: bool = False
    shown: bool = False


class DraftEnvelope:
    """The JSON reader of a draft. What is not JSON ends the draft; the text so far stays."""

    def __init__(self, own_types: frozenset[str]) -> None:
        self.withdrawn = False
        self._own_types = own_types
        self._stack: list[_Frame] = []
        self._string: StringReader | None = None
        self._message: StringReader | None = None
        self._rest = ""
        self._over = False

    def read(self, piece: str) -> str:
        """The text of the message so far."""
        if not self._over:
            data = self._rest + piece
            at, before = 0, -1
            while before < at < len(data) and not self._over:
                before = at
                at = self._step(data, at)
            self._rest = data[at:]
        return "" if self._message is None else self._message.text

    def _step(self, data: str, at: int) -> int:
        """Read on from `at`; `at` itself if what is there is not whole yet."""
        if self._string is not None:
            return self._read_string(self._string, data, at)
        space = _SPACE.match(data, at)
        if space is not None and space.end() > at:
            return space.end()
        match data[at]:
            case '"':
                self._begin_string()
            case "{" | "[" as bracket:
                self._begin_value()
                self._stack.append(_Frame(bracket, "key" if bracket == "{" else "value"))
            case "}" | "]" as bracket:
                self._close(bracket)
            case ":" | "," as mark:
                self._pass_mark(mark)
            case _:
                return self._read_literal(data, at)
        return at + 1

    def _begin_string(self) -> None:
        self._string = StringReader()
        if self._stack and self._stack[-1].state == "key":
            return
        self._begin_value()
        if self._message is None and self._stack and self._is_own_text():
            self._message = self._string
            self._stack[-1].shown = self._stack[-2].shown = True

    def _is_own_text(self) -> bool:
        if len(self._stack) < 2:
            return False
        *above, action, payload = self._stack
        around = tuple(f.bracket + f.key for f in above)
        return (
            (payload.bracket, payload.key) == ("{", "text")
            and (action.bracket, action.key) == ("{", "payload")
            and action.type in self._own_types
            and not payload.elsewhere
            and not action.elsewhere
            and around in _ABOVE_AN_ACTION
        )

    def _read_string(self, string: StringReader, data: str, at: int) -> int:
        at = string.read(data, at)
        self._over = string.broken
        if string.closed:
            self._string = None
            if not self._stack:
                self._over = True
            elif self._stack[-1].state == "key":
                self._stack[-1].key = string.text
                self._stack[-1].state = "colon"
            elif self._stack[-1].key == "type":
                self._stack[-1].type = string.text
        return at

    def _begin_value(self, *, null: bool = False) -> None:
        if not self._stack:
            return
        frame = self._stack[-1]
        self._over = self._over or frame.state != "value"
        frame.state = "after"
        if frame.key in TARGET_KEYS and not null:
            frame.elsewhere = True
            self.withdrawn = self.withdrawn or frame.shown

    def _read_literal(self, data: str, at: int) -> int:
        literal = _LITERAL.match(data, at)
        if literal is None or literal.end() - at > _LONGEST_LITERAL:
            self._over = True
            return at
        if literal.end() == len(data):
            return at
        self._begin_value(null=literal[0] == "null")
        return literal.end()

    def _close(self, bracket: str) -> None:
        frame = self._stack.pop() if self._stack else _Frame("", "")
        fits = frame.bracket + bracket in {"{}", "[]"}
        self._over = not fits or frame.state == "colon" or not self._stack

    def _pass_mark(self, mark: str) -> None:
        frame = self._stack[-1] if self._stack else _Frame("", "")
        if mark == ":":
            self._over = frame.state != "colon"
            frame.state = "value"
        else:
            self._over = frame.state != "after"
            frame.state = "key" if frame.bracket == "{" else "value"
