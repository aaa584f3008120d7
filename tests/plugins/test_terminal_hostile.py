"""What must not break the shell: commands that hang, flood, forge, end it, or want out."""

import asyncio
import os
import resource
import sys
from pathlib import Path

import pytest

from rekku.plugins._terminal import processes
from rekku.plugins._terminal.output import KEPT
from rekku.plugins._terminal.sandbox import Room, why_no_sandbox
from rekku.plugins._terminal.shell import LONGEST_COMMAND, CommandImpossible, Ran, Shell, ShellGone, State
from tests.plugins.shells import KINDS, Open, done, linux_only, orphans, running, until

pytestmark = linux_only

MEGABYTES = int(os.environ.get("REKKU_SOAK_MEGABYTES", "50"))


async def test_no_output_can_imitate_the_end_of_a_command(opened: Open) -> None:
    shell = opened()
    await done(shell, "__rekku_nonce=0; unset __rekku_status")
    forged = "printf '0 0\\0' >&250; printf '%032d 7\\0' 0 >&251; printf '%032d 7\\0' 0; sleep 0.05; echo real"
    output, status = await done(shell, forged)
    assert output.endswith("real\n")
    assert status == 0
    assert await done(shell, "ls -1 /proc/self/fd") == ("0\n1\n2\n3\n", 0)


async def test_a_big_output_without_a_newline_takes_no_memory(opened: Open) -> None:
    shell = opened()
    await done(shell, "true")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ran = await shell.run(f"printf start; head -c {MEGABYTES}000000 /dev/zero | tr '\\0' x; printf end", 600)
    assert (ran.state, ran.status) == (State.DONE, 0)
    assert ran.output.startswith("startxxx")
    assert ran.output.endswith("xxxend")
    assert len(ran.output) < 2 * KEPT + 100
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000, "kilobytes"


@pytest.mark.parametrize(
    "command",
    [
        "yes",
        "kill -STOP $$; sleep 100",
        "trap '' TERM INT HUP QUIT; while :; do sleep 100; done",
        "(trap '' TERM; sleep 100) & setsid sleep 100 & wait",
        "while :; do :; done",
        "sleep 100 | sleep 100",
        "stty raw; sleep 100",
    ],
)
async def test_what_takes_too_long_is_killed_with_its_shell_and_all_its_children(opened: Open, command: str) -> None:
    shell = opened()
    await done(shell, "true")
    ran = await shell.run(command, 2.0 if "stty" in command else 0.3)  # a program must have begun, else ^C ends it
    assert ran.state is State.KILLED
    assert shell.gone
    assert not orphans([shell])
    with pytest.raises(ShellGone):
        await shell.run("echo late", 1)


@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 3", 3), ("kill -9 $$", 137), ("exec true", 0), ("set -e; false", 1), ("setsid sleep 100 & exit 4", 4)],
)
async def test_a_command_may_end_its_shell_and_leaves_nothing_behind(opened: Open, command: str, status: int) -> None:
    shell = opened()
    ran = await shell.run(f"echo last words; {command}", 10)
    assert ran == Ran("last words\n", State.ENDED, status)
    assert not orphans([shell])


