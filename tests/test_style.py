"""Habits that a machine can check: short files, docstrings, no stray output, nothing about where it was made."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "rekku"
PAGE = SOURCE / "interface" / "webui" / "static"
MOST_LINES, LONGEST_LINE = 300, 120
SPEAKERS = ("src/rekku/cli.py", "src/rekku/chat/", "src/rekku/cli_commands/", "scripts/", "benchmarks/", "tests/")
"""Who may print."""

LEFT_OUT = {
    ".git",
    ".venv",
    ".hypothesis",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    "__pycache__",
    "dist",
    "build",
}
ENDINGS = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".sh", ".example", ""}
FOREIGN = {
    "a path of somebody's machine": r"(?<![\w.~/])/(?:work|home|root|Users)/[a-z]\w+",
    "a package registry": r"\b(?:[p]ypi\.org|[n]pmjs|[c]rates\.io)\b|\bPy[P]I\b",
    "the number of an issue": r"(?<!\w)(?:issue|ticket|PR) #?\d+|(?<=\s)#\d{1,4}\b(?!\s*[0-9a-f])",
}
PAPERS = {"persona.md"}
"""Names of Markdown files that are not of this repository."""


def files(*folders: str) -> list[Path]:
    """The Python files under some folders."""
    return sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py"))


def texts() -> Iterator[tuple[str, str]]:
    """Every text file of the repository with what is in it."""
    for file in sorted(ROOT.rglob("*")):
        path = file.relative_to(ROOT)
        if file.is_file() and file.suffix in ENDINGS and not LEFT_OUT & set(path.parts):
            yield path.as_posix(), file.read_text(encoding="utf-8", errors="replace")


@pytest.mark.parametrize("folder", ["src", "tests", "scripts", "benchmarks"])
def test_a_file_does_one_thing_in_few_lines(folder: str) -> None:
    long = {str(f.relative_to(ROOT)): n for f in files(folder) if (n := len(f.read_text().splitlines())) > MOST_LINES}
    assert not long, f"more than {MOST_LINES} lines, so perhaps two files: {long}"


def test_the_files_of_the_web_page_are_short_too_and_so_are_their_lines() -> None:
    own = [f for f in sorted(PAGE.rglob("*")) if f.suffix in (".js", ".css") and "vendor" not in f.parts]
    texts = {f.relative_to(PAGE).as_posix(): f.read_text(encoding="utf-8").splitlines() for f in own}
    assert len(texts) > 20
    long = {name: len(lines) for name, lines in texts.items() if len(lines) > MOST_LINES}
    assert not long, f"more than {MOST_LINES} lines, so perhaps two files: {long}"
    wide = [
        f"{name}:{n}" for name, lines in texts.items() for n, line in enumerate(lines, 1) if len(line) > LONGEST_LINE
    ]
    assert not wide, f"more than {LONGEST_LINE} characters: {wide}"


def test_the_first_line_of_a_module_says_what_it_does() -> None:
    mute = [str(f.relative_to(ROOT)) for f in files("src", "scripts", "benchmarks") if not docstring(parsed(f))]
    assert not mute


def test_what_is_public_in_the_contract_is_explained() -> None:
    mute = [
        f"{file.relative_to(ROOT)}:{node.lineno}: {node.name}"
        for file in files("src/rekku/core")
        for node in public(parsed(file))
        if not docstring(node)
    ]
    assert not mute, "\n".join(mute)


def test_only_commands_print() -> None:
    loud = [
        f"{path}:{node.lineno}"
        for file in files("src", "scripts", "benchmarks")
        if not (path := file.relative_to(ROOT).as_posix()).startswith(SPEAKERS)
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not loud


@pytest.mark.parametrize("kind", FOREIGN)
def test_nothing_tells_of_the_place_where_it_was_made(kind: str) -> None:
    found = [
        f"{path}:{text.count(chr(10), 0, m.start()) + 1}: {m[0]}"
        for path, text in texts()
        if path != "tests/test_style.py"
        for m in re.finditer(FOREIGN[kind], text)
    ]
    assert not found, "\n".join(found)


def test_pages_that_are_named_are_in_the_repository() -> None:
    read = {path: text for path, text in texts() if not path.startswith("tests/")}
    there = {Path(path).name for path in read} | PAPERS
    named = {(path, name) for path, text in read.items() for name in re.findall(r"\b[A-Za-z_-]+\.md\b", text)}
    assert not {(path, name) for path, name in named if name not in there}


def parsed(file: Path) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(file.read_text(encoding="utf-8"))


Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def docstring(node: Documented) -> str:
    """Its docstring; "" if it has none."""
    return ast.get_docstring(node) or ""


def public(tree: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """The public functions and classes of a module, and the methods of the classes.

    A method of a class that implements one of its own module's protocols needs no second explanation.
    """
    protocols = {n.name for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and _is_protocol(n)}
    told = {
        m.name
        for n in ast.walk(tree)
        if isinstance(n, ast.ClassDef) and n.name in protocols
        for m in n.body
        if isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        yield node
        if isinstance(node, ast.ClassDef):
            own = (child for child in public(node) if node.name in protocols or child.name not in told)
            yield from (child for child in own if not isinstance(child, ast.ClassDef))


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
