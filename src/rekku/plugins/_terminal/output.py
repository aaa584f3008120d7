"""What a command wrote: any bytes, however many, kept in bounded memory and made readable."""

import re

KEPT = 256 * 1024
"""Bytes that are kept of the head of an output, and as many of its tail."""

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor movements
    r"|\x1b[\]PX^_][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)"  # OSC, DCS and their like: titles, links
    r"|\x1b[ -/]*[0-~]"  # two-character sequences
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)


class Output:
    """Head and tail of a stream of bytes, in memory that does not grow with it."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next bytes."""
        self.total += len(data)
        room = self._kept - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data[-self._kept :]
        if len(self._tail) > 2 * self._kept:
            del self._tail[: -self._kept]

    def text(self) -> str:
        """All of it as readable text; where something was left out, a line says how many bytes."""
        tail = self._tail[-self._kept :]
        left_out = self.total - len(self._head) - len(tail)
        if not left_out:
            return readable(bytes(self._head) + bytes(tail))
        return f"{readable(bytes(self._head))}\n[… {left_out} bytes left out …]\n{readable(bytes(tail))}"


def readable(data: bytes) -> str:
    """Bytes as text: what is no UTF-8 is replaced, escape sequences and overwritten parts of lines are left out."""
    text = _ESCAPES.sub("", data.decode("utf-8", "replace"))
    if "\r" not in text:
        return text
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def shortened(text: str, most: int) -> str:
    """A text of at most about `most` characters: its beginning and its end."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half} characters left out …]\n{text[-half:]}"
