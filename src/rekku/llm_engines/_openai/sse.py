"""Server-sent events out of bytes that come in any pieces, in linear time and bounded memory."""

from collections.abc import Iterator

MAX_EVENT = 2_000_000
MAX_WIRE = 64_000_000


class TooLong(Exception):
    """The server sends more than any reply can need."""


class Events:
    """Feed it bytes; it gives the `data` of each event that is whole. Raises TooLong past the limits, in bytes."""

    def __init__(self, max_event: int = MAX_EVENT, max_wire: int = MAX_WIRE) -> None:
        self._max_event = max_event
        self._room = max_wire
        self._tail = bytearray()
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The events that this piece completes."""
        self._room -= len(piece)
        if self._room < 0:
            raise TooLong
        halved = self._tail.endswith(b"\r")
        self._tail += piece
        if halved or b"\n" in piece or b"\r" in piece:
            for line in self._lines():
                if line:
                    self._field(line)
                elif self._data:
                    yield b"\n".join(self._data)
                    self._data.clear()
                    self._size = 0
        if len(self._tail) + self._size > self._max_event:
            raise TooLong

    def _lines(self) -> list[bytes]:
        """Cut the whole lines off the tail. A `\\r` at its end may be half of a `\\r\\n` and stays."""
        end = max(self._tail.rfind(b"\n"), self._tail.rfind(b"\r", 0, -1)) + 1
        whole = bytes(self._tail[:end])
        del self._tail[:end]
        return whole.splitlines()

    def _field(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            value = line[6:] if line[5:6] == b" " else line[5:]
            if value:
                self._data.append(value)
                self._size += len(value)
                if self._size > self._max_event:
                    raise TooLong
