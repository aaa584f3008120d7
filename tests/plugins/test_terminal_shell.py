"""The shell itself: a real bash, on a real terminal, with hostile commands."""

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from rekku.plugins._terminal import processes
from rekku.plugins._terminal.output import KEPT, Output, readable, shortened
from rekku.plugins._terminal.sandbox import Room, why_no_sandbox
from rekku.plugins._terminal.shell import LONGEST_COMMAND, CommandImpossible, Ran, Shell, ShellGone, State

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="these tests look into /proc")

MEGABYTES = int(os.environ.get("REKKU_SOAK_MEGABYTES", "50"))
KINDS = [
    "bare",
    pytest.param("sandboxed", marks=pytest.mark.skipif(bool(why_no_sandbox()), reason=why_no_sandbox())),
]
Open = Callable[[], Shell]


@pytest.fixture(params=KINDS)
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens shells, with and without the sandbox; afterwards nothing of them may be left."""
    room = Room(tmp_path, request.param == "sandboxed", network=False)
    shells: list[Shell] = []

    def open_one() -> Shell:
        shells.append(Shell(room))
        return shells[-1]

    yield open_one
    for shell in shells:
        await shell.kill()
    assert not orphans(shells)


def orphans(shells: list[Shell]) -> list[int]:
    return [pid for shell in shells for pid in processes.leftovers(shell.pid, shell._token)]


async def until(fact: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not fact():  # noqa: ASYNC110 - what is looked at tells nobody
            await asyncio.sleep(0.001)


async def done(shell: Shell, command: str, typed: str | None = None) -> tuple[str, int | None]:
    ran = await shell.run(command, 10, typed)
    assert ran.state is State.DONE
    return ran.output, ran.status


async def test_directory_variables_functions_and_the_last_status_are_kept(opened: Open) -> None:
    shell = opened()
    await done(shell, 'x="a  b"; declare -a list=(1 2 3); f() { echo "<$x>"; }; mkdir -p deep; cd deep')
    assert await done(shell, "f; echo ${list[2]}; basename $PWD") == ("<a  b>\n3\ndeep\n", 0)
    assert await done(shell, "false") == ("", 1)
    assert await done(shell, "echo $?") == ("1\n", 0)
    assert await done(shell, "# nothing but a comment") == ("", 0)


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        ('echo "open', 2, "unexpected EOF"),
        ("for x in", 2, "syntax error"),
        ("cat <<END\nhere\nEND", 0, "here\n"),
        ("cat <<END\nwithout an end", 0, "without an end"),
        ("echo one # comment", 0, "one\n"),
        ("echo no newline &\nwait", 0, "no newline"),
        ("exec no_such_program", 127, "not found"),
        ("no_such_program", 127, "command not found"),
        (": ${unset_name:?is missing}", 1, "is missing"),
    ],
)
async def test_what_is_not_whole_ends_and_the_next_command_is_itself(
    opened: Open, command: str, status: int, words: str
) -> None:
    shell = opened()
    output, ended = await done(shell, command)
    assert words in output
    assert ended == status
    assert await done(shell, "echo next") == ("next\n", 0)


async def test_no_output_can_imitate_the_end_of_a_command(opened: Open) -> None:
    shell = opened()
    await done(shell, "__rekku_nonce=0; unset __rekku_status")
    forged = "printf '0 0\\0' >&250; printf '%032d 7\\0' 0 >&251; printf '%032d 7\\0' 0; sleep 0.05; echo real"
    output, status = await done(shell, forged)
    assert output.endswith("real\n")
    assert status == 0
    assert await done(shell, "ls -1 /proc/self/fd") == ("0\n1\n2\n3\n", 0)


async def test_any_bytes_survive_and_escape_sequences_do_not(opened: Open) -> None:
    shell = opened()
    assert await done(shell, r"printf '\000\377\376ok\n'") == ("��ok\n", 0)
    assert await done(shell, r"printf '\033[31mred\033[0m \033]0;title\007x\b\n'") == ("red x\n", 0)
    assert await done(shell, r"printf '10%%\r50%%\r100%%\r\n'") == ("100%\n", 0)
    output, status = await done(shell, "head -c 100000 /dev/urandom")
    assert status == 0
    assert "\x1b" not in output
    assert await done(shell, "echo still there") == ("still there\n", 0)


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
    ran = await shell.run(command, 0.3)
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


async def test_background_work_goes_on_and_its_output_comes_with_the_next_command(opened: Open) -> None:
    shell = opened()
    output, _ = await done(shell, "(read -t 0.1 < <(sleep 1); echo from behind) & echo at once")
    assert output == "at once\n"
    output, _ = await done(shell, "wait; echo after")
    assert output == "from behind\nafter\n"


async def test_a_program_that_waits_for_input_gets_it(opened: Open) -> None:
    shell = opened()
    assert await done(shell, "read name; echo hi $name", "typed ahead") == ("hi typed ahead\n", 0)
    ran = await shell.run("printf 'Who? '; read name; echo hi $name", 10)
    assert ran == Ran("Who? ", State.WAITING)
    assert await shell.go_on(10, "Ann") == Ran("hi Ann\n", State.DONE, 0)


async def test_a_waiting_program_ends_with_its_input_or_by_an_interrupt(opened: Open) -> None:
    shell = opened()
    await done(shell, "kept=yes")
    assert (await shell.run("cat", 10)).state is State.WAITING
    assert (await shell.go_on(10, "hello")).output == "hello\n"
    assert (await shell.go_on(10, "^D")).state is State.DONE
    assert (await shell.run("cat; echo not reached", 10)).state is State.WAITING
    ran = await shell.interrupt()
    assert (ran.state, ran.status) == (State.DONE, 130)
    assert "not reached" not in ran.output
    assert await done(shell, "echo $kept") == ("yes\n", 0)


async def test_a_program_that_reads_single_keys_is_known_to_wait(opened: Open) -> None:
    shell = opened()
    ran = await shell.run("read -rsn1 -p 'Press a key' key; echo; echo $key", 10)
    assert ran == Ran("Press a key", State.WAITING)
    ran = await shell.go_on(10, "k")
    assert ran.output.strip() == "k"


async def test_an_interrupt_ends_a_loop_and_the_shell_goes_on(opened: Open) -> None:
    shell = opened()
    await done(shell, "kept=yes")
    waiting = asyncio.ensure_future(shell.run("echo begun; while :; do sleep 0.01; done; echo not reached", 10))
    await until(lambda: shell._line._output.total >= len("begun\n"))
    shell.press_interrupt()
    ran = await waiting
    assert (ran.state, ran.status) == (State.DONE, 130)
    assert await done(shell, "echo $kept") == ("yes\n", 0)


async def test_what_ignores_an_interrupt_is_killed(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rekku.plugins._terminal.shell.INTERRUPT_LIMIT", 0.3)
    shell = opened()
    assert (await shell.run("trap '' INT; cat", 10)).state is State.WAITING
    assert (await shell.interrupt()).state in (State.KILLED, State.WAITING)
    await shell.kill()
    assert not orphans([shell])


async def test_a_program_that_waits_for_ever_is_killed_in_time(opened: Open) -> None:
    shell = opened()
    assert (await shell.run("cat", 10)).state is State.WAITING
    shell.expire_in(0)
    await until(lambda: shell.gone)
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


async def test_the_settings_of_the_terminal_are_put_right_after_each_command(opened: Open) -> None:
    shell = opened()
    await done(shell, "stty raw echo opost onlcr; true")
    assert await done(shell, "printf 'a\\nb\\n' | cat -A; read x; echo $x", "typed") == ("a$\nb$\ntyped\n", 0)


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


def test_output_keeps_head_and_tail() -> None:
    output = Output(kept=4)
    for piece in (b"ab", b"cdef", b"", b"ghijklmnop", b"q"):
        output.feed(piece)
    assert output.text() == "abcd\n[… 9 bytes left out …]\nnopq"
    assert output.total == 17


def test_a_small_output_is_whole_even_when_it_fills_both_ends() -> None:
    output = Output(kept=4)
    output.feed("è1è23".encode())
    assert output.text() == "è1è23"


def test_shortened_texts_say_what_is_missing() -> None:
    assert shortened("x" * 10, 10) == "x" * 10
    assert shortened("a" * 50 + "b" * 50, 20) == "a" * 10 + "\n[… 80 characters left out …]\n" + "b" * 10


def test_a_line_that_was_overwritten_is_left_out() -> None:
    assert readable(b"1%\r2%\r3%\nok\r\n") == "3%\nok\n"
