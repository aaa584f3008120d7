"""Whole Rekku through its commands, as processes."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import time
import zipfile

import pytest

from rekku import home as home_folder
from tests.cli.conftest import Shell
from tests.cli.screen import Screen
from tests.cli.test_the_command_line import one_line

DICE = """
class Dice:
    def get_supported_actions(self):
        return {"roll_dice": {"description": "Roll one die.", "required_fields": ["sides"]}}

PLUGIN_CLASS = Dice
"""


def drop_in(rekku: Shell, name: str, text: str, folder: str = "plugins") -> None:
    home_folder.prepare(rekku.home)
    (rekku.home / folder / f"{name}.py").write_text(text)


def test_actions_are_listed_and_told_as_json(rekku: Shell) -> None:
    drop_in(rekku, "dice", DICE)
    done = rekku("actions", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    actions = json.loads(done.stdout)

    assert actions["roll_dice"]["required_fields"] == ["sides"]
    assert "message" in actions
    table = rekku("actions").stdout
    assert "roll_dice" in table
    assert "(sides)" in table


@pytest.mark.parametrize("kind", ["plugin", "engine", "interface"])
def test_what_new_writes_loads(rekku: Shell, kind: str) -> None:
    assert rekku("new", kind, "magic_ball").returncode == 0
    done = rekku("doctor")

    line = next(line for line in done.stdout.splitlines() if line.startswith("magic_ball"))
    assert line.split()[1] == "loaded"
    assert done.returncode == 0, done.stdout


def test_doctor_says_that_a_fresh_home_works(rekku: Shell) -> None:
    done = rekku("doctor")

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    lines = done.stdout.splitlines()
    assert any(line.startswith("cli ") and " loaded " in line for line in lines)
    assert "database  sqlite: works" in lines
    assert "engine    manual: works" in lines


def test_doctor_shows_a_broken_file_with_its_traceback_and_the_others_work(rekku: Shell) -> None:
    drop_in(rekku, "broken", "PLUGIN_CLASS = undefined_name\n")
    drop_in(rekku, "dice", DICE)
    done = rekku("doctor")

    assert done.returncode == 1
    assert done.stderr == ""
    states = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if len(line.split()) > 1}
    assert (states["broken"], states["dice"]) == ("failed", "loaded")
    assert "Traceback" in done.stdout
    assert "undefined_name" in done.stdout


def test_doctor_says_what_an_unconfigured_component_lacks(rekku: Shell) -> None:
    drop_in(
        rekku,
        "oracle",
        "from core.settings import Setting\n"
        "class Oracle:\n    settings = (Setting('ORACLE_KEY', 'The key.', required=True),)\n"
        "PLUGIN_CLASS = Oracle\n",
    )
    done = rekku("doctor")

    line = next(line for line in done.stdout.splitlines() if line.startswith("oracle"))
    assert "unconfigured" in line
    assert "ORACLE_KEY" in line
    assert done.returncode == 0
    assert "ORACLE_KEY" in rekku("config").stdout


def test_doctor_shows_what_a_loaded_component_says_of_itself_though_it_never_started(rekku: Shell) -> None:
    own = "class Own:\n    def health(self):\n        return {}\n\nPLUGIN_CLASS = Own\n"
    drop_in(rekku, "ill", own.format("'the lamp is broken'"))
    drop_in(rekku, "late", own.format("self.made_at_start"))
    done = rekku("doctor")

    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.split()}
    assert lines["ill"].endswith("  the lamp is broken")
    assert lines["late"].endswith("late.py")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", [("run",), ("doctor",), ("chat", "-m", "hello")])
def test_a_setting_that_makes_no_sense_gets_one_line(rekku: Shell, command: tuple[str, ...]) -> None:
    done = rekku(*command, CORRECTOR_RETRIES="many")

    assert (done.returncode, done.stdout) == (1, "")
    assert one_line(done.stderr)
    assert "CORRECTOR_RETRIES" in done.stderr


def test_a_wrong_log_level_gets_one_line(rekku: Shell) -> None:
    done = rekku("run", LOG_LEVEL="loud")
    assert done.returncode == 1
    assert one_line(done.stderr)
    assert "LOG_LEVEL" in done.stderr


def test_a_database_of_a_newer_version_gets_one_line_and_is_left_as_it_is(rekku: Shell) -> None:
    with rekku.running():
        pass
    file = next((rekku.home / "data").glob("*.db"))
    with sqlite3.connect(file) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        steps = next(name for name in tables if "migration" in name or "step" in name)
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({steps})")]
        number = next(c for c in columns if c in ("number", "step", "version"))
        db.execute(f"UPDATE {steps} SET {number} = 1000 WHERE {number} = (SELECT max({number}) FROM {steps})")
    db.close()

    for command in (("run",), ("chat", "-m", "hello")):
        done = rekku(*command)
        assert (done.returncode, done.stdout) == (1, "")
        assert one_line(done.stderr)
        assert "newer" in done.stderr
    assert rekku("doctor").returncode == 1


def test_run_comes_up_with_no_key_says_what_to_do_and_stops_cleanly(rekku: Shell) -> None:
    with subprocess.Popen(
        rekku.command("run"), stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=rekku.environ, text=True
    ) as process:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line == "Rekku is ready.\n":
                break
        assert [line for line in lines if "OPENAI_API_KEY" in line], lines
        assert (rekku.home / "rekku.sock").is_socket()
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate(timeout=20)
    assert process.returncode == 0, rest
    assert "Traceback" not in rest
    assert not (rekku.home / "rekku.sock").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_at_any_moment_ends_it_quietly(rekku: Shell, number: signal.Signals) -> None:
    home_folder.prepare(rekku.home)
    lock = rekku.home / home_folder.LOCK
    for wait in (0.0, 0.1, 0.3, 0.6, 1.0):
        lock.unlink(missing_ok=True)
        with subprocess.Popen(
            rekku.command("run"), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=rekku.environ, text=True
        ) as process:
            while not lock.exists():  # before that it is the interpreter that starts, and nothing of Rekku
                assert process.poll() is None
                time.sleep(0.005)
            time.sleep(wait)  # the moment is what is tested
            process.send_signal(number)
            _, err = process.communicate(timeout=20)
        assert "Traceback" not in err, (wait, err)
        assert process.returncode in (0, 130, -number), (wait, err)


async def test_run_on_a_terminal_opens_the_chat_and_goes_on_without_it(rekku: Shell) -> None:
    screen = Screen(rekku)
    process = await screen.open("run")
    await screen.shows("No language model is set up")
    await screen.shows("> ")
    screen.type("hello\r")
    await screen.shows("model> ")
    screen.type("hi from me\r")
    await screen.shows("Rekku: hi from me")
    await screen.shows("Rekku goes on", keys="\x04")
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(20):
        assert await process.wait() == 0
    assert "Traceback" not in screen.text
    screen.close()


def test_chat_without_a_model_or_a_terminal_keeps_the_message(rekku: Shell) -> None:
    done = rekku("chat", "-m", "hello")

    assert (done.returncode, done.stdout) == (1, "")
    assert one_line(done.stderr)
    assert "the message is kept" in done.stderr


def test_the_kept_message_is_answered_later(rekku: Shell) -> None:
    assert rekku("chat", "-m", "what is the time?").returncode == 1
    done = rekku("chat", given="hello\nhalf past nine\nhello yourself\n")

    assert "half past nine" in done.stdout, done.stderr
    assert "hello yourself" in done.stdout, done.stderr


def test_chat_talks_to_the_rekku_that_runs(rekku: Shell) -> None:
    drop_in(
        rekku,
        "parrot",
        "class Parrot:\n"
        "    async def generate_response(self, messages):\n"
        '        return \'{"actions": [{"type": "message", "payload": {"text": "hi"}}]}\'\n'
        "PLUGIN_CLASS = Parrot\n",
        "llm_engines",
    )
    with rekku.running(ACTIVE_LLM="parrot"):
        done = rekku("chat", "-m", "hello")
        assert (done.returncode, done.stdout, done.stderr) == (0, "hi\n", "")
        assert rekku("run").returncode == 1
    assert rekku("chat", "-m", "hello", ACTIVE_LLM="parrot").stdout == "hi\n"


def test_a_killed_rekku_leaves_a_home_that_starts_again(rekku: Shell) -> None:
    with rekku.running() as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert (rekku.home / "rekku.sock").exists()
    with rekku.running():
        assert (rekku.home / "rekku.sock").is_socket()


def test_a_backup_brings_everything_back(rekku: Shell) -> None:
    drop_in(rekku, "dice", DICE)
    (rekku.home / "persona.md").write_text("You are Ada.")
    (rekku.home / ".env").write_text("CORRECTOR_RETRIES=1\n")
    file = rekku.home.parent / "all.backup"
    with rekku.running():
        done = rekku("backup", str(file))
        assert done.returncode == 0, done.stderr
        refused = rekku("restore", str(file))
        assert refused.returncode == 1
        assert one_line(refused.stderr)

    new = Shell(rekku.home.parent / "new home")
    done = new("restore", str(file))
    assert done.returncode == 0, done.stderr
    assert (new.home / "persona.md").read_text() == "You are Ada."
    assert (new.home / "plugins" / "dice.py").read_text() == DICE
    assert not (new.home / ".env").exists()
    assert "roll_dice" in new("actions").stdout

    assert rekku("backup", str(file)).returncode == 1  # never over something
    assert rekku("backup", "--with-secrets", f"{file}2").returncode == 0
    assert new("restore", f"{file}2").returncode == 0
    assert (new.home / ".env").read_text() == "CORRECTOR_RETRIES=1\n"


def test_restoring_rubbish_changes_nothing(rekku: Shell) -> None:
    home_folder.prepare(rekku.home)
    (rekku.home.parent / "rubbish").write_text("not a backup")
    for file in ("rubbish", "not there"):
        done = rekku("restore", str(rekku.home.parent / file))
        assert done.returncode == 1
        assert one_line(done.stderr)


def test_a_forged_backup_writes_nothing_outside_the_home(rekku: Shell) -> None:
    drop_in(rekku, "dice", DICE)
    file = rekku.home.parent / "all.backup"
    assert rekku("backup", str(file)).returncode == 0
    forged = rekku.home.parent / "forged.backup"
    with zipfile.ZipFile(file) as good, zipfile.ZipFile(forged, "w") as bad:
        for name in good.namelist():
            content = good.read(name).replace(b"plugins/dice.py", b"plugins/../../x.py")
            bad.writestr(name.replace("plugins/dice.py", "plugins/../../x.py"), content)
    done = rekku("restore", str(forged))

    assert done.returncode == 1
    assert one_line(done.stderr)
    assert not (rekku.home.parent / "x.py").exists()
