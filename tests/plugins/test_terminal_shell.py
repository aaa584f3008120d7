"""The shell itself: a real bash on a real terminal."""

import asyncio
import signal

import pytest

from rekku.plugins._terminal.output import Output, readable, shortened
from rekku.plugins._terminal.shell import Ran, State
from tests.plugins.shells import Open, done, linux_only, until

pytestmark = linux_only


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


async def test_any_bytes_survive_and_escape_sequences_do_not(opened: Open) -> None:
    shell = opened()
    assert await done(shell, r"printf '\000\377\376ok\n'") == ("��ok\n", 0)
    assert await done(shell, r"printf '\033[31mred\033[0m \033]0;title\007x\b\n'") == ("red x\n", 0)
    assert await done(shell, r"printf '10%%\r50%%\r100%%\r\n'") == ("100%\n", 0)
    output, status = await done(shell, "head -c 100000 /dev/urandom")
    assert status == 0
    assert "\x1b" not in output
    assert await done(shell, "echo still there") == ("still there\n", 0)


async def test_background_work_goes_on_and_its_output_comes_with_the_next_command(opened: Open) -> None:
    shell = opened()
    output, _ = await done(shell, "mkfifo go; (read < go; echo from behind) & echo at once")
    assert output == "at once\n"
    output, _ = await done(shell, "echo > go; wait; echo after")
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


async def test_an_interrupt_works_where_rekku_itself_was_started_to_ignore_them(opened: Open) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as `nohup rekku run &` in a script does
    try:
        shell = opened()
    finally:
        signal.signal(signal.SIGINT, before)
    waiting = asyncio.ensure_future(shell.run("echo begun; sleep 100", 10))
    await until(lambda: shell._line._output.total >= len("begun\n"))
    shell.press_interrupt()
    assert ((ran := await waiting).state, ran.status) == (State.DONE, 130)


async def test_the_settings_of_the_terminal_are_put_right_after_each_command(opened: Open) -> None:
    shell = opened()
    await done(shell, "stty raw echo opost onlcr; true")
    assert await done(shell, "printf 'a\\nb\\n' | cat -A; read x; echo $x", "typed") == ("a$\nb$\ntyped\n", 0)


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


@pytest.mark.parametrize("name", ["read", "printf", "eval", "set", "exit", "return"])
async def test_a_function_called_like_a_builtin_changes_no_other_command(opened: Open, name: str) -> None:
    shell = opened()
    assert await done(shell, f"{name}() {{ echo mine; }}; echo once") == ("once\n", 0)
    assert await done(shell, "echo twice; false") == ("twice\n", 1)
    assert await done(shell, "echo $?") == ("1\n", 0)
    assert await done(shell, name) == ("mine\n", 0)


@pytest.mark.parametrize("command", ["-1", "--help"])
async def test_a_command_that_begins_with_a_dash_is_a_command(opened: Open, command: str) -> None:
    assert await done(opened(), command) == (f"bash: {command}: command not found\n", 127)
