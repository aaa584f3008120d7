"""`rekku` from the outside: quick, plain, and never a traceback."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Shell

HEAVY = ("sqlalchemy", "aiohttp", "asyncio", "prompt_toolkit", "dotenv", "orjson", "json_repair", "watchfiles")


def one_line(text: str) -> bool:
    """Whether it is one clear line without a traceback."""
    return text.count("\n") == 1 and "Traceback" not in text and text.rstrip().endswith((".", ")"))


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from rekku.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "doctor" in done.stdout
    assert not set(HEAVY) & set(done.stderr.split())


def test_the_version_is_told(rekku: Shell) -> None:
    assert re.fullmatch(r"rekku \d+\.\d+\.\d+\S*\n", rekku("--version").stdout)


@pytest.mark.parametrize(
    "arguments", [(), ("dance",), ("chat", "-m", " "), ("new", "plugin", "two words"), ("new", "plugin", "class")]
)
def test_wrong_usage_ends_with_2(rekku: Shell, arguments: tuple[str, ...]) -> None:
    done = rekku(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert not rekku.home.exists()


@pytest.mark.parametrize("command", ["run", "chat", "actions", "doctor", "config"])
def test_a_home_that_cannot_be_used_gets_one_line(rekku: Shell, command: str) -> None:
    rekku.home.write_text("this is a file")
    done = rekku(command)
    assert (done.returncode, done.stdout) == (1, "")
    assert one_line(done.stderr)
    assert str(rekku.home) in done.stderr


@pytest.mark.parametrize("kind", ["plugin", "engine", "interface"])
def test_new_writes_a_file_once(rekku: Shell, kind: str) -> None:
    done = rekku("new", kind, "magic_ball")
    assert done.returncode == 0
    file = Path(done.stdout.splitlines()[0])
    compile(file.read_text(), str(file), "exec")

    again = rekku("new", kind, "magic_ball")
    assert again.returncode == 1
    assert one_line(again.stderr)
    assert "there already" in again.stderr


def test_a_reader_that_leaves_is_no_error(rekku: Shell) -> None:
    piped = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m rekku new plugin dice | true"],
        env=rekku.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert piped.stderr == ""


def test_two_cannot_run_in_one_home(rekku: Shell) -> None:
    code = (
        "import sys; from pathlib import Path; from rekku import home\n"
        "home.prepare(Path(sys.argv[1]))\n"
        "with home.lock(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(rekku.home)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        done = rekku("run")
        holder.kill()
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert f"process {holder.pid}" in done.stderr


def test_a_line_of_dot_env_that_makes_no_sense_gets_one_line(rekku: Shell) -> None:
    rekku.home.mkdir()
    (rekku.home / ".env").write_text("OPENAI_API_KEY sk-very-secret\n")
    for command in ("run", "chat", "doctor", "config", "actions"):
        done = rekku(command)
        assert done.returncode == 1
        assert one_line(done.stderr)
        assert "Line 1" in done.stderr
        assert "sk-very-secret" not in done.stderr


def test_an_error_that_nobody_foresaw_gets_one_line_and_a_file(rekku: Shell) -> None:
    code = (
        "import sys; from rekku.cli_commands import new; from rekku.cli import main\n"
        "def broken(arguments): raise LookupError('no key open-sesame')\n"
        "new.run = broken; sys.exit(main(['new', 'plugin', 'dice']))"
    )
    (rekku.home / "data").mkdir(parents=True)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=rekku.environ | {"THE_KEY": "open-sesame"},
        capture_output=True,
        text=True,
        check=False,
    )
    kept = (rekku.home / "data" / "crash.log").read_text()

    assert done.returncode == 1
    assert one_line(done.stderr)
    assert "crash.log" in done.stderr
    assert "Traceback" in kept
    assert "[secret]" in kept
    assert "open-sesame" not in kept
