"""Random sequences of commands: the shell says what a real bash says that runs them as one script."""

import asyncio
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rekku.plugins._terminal.output import readable
from rekku.plugins._terminal.sandbox import Room
from rekku.plugins._terminal.shell import Shell, State

SEQUENCES = int(os.environ.get("REKKU_SOAK_SEQUENCES", "60"))
"""How many sequences are tried; `make soak` tries 10,000."""

END = "=== end of a command, by the oracle ==="
Told = list[tuple[str, int]]

names = st.sampled_from(["a", "b", "total", "_x1"])
words = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12).map(shlex.quote)
numbers = st.integers(-5, 300)
octets = st.binary(max_size=20).map(lambda data: "".join(f"\\{byte:03o}" for byte in data))

simple = st.one_of(
    st.builds("{}={}".format, names, words),
    st.builds("export {}={}; env | grep -c '^{}='".format, names, words, names),
    st.builds("declare -i {}={}+1; declare -p {} 2>&1".format, names, numbers, names),
    st.builds("{}+=({} {}); echo ${{#{}[@]}}".format, names, words, words, names),
    st.builds("unset -v {}".format, names),
    st.builds("printf '%s\\n' \"${{{}-none}}\" $?".format, names),
    st.builds("printf '{}'".format, octets),
    st.builds("echo {} >&2".format, words),
    st.builds("f() {{ local {}={}; printf '%s|' \"$@\"; return {}; }}".format, names, words, st.integers(0, 255)),
    st.builds("f {} {}; echo $?".format, words, words),
    st.builds("(exit {})".format, st.integers(0, 255)),
    st.builds("mkdir -p ~/{0}; cd ~/{0}; echo ${{PWD#$HOME}}".format, names),
    st.builds("cd ~; ls -1 {} 2>/dev/null | wc -l".format, words),
    st.builds("printf %s {} >> ~/file; wc -c < ~/file".format, words),
    st.builds("cat <<'END'\n{}\nEND".format, st.sampled_from(["$a `b` \\", "0 0", "'", '"', ""])),
    st.builds("for i in 1 2 3; do ((i == {})) && break; echo $i; done".format, st.integers(0, 4)),
    st.builds("echo {} | tr a-z A-Z | cat".format, words),
    st.builds("x=$(printf %s {}; false); echo $? ${{#x}}".format, words),
    st.builds("(sleep 0; printf %s {}) & wait".format, words),
    st.builds("[[ {} == *a* ]]".format, words),
    st.builds("trap 'echo trapped' USR1; kill -USR1 $BASHPID; trap - USR1".format),
    st.builds("read -r {0} <<< {1}; printf '<%s>' \"${0}\"".format, names, words),
    st.sampled_from(["true", "false", "no_such_command_here", ":", "! true", "shopt -s nullglob; echo *.no"]),
)


@pytest.mark.timeout(120 + SEQUENCES)
@settings(max_examples=SEQUENCES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(st.lists(simple, min_size=1, max_size=12))
def test_the_shell_says_what_a_script_of_the_same_commands_says(commands: list[str]) -> None:
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        assert asyncio.run(_told(Path(ours), commands)) == _oracle(Path(theirs), commands)


async def _told(folder: Path, commands: list[str]) -> Told:
    shell = Shell(Room(folder, sandbox=False, network=False))
    try:
        told = []
        for command in commands:
            ran = await shell.run(command, 20)
            assert ran.state is State.DONE
            told.append((ran.output, ran.status or 0))
        return told
    finally:
        await shell.kill()


def _oracle(folder: Path, commands: list[str]) -> Told:
    script = "".join(f"{command}\n__s=$?; echo '{END}' $__s; (exit $__s)\n" for command in commands)
    file = folder.with_suffix(".script")
    file.write_text(script, encoding="utf-8")
    try:
        done = subprocess.run(
            ["/bin/bash", "--noprofile", "--norc", str(file)],
            cwd=folder,
            env=Room(folder, sandbox=False, network=False).environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=60,
        )
    finally:
        file.unlink()
    told: Told = []
    rest = done.stdout
    for _ in commands:
        output, _, rest = rest.partition(END.encode() + b" ")
        status, _, rest = rest.partition(b"\n")
        told.append((_without_place(readable(output), file), int(status)))
    return told


def _without_place(text: str, file: Path) -> str:
    """Complaints of a script name its file and line; those of the shell its name and the command's line."""
    lines = []
    for line in text.split("\n"):
        if line.startswith(f"{file}: line "):
            line = "bash: " + line.split(": ", 2)[2]
        lines.append(line)
    return "\n".join(lines)
