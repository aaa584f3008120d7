"""Markdown as Matrix shows it: HTML out of a safe subset, beside the plain text."""

import json
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def html_of(markdown: str) -> str:
    """The text as HTML; what was HTML in it is shown as it is written, and so is a link that hides where it goes."""
    return str(_parser().render(markdown)).strip()


def weight(text: str) -> int:
    """How many bytes a text takes in an event at most; in an encrypted one, what is not ASCII takes six or twelve."""
    return len(json.dumps(text)) - 2


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["strikethrough", "table"])
    return parser.disable(["image", "link", "reference"])
