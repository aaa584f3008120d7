"""Markdown as Matrix shows it: HTML out of a safe subset, beside the plain text."""

from functools import cache
from typing import TYPE_CHECKING

from rekku.core.text import open_links

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def html_of(markdown: str) -> str:
    """The text as HTML; what was HTML in it is shown as it is written."""
    return str(_parser().render(markdown)).strip()


def opened(markdown: str) -> str:
    """The text with links that show where they go."""
    return open_links(markdown)


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["strikethrough", "table"]).disable("image")