async def test_what_ignores_an_interrupt_is_killed(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rekku.plugins._terminal.shell.PRESS_AGAIN", 0.05)
    shell = opened()
    assert (await shell.run("trap '' INT; read x; sleep 100", 10)).state is State.WAITING
    waiting = asyncio.ensure_future(shell.go_on(10, "go"))
    await until(lambda: "sleep" in running(shell))
    shell.press_interrupt()
    assert (await waiting).state is State.KILLED
    assert not orphans([shell])


async def test_a_program_that_waits_for_ever_is_killed_in_time(opened: Open) -> None:
    shell = opened()
    assert (await shell.run("cat", 10)).state is State.WAITING
    shell.expire_in(0)
    await until(lambda: shell.gone)
    await shell.kill()
    assert not orphans([shell])


async def test_a_shell_that_is_killed_while_it_starts_leaves_nothing_behind(opened: Open) -> None:
    for number in range(60):
        shell = opened()
        await asyncio.sleep(number % 12 / 2000)  # the walls fork in the first milliseconds
        await shell.kill()
        assert not orphans([shell])


async def test_who_gives_up_waiting_takes_the_shell_along(opened: Open) -> None:
    shell = opened()
    waiting = asyncio.ensure_future(shell.run("sleep 100", 10))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await shell.kill()
    assert not orphans([shell])


@pytest.mark.parametrize("command", ["x" * (LONGEST_COMMAND + 1), "echo a\0b"])
async def test_an_impossible_command_is_refused_and_harms_nothing(opened: Open, command: str) -> None:
    shell = opened()
    with pytest.raises(CommandImpossible, match="at most"):
        await shell.run(command, 1)
    assert await done(shell, "echo " + "x" * (LONGEST_COMMAND - 5)) == ("x" * (LONGEST_COMMAND - 5) + "\n", 0)


async def test_the_environment_is_short_and_has_no_secrets(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    output, _ = await done(opened(), "env; declare -x; cat /proc/$$/environ | tr '\\0' '\\n'")
    assert "sk-secret" not in output
    assert "OPENAI" not in output


@pytest.mark.skipif(bool(why_no_sandbox()), reason=why_no_sandbox())
@pytest.mark.parametrize(
    "command",
    [
        "cat /etc/shadow",
        "touch /usr/x",
        "ls /home /root /var /proc/1/root/home",
        "cat /proc/*/environ | grep -a PYTEST_CURRENT_TEST",
        "echo > /dev/tcp/127.0.0.1/22",
        "cat {home}/secret",
    ],
)
async def test_the_sandbox_holds(tmp_path: Path, command: str) -> None:
    (tmp_path / "secret").write_text("secret")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    shell = Shell(Room(workspace, sandbox=True, network=False))
    try:
        output, status = await done(shell, command.format(home=tmp_path))
        assert status != 0
        assert "secret\n" not in output
        assert await done(shell, "echo mine > file; cat file") == ("mine\n", 0)
    finally:
        await shell.kill()


async def test_hanging_commands_among_many_shells_leave_no_orphan(opened: Open) -> None:
    count = int(os.environ.get("REKKU_SOAK_COMMANDS", "80"))

    async def user(number: int) -> None:
        shell = opened()
        for turn in range(count // 8):
            if turn % 10 == 9:
                assert (await shell.run("sleep 1000 & setsid sleep 1000", 0.05)).state is State.KILLED
                assert not orphans([shell])
                shell = opened()
            else:
                assert await done(shell, f"echo {number} {turn}") == (f"{number} {turn}\n", 0)

    await asyncio.gather(*(user(number) for number in range(8)))


DYING = """
import asyncio, os, pathlib, signal, sys
from rekku.plugins._terminal.sandbox import Room
from rekku.plugins._terminal.shell import Shell

async def main():
    shell = Shell(Room(pathlib.Path(sys.argv[1]), sys.argv[2] == "sandboxed", False))
    await shell.run("sleep 1000 & echo", 10)
    print(shell.pid, shell.token, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", KINDS)
async def test_shells_die_with_a_rekku_that_is_killed(tmp_path: Path, kind: str) -> None:
    arguments = [sys.executable, "-c", DYING, str(tmp_path), kind]
    killed = await asyncio.create_subprocess_exec(*arguments, stdout=asyncio.subprocess.PIPE)
    told, _ = await killed.communicate()
    pid, token = told.decode().split()
    if kind == "sandboxed":
        await until(lambda: not processes.leftovers(int(pid), token))
    else:  # without the sandbox what it has left in the background may live on
        await until(lambda: not Path(f"/proc/{pid}/exe").exists())
        processes.kill_tree(int(pid), token)
