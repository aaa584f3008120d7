"""Texts on their way to a platform: cut into pieces that fit, with links that show where they go."""

import re
import unicodedata
from collections.abc import Callable

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^\n`]*)$", re.MULTILINE)
CODE = re.compile(r"(?P<fence>```+|~~~+)[\s\S]*?(?:(?P=fence)|\Z)|(?<!`)(?P<tick>``?)(?!`)[^`\n]{0,2000}(?P=tick)(?!`)")
LINK = re.compile(r"!?\[(?P<label>[^\[\]\n]{0,500})\]\(\s*<?(?P<url>[^\s()<>]{1,2000})>?(?:\s+[^()\n]{0,200})?\)")
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*://|^mailto:", re.IGNORECASE)

SURROGATE = re.compile("[\ud800-\udfff]")

ENDS = ("\n\n", "\n", ". ", "! ", "? ", "。", "！", "？", "; ", ", ", "、", " ")
"""Where a text is cut, the best place first; what stands here stays with the piece before."""
LEAST = 0.4
"""A piece is at least so full, or a worse place to cut is taken."""

ZWJ = "\N{ZERO WIDTH JOINER}"
SKIN = range(0x1F3FB, 0x1F400)
FLAG = range(0x1F1E6, 0x1F200)
TAG = range(0xE0020, 0xE0080)


def whole_characters(text: str) -> str:
    """The text with each half of a character that lost its other half replaced, so that it can be stored and sent."""
    return text if text.isascii() else SURROGATE.sub("\ufffd", text)


def split_text(text: str, limit: int, measure: Callable[[str], int] = len) -> list[str]:
    """The text in pieces of at most `limit`, as `measure` counts (characters, if it does not say otherwise).

    It is cut between paragraphs, else lines, sentences, words; never within a character that people see as one. A code
    block that does not fit is closed at the end of a piece and opened again in the next. Nothing but white space at
    the cuts is lost. `limit` 0 means no limit.
    """
    if not limit or measure(text) <= limit:
        return [text]
    pieces: list[str] = []
    rest, opening = text, ""
    while rest.strip():
        piece, rest, opening = _next_piece(rest, opening, limit, measure)
        pieces.append(piece)
    return [piece for piece in pieces if piece.strip()] or [text]


def _next_piece(rest: str, opening: str, limit: int, measure: Callable[[str], int]) -> tuple[str, str, str]:
    """The next piece, what is left, and the line that opened the code block that is cut in two ("" if none is)."""
    start = f"{opening}\n" if opening else ""
    if measure(start + rest) <= limit:
        return start + rest, "", ""
    for reserved in (0, measure("\n") + limit // 8):  # the second time with room for the end of a code block
        room = limit - measure(start) - reserved
        if room < limit // 2:  # the fences would leave no room: they are left out
            start, opening, room = "", "", limit
        cut = _cut(rest, _fitting(rest, room, measure), bool(opening))
        piece = start + rest[:cut].rstrip()
        still_open = _open_fence(start + rest[:cut])
        fence = FENCE.match(still_open)
        closed = f"{piece}\n{fence[1]}" if fence else piece
        if not fence or measure(closed) <= limit:
            left = rest[cut:].removeprefix("\n") if still_open else rest[cut:].lstrip("\n ")
            return closed, left, still_open
    return piece, rest[cut:], ""


def open_links(text: str) -> str:
    """The text with `[label](url)` written as `label (url)`, so that no link hides where it goes; not in code."""
    return outside_code(text, lambda part: LINK.sub(_opened, part))


def one_line(text: str, most: int) -> str:
    """The text on one line of at most `most` characters; `…` stands for what is left out."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """The text with `change` made to all of it but code blocks and code in a line."""
    done, at = [], 0
    for code in CODE.finditer(text):
        done += [change(text[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*done, change(text[at:])])


def _opened(link: "re.Match[str]") -> str:
    label, url = link["label"].strip(), link["url"]
    if not label or label in (url, SCHEME.sub("", url).rstrip("/")):
        return url
    return f"{label} ({url})"


def _fitting(text: str, room: int, measure: Callable[[str], int]) -> int:
    """How many characters from the start fit into the room; at least one."""
    low, high = 1, min(len(text), max(1, room))
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle]) <= room:
            low = middle
        else:
            high = middle - 1
    return low


def _cut(text: str, most: int, in_code: bool) -> int:
    """Where to cut a text of which `most` characters fit."""
    if most >= len(text):
        return len(text)
    window = text[:most]
    least = int(most * LEAST)
    fence = None if in_code else _last_opening(window)
    if fence is not None and fence >= least:
        return fence  # the code block goes into the next piece whole
    for end in ("\n",) if in_code or fence is not None else ENDS:
        at = window.rfind(end, least)
        if at > 0:
            return at + len(end)
    for end in ENDS:
        at = window.rfind(end, least)
        if at > 0:
            return at + len(end)
    return _between_characters(text, most)


def _last_opening(text: str) -> int | None:
    """Where the code block begins that is still open at the end of the text."""
    start: int | None = None
    mark = ""
    for fence in FENCE.finditer(text):
        if start is None:
            start, mark = fence.start(), fence[1]
        elif fence[1].startswith(mark) and not fence[2].strip():
            start = None
    return start


def _open_fence(text: str) -> str:
    """The line that opened the code block that is still open at the end of the text; "" if none is."""
    start = _last_opening(text)
    return "" if start is None else text[start:].split("\n", 1)[0]


def _between_characters(text: str, most: int) -> int:
    """The last place at or before `most` that does not part what people see as one character."""
    at = most
    while at > 1 and most - at < 64 and _belong_together(text, at):
        at -= 1
    return most if _belong_together(text, at) else at


def _belong_together(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    code = ord(after)
    if before == ZWJ or after == ZWJ or (before, after) == ("\r", "\n"):
        return True
    if unicodedata.category(after) in ("Mn", "Me", "Mc") or code in SKIN or code in TAG:
        return True
    if code in FLAG and ord(before) in FLAG:
        flags = 0
        while flags < at and ord(text[at - 1 - flags]) in FLAG:
            flags += 1
        return flags % 2 == 1
    return False
