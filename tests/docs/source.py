"""What the source says: its texts, the operator's errors, the settings, the commands."""

import ast
import functools
import re
from collections.abc import Iterator

from rekku.chain import words
from rekku.core.commands import Command
from rekku.core.settings import Setting
from rekku.house_settings import SETTINGS
from tests.docs.pages import ROOT

SOURCE = ROOT / "src" / "rekku"
OPERATORS = frozenset({"ConfigError"})
_IN_PERSON = re.compile(r"\b(?:I|me|my)\b")


@functools.cache
def _trees() -> tuple[ast.Module, ...]:
    return tuple(ast.parse(file.read_text(encoding="utf-8")) for file in sorted(SOURCE.rglob("*.py")))


@functools.cache
def texts() -> frozenset[str]:
    """Every text of the source, with … where a value goes."""
    return frozenset(text for tree in _trees() for node in ast.walk(tree) if (text := _text(node)))


def says(heading: str) -> bool:
    """Whether a text of the source is what a heading quotes."""
    return any(fits(heading, text) for text in texts())


def fits(heading: str, text: str) -> bool:
    """Whether a heading quotes a text: its parts between … stand in the text, in this order."""
    at = 0
    for part in (part.strip() for part in _plain(heading).split("…")):
        found = _plain(text).find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(_plain(heading).replace("…", "").strip()) >= 8


def operator_messages() -> Iterator[str]:
    """The messages of all errors that the operator has to put right."""
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OPERATORS:
                text = _text(node.args[0]) if node.args else ""
                if len(re.findall(r"[a-z]", text)) >= 8:
                    yield text


def own_words() -> Iterator[str]:
    """What Rekku itself says to people when something went wrong."""
    for name, value in vars(words).items():
        if name.isupper() and isinstance(value, str) and _IN_PERSON.search(value):
            yield re.sub(r"\{\w+\}", "…", value)


def settings() -> set[str]:
    """The names of all settings that are declared in the source."""
    names = {setting.name for setting in SETTINGS}
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == Setting.__name__:
                names |= {str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    return names


def slash_commands() -> set[str]:
    """The names of all slash commands that are declared in the source."""
    calls = (node for tree in _trees() for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    named = (call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == Command.__name__)
    return {str(name.value) for name in named if isinstance(name, ast.Constant)}


def cli_commands() -> set[str]:
    """The commands after `rekku`."""
    return {file.stem for file in (SOURCE / "cli_commands").glob("*.py")}


def _text(node: ast.AST) -> str:
    match node:
        case ast.Constant(value=str(text)):
            return re.sub(r"\{\w*\}", "…", text)
        case ast.JoinedStr(values=values):
            return "".join(_text(v) if isinstance(v, ast.Constant) else "…" for v in values)
    return ""


@functools.cache
def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("`", "").replace("\\", "")).strip()
