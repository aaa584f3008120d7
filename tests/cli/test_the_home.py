"""The home folder: made with care, read with sentences, held by one."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from rekku import home as home_folder
from rekku.core.errors import ConfigError


def test_a_new_home_is_the_owner_s_alone_and_has_a_persona(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    home_folder.prepare(home)

    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert sorted(entry.name for entry in home.iterdir()) == [
        "data",
        "files",
        "interface",
        "llm_engines",
        "persona.md",
        "plugins",
    ]
    assert (home / "persona.md").read_text().startswith("# Rekku")


def test_an_own_persona_stays(tmp_path: Path) -> None:
    (tmp_path / "persona.md").write_text("You are Ada.")
    home_folder.prepare(tmp_path)

    assert (tmp_path / "persona.md").read_text() == "You are Ada."


def test_the_home_is_what_was_chosen_then_the_environment_then_the_default(tmp_path: Path) -> None:
    assert home_folder.locate({"REKKU_HOME": "/a"}, "/b") == Path("/b")
    assert home_folder.locate({"REKKU_HOME": "/a"}) == Path("/a")
    assert home_folder.locate({"REKKU_HOME": " "}) == Path.home() / ".rekku"
    assert home_folder.locate({}, "here") == Path.cwd() / "here"


def test_a_home_that_cannot_be_is_refused_with_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/rekku")):
        with pytest.raises(ConfigError, match="REKKU_HOME") as refused:
            home_folder.prepare(home)
        assert str(home) in str(refused.value)


def test_the_environment_stands_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("# mine\nA=1\nB='two words' # why\nexport C=$A\nD=4\n\nE=\n")

    given = home_folder.given(tmp_path, {"A": "0", "D": "", "F": "6"})

    assert given == {"A": "0", "B": "two words", "C": "$A", "D": "4", "E": "", "F": "6"}


def test_without_a_file_only_the_environment_counts(tmp_path: Path) -> None:
    assert home_folder.given(tmp_path, {"A": "1"}) == {"A": "1"}


@pytest.mark.parametrize(("text", "line"), [("A=1\n\n\njust words\n", 4), ("A='open\nB=2\n", 1), ("A=1\nSECRET\n", 2)])
def test_a_line_that_makes_no_sense_is_named_and_not_repeated(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(ConfigError, match=rf"^Line {line} of .*\.env is not NAME=value") as refused:
        home_folder.given(tmp_path, {})
    assert "words" not in str(refused.value)
    assert "SECRET" not in str(refused.value)


def test_a_file_that_is_no_text_is_refused_with_words(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        home_folder.given(tmp_path, {})


def test_a_home_is_held_by_one_process_and_says_by_which(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rekku import home\n"
        "with home.lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ConfigError, match=f"process {holder.pid}"), home_folder.lock(tmp_path):
            pass
        holder.kill()
        holder.wait()

    with home_folder.lock(tmp_path):
        assert int((tmp_path / home_folder.LOCK).read_text()) > 0
