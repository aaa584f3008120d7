"""Markdown as Telegram shows it: a text, and entities that say which stretch of it looks how.

Offsets and lengths count UTF-16 units (Telegram Bot API, MessageEntity).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LOOKS = {"strong": "bold", "em": "italic", "s": "strikethrough", "heading": "bold", "blockquote": "blockquote"}
BULLET = "• "
LONGEST = 4096
"""UTF-16 units of one message (Bot API, sendMessage)."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the text that looks like `kind`; `language` is that of a block of code."""

    kind: str
    offset: int
    length: int
    language: str = ""


def utf16(text: str) -> int:
    """How long Telegram finds a text."""
    return len(text) + sum(char > "\uffff" for char in text)


def formatted(markdown: str) -> tuple[str, list[Stretch]]:
    """A text without marks, and its stretches."""
    page = _Page()
    page.blocks(_parser().parse(markdown))
    text = page.text.rstrip()
    longest = utf16(text)
    found = [Stretch(s.kind, s.offset, min(s.length, longest - s.offset), s.language) for s in page.stretches]
    return text, [stretch for stretch in found if stretch.length > 0]


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"]).disable(["entity"])


@dataclass(slots=True)
class _Page:
    """What has been written so far."""

    text: str = ""
    stretches: list[Stretch] = field(default_factory=list)
    _length: int = 0
    _open: list[tuple[str, int]] = field(default_factory=list)
    _lists: list[int | None] = field(default_factory=list)
    _links: list[tuple[int, str]] = field(default_factory=list)
    _cells: int = 0

    def blocks(self, tokens: Sequence["Token"]) -> None:
        """Write block after block."""
        for token in tokens:
            name, _, end = token.type.rpartition("_")
            match token.type:
                case "inline":
                    self._inline(token.children or ())
                case "fence" | "code_block":
                    self._apart()
                    self._code(token.content.rstrip("\n"), token.info.strip().split(" ")[0])
                case "hr":
                    self._apart()
                    self._write("———")
                case "bullet_list_open" | "ordered_list_open":
                    self._apart(tight=bool(self._lists))
                    start = token.attrGet("start")
                    self._lists.append(int(start or 1) if name == "ordered_list" else None)
                case "bullet_list_close" | "ordered_list_close":
                    self._lists.pop()
                case "list_item_open":
                    self._item()
                case "paragraph_open" if not token.hidden and not self.text.endswith((BULLET, ". ")):
                    self._apart()
                case "tr_open":
                    self._apart(tight=self._cells > 0)
                    self._cells = 0
                case "th_open" | "td_open":
                    self._write(" | " if self._cells else "")
                    self._cells += 1
                case _ if name in LOOKS and end == "open":
                    self._apart()
                    self._begin(LOOKS[name])
                case _ if name in LOOKS and end == "close":
                    self._end()

    def _inline(self, tokens: Sequence["Token"]) -> None:
        for token in tokens:
            name, _, end = token.type.rpartition("_")
            if token.type in ("text", "html_inline"):
                self._write(token.content)
            elif token.type == "link_open":
                self._links.append((self._length, "" if token.info == "auto" else str(token.attrGet("href"))))
            elif token.type == "link_close":
                self._open_link(*self._links.pop())
            elif token.type == "image":
                self._write(f"{token.content} ({token.attrGet('src')})".strip())
            elif token.type in ("softbreak", "hardbreak"):
                self._write("\n")
            elif token.type == "code_inline":
                self._begin("code")
                self._write(token.content)
                self._end()
            elif name in LOOKS:
                (self._begin(LOOKS[name]) if end == "open" else self._end())

    def _open_link(self, start: int, url: str) -> None:
        """No link hides where it goes: its address stands behind it."""
        label = self.text.encode("utf-16-le")[2 * start :].decode("utf-16-le")
        if url and label not in (url, url.partition("://")[2].rstrip("/")):
            self._write(f" ({url})")

    def _item(self) -> None:
        self._write("" if not self.text or self.text.endswith("\n") else "\n")
        number = self._lists[-1]
        self._write("  " * (len(self._lists) - 1) + (BULLET if number is None else f"{number}. "))
        if number is not None:
            self._lists[-1] = number + 1

    def _code(self, text: str, language: str) -> None:
        start = self._length
        self._write(text)
        self.stretches.append(Stretch("pre", start, self._length - start, language))

    def _apart(self, *, tight: bool = False) -> None:
        """Begin a new paragraph, or with `tight` a new line."""
        wanted = "\n" if tight or self._lists else "\n\n"
        if self.text:
            missing = len(wanted) - (len(self.text) - len(self.text.rstrip("\n")))
            self._write("\n" * max(0, missing))

    def _begin(self, kind: str) -> None:
        self._open.append((kind, self._length))

    def _end(self) -> None:
        kind, start = self._open.pop()
        if kind != "blockquote" or all(other != kind for other, _ in self._open):  # quotes cannot be nested
            self.stretches.append(Stretch(kind, start, self._length - start))

    def _write(self, text: str) -> None:
        self.text += text
        self._length += utf16(text)
