"""`rekku diary recreate` and the script at the root: they ask, say how many entries go, and offer a backup."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from rekku.plugins import ai_diary
from rekku.scripting import call

ROOT = Path(__file__).resolve().parents[2]


def run(home: Path, *arguments: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the script at the root on a home; with `typed`, on a terminal where that is typed."""
    command = [sys.executable, str(ROOT / "recreate_diary_table.py"), *arguments]
    environ = {"REKKU_HOME": str(home), "PATH": "/usr/bin:/bin", "REKKU_PLUGINS": "ai_diary"}
    keyboard, terminal = os.openpty()
    os.write(keyboard, typed.encode())
    stdin = terminal if typed else subprocess.DEVNULL
    try:
        return subprocess.run(
            command, check=False, env=environ, capture_output=True, text=True, timeout=60, stdin=stdin
        )
    finally:
        os.close(keyboard)
        os.close(terminal)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose diary has one entry, which a script wrote."""
    monkeypatch.setenv("REKKU_PLUGINS", "ai_diary")
    call(lambda: ai_diary.add_diary_entry("The rain stopped."), tmp_path)
    return tmp_path


def contents(home: Path) -> Sequence[str]:
    """What the entries of a home say."""
    return [entry["content"] for entry in call(ai_diary.get_recent_entries, home)]


def test_without_anybody_to_ask_nothing_is_erased(home: Path) -> None:
    done = run(home)
    assert done.returncode == 1
    assert "This erases all 1 entries" in done.stdout
    assert "--yes" in done.stderr
    assert contents(home) == ["The rain stopped."]


def test_with_yes_it_erases_and_the_backup_has_what_was_there(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "kept.zip"
    done = run(home, "--yes", "--backup", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Erased: 1 entries." in done.stdout
    assert file.exists()
    assert contents(home) == []


@pytest.mark.parametrize(
    ("typed", "backups", "left"), [("\nno\n", 0, ["The rain stopped."]), ("no\nyes\n", 0, []), ("yes\nyes\n", 1, [])]
)
def test_on_a_terminal_it_offers_a_backup_and_asks(home: Path, typed: str, backups: int, left: Sequence[str]) -> None:
    done = run(home, typed=typed)
    assert done.returncode == bool(left), done.stderr
    assert "This erases all 1 entries" in done.stdout
    assert len(list(home.glob("*.zip"))) == backups
    assert contents(home) == left
