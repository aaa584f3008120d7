"""The pages of the documentation, taken apart into headings and fenced blocks.

A comment directly before a block tells how it is run:

    <!-- file: plugins/dice.py -->     the block is that file of the home, which the page's later blocks find there
    <!-- model: ["hi", "bye"] -->      a model server that gives these replies is there while the block runs
    <!-- deeds: refused done -->       what becomes of the actions of a reply (without it: all are done)
    <!-- status: 1 -->                 the exit status of the block's last command
    <!-- state: unconfigured -->       what becomes of the component (without it: loaded)
    <!-- helper: why -->               a file that is not loaded by itself
    <!-- not run: the reason -->       nobody runs it
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = tuple(sorted((ROOT / "docs").rglob("*.md"))) + tuple(
    ROOT / name for name in ("README.md", "CONTRIBUTING.md", "GOTCHAS.md")
)
LANGUAGES = frozenset({"python", "console", "json", "ini", "mermaid", "text"})

_FENCE = re.compile(r"^\s*```(.*)$")
_DIRECTIVE = re.compile(r"^<!-- ([a-z ]+): (.*) -->$")
_HEADING = re.compile(r"^(#{1,6}) (.+)$")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str
    told: dict[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Where it stands, as an editor wants it."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def file(self) -> str:
        """The file of the home that it is; "" if it is none."""
        return self.told.get("file", "")

    @property
    def replies(self) -> list[str]:
        """What the model server says while it runs."""
        return list(json.loads(self.told.get("model", "[]")))


def blocks(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    told: dict[str, str] = {}
    inside: tuple[int, str] | None = None
    lines: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = _FENCE.match(line)
        if inside is not None:
            if line.strip() == "```":
                yield Block(page, inside[0], inside[1], "\n".join(lines) + "\n", told)
                inside, told, lines = None, {}, []
            else:
                lines.append(line)
        elif fence:
            inside = (number, fence[1].strip())
        elif directive := _DIRECTIVE.match(line):
            told = told | {directive[1]: directive[2]}
        elif line.strip():
            told = {}
    assert inside is None, f"{page}: the block that begins in line {inside} does not end"


def headings(page: Path) -> Iterator[tuple[int, str]]:
    """The headings of a page with their levels; what looks like one inside a block is none."""
    in_block = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            in_block = not in_block
        elif not in_block and (heading := _HEADING.match(line)):
            yield len(heading[1]), heading[2].strip()


def anchor(heading: str) -> str:
    """The name by which a link reaches a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
    return kept.replace(" ", "-")


def prose(page: Path) -> str:
    """The text of a page without its blocks and comments."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)


def quoted(page: Path) -> list[str]:
    """What stands in `backticks` in the text of a page."""
    return re.findall(r"`([^`\n]+)`", prose(page))
