"""What a program has switched in its terminal: the modes that a page must know before it shows only the end of a text.

The numbers are those of xterm's control sequences: DECSET and DECRST, which begin with `ESC [ ?`.
"""

import re

SWITCHES = re.compile(rb"\x1bc|\x1b\[!p|\x1b\[\?([0-9;]{1,40})([hl])")
"""A full reset, a soft one, or modes (separated by semicolons) that are set or reset."""
LONGEST = 48
"""Bytes of one of them."""
ALTERNATE = frozenset({b"47", b"1047", b"1049"})
"""The screen of full-screen programs, which leaves the ordinary one as it was."""
MOUSE = frozenset({b"9", b"1000", b"1002", b"1003", b"1005", b"1006", b"1015"})
OTHERS = frozenset({b"1", b"1004", b"2004"})
"""Cursor keys, focus, pasting in brackets."""
ON_AT_FIRST = frozenset({b"7", b"25"})
"""Wrapping at the edge, a visible cursor."""
KNOWN = ALTERNATE | MOUSE | OTHERS | ON_AT_FIRST


class Modes:
    """The modes after some bytes: those that are not as in a new terminal, in the order in which they were switched."""

    def __init__(self) -> None:
        self._switched: dict[bytes, bytes] = {}

    def note(self, written: bytes | bytearray) -> None:
        """Go on by so many bytes, which end with a whole sequence."""
        for switch in SWITCHES.finditer(written):
            if switch[1] is None:
                self._switched.clear()
                continue
            for mode in switch[1].split(b";"):
                self._switched.pop(mode, None)
                if mode in KNOWN and (switch[2] == b"h") != (mode in ON_AT_FIRST):
                    self._switched[mode] = switch[2]

    def after(self, written: bytes | bytearray) -> "Modes":
        """The modes some bytes later."""
        later = Modes()
        later._switched.update(self._switched)
        later.note(written)
        return later

    @property
    def is_alternate(self) -> bool:
        """Whether a full-screen program has the screen."""
        return not ALTERNATE.isdisjoint(self._switched)

    def written(self) -> bytes:
        """The sequences that bring a new terminal into these modes."""
        return b"".join(b"\x1b[?%s%s" % switched for switched in self._switched.items())


def clean_cut(kept: bytearray, at: int) -> int:
    """Where to cut instead of `at`, so that no sequence is cut in two."""
    begun = kept.rfind(b"\x1b", max(0, at - LONGEST), at)
    switch = SWITCHES.match(kept, begun) if begun >= 0 else None
    return begun if switch and switch.end() > at else at
