"""Markdown as Discord shows it. It knows nearly all of it; what it lacks is made readable."""

import re

from rekku.core.text import CODE, open_links, outside_code

TABLE_LINE = re.compile(r"^\s*\|?[\s:|-]*-{3}[\s:|-]*\|?\s*$")
DEEP_HEADING = re.compile(r"^#{4,6} +(.+)$", re.MULTILINE)
MASKED = re.compile(r"\](?=\(\s*<?[a-z][a-z0-9+.-]*:)", re.IGNORECASE)
"""What is left of links after `open_links` (an address with parentheses in it): Discord would hide where it goes."""
FENCED = re.compile(r"(?P<fence>`{3,}|~{3,})(?P<code>[\s\S]*?)(?P<end>(?P=fence)|\Z)")
RULE = re.compile(r"^ {0,3}([-*_])(?: *\1){2,} *$", re.MULTILINE)


def for_discord(markdown: str) -> str:
    """The text with tables in fixed width, deep headings in bold, rules as lines, and links that show where they go."""
    blocks = CODE.sub(lambda code: FENCED.sub(_fenced, code[0], count=1), markdown)
    return outside_code(open_links(blocks), _plain)


def _fenced(block: "re.Match[str]") -> str:
    """A code block as Discord knows it: it has only backticks, and one that is not closed is none."""
    fence = block["fence"].replace("~", "`")
    end = fence if block["end"] else f"{'' if block['code'].endswith(chr(10)) else chr(10)}{fence}"
    return f"{fence}{block['code']}{end}"


def _plain(text: str) -> str:
    text = MASKED.sub("] ", text)
    text = DEEP_HEADING.sub(r"**\1**", text)
    lines = text.split("\n")
    found: list[str] = []
    number = 0
    while number < len(lines):
        if "|" in lines[number] and number + 1 < len(lines) and TABLE_LINE.match(lines[number + 1]):
            end = number + 2
            while end < len(lines) and "|" in lines[end]:
                end += 1
            found += _table([lines[number], *lines[number + 2 : end]])
            number = end
        else:
            found.append(RULE.sub("———", lines[number]))
            number += 1
    return "\n".join(found)


def _table(rows: list[str]) -> list[str]:
    cells = [[cell.strip() for cell in row.strip().strip("|").split("|")] for row in rows]
    columns = max(map(len, cells))
    padded = [row + [""] * (columns - len(row)) for row in cells]
    widths = [max(len(row[at]) for row in padded) for at in range(columns)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in padded]
    return ["```", *lines, "```"]
