"""The processes of a shell: how they are born, whom they wait for, and that none of them is left behind."""

import contextlib
import ctypes
import fcntl
import logging
import os
import platform
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rekku.plugins._terminal.sandbox import Room

log = logging.getLogger(__name__)

PROC = Path("/proc")
TOKEN = "REKKU_SHELL"
"""A variable in the environment of each shell: its value is how leftovers of a shell are known."""
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ROUNDS = 100
BURIAL = 2.0
"""Seconds that a killed shell may take to be gone."""
HEARD = (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
DEAD = ("Z", "X")
"""States of processes that only wait to be taken note of."""
STOPPED = ("T", "t")
"""States of processes that stand still, by a signal or for a tracer."""
HAS_CHILDREN = (PROC / "self" / "task" / str(os.getpid()) / "children").exists()
"""Whether the kernel lists children (most do); else all processes are looked through."""
TTY = os.makedev(5, 0)

READS = {"x86_64": {0, 19}, "aarch64": {63, 65}}.get(platform.machine(), set())
"""System calls that wait for bytes of one descriptor; from Linux' tables of the architecture."""
POLLS = {"x86_64": {7, 23, 232, 270, 271, 281, 441}, "aarch64": {22, 72, 73, 441}}.get(platform.machine(), set())
"""System calls that wait for one of several descriptors."""


def start_bash(
    room: Room, start: str, slave: int, token: str, *, screen: bool = False, descriptors: tuple[int, ...] = ()
) -> "subprocess.Popen[bytes]":
    """Start an interactive bash on a terminal, that begins with the script `start` (in which `{script}` is replaced by
    the descriptor that it is read from). Called on the main thread; raises OSError."""
    script, write_script = os.pipe()
    os.write(write_script, start.replace("{script}", str(script)).encode())
    os.close(write_script)
    editing = [] if screen else ["--noediting"]
    try:
        return subprocess.Popen(
            room.arguments("--noprofile", *editing, "--rcfile", f"/dev/fd/{script}", "-i"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=room.workspace,
            env={**room.environment(os.environ, screen=screen), TOKEN: token},
            start_new_session=True,
            preexec_fn=_at_birth(),  # noqa: PLW1509 - some system calls that take no lock
            pass_fds=(*descriptors, script),
        )
    finally:
        os.close(script)


def bury(shell: "subprocess.Popen[bytes]", token: str) -> None:
    """Kill a shell with everything that it has started, and wait until it is gone. Takes milliseconds: in a thread."""
    kill_tree(shell.pid, token)
    try:
        shell.wait(BURIAL)
    except subprocess.TimeoutExpired:
        log.warning("The shell %d does not die; the system will have to end it.", shell.pid)


def _at_birth() -> Callable[[], None]:
    """What a new shell does before it is executed: take its terminal, hear signals, and die with Rekku.

    Where Rekku was started in the background, interrupts are ignored, and bash would hand that on to all programs.
    Daemons of the shell become its children again (Linux), so that they can be found when it ends.
    """
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def prepare() -> None:
        for number in HEARD:
            signal.signal(number, signal.SIG_DFL)
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    return prepare


def kill_tree(root: int, token: str) -> None:
    """Kill a process that is our child with everything that it has started; takes milliseconds.

    The root is stopped first, so that it starts nothing new, and killed last, so that its descendants are found. If
    it has ended by itself, they are known by their session or by the token in their environment.
    """
    if not PROC.is_dir():  # no Linux: its process group has to do
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(root, signal.SIGKILL)
        return
    ended = _state(root) in (*DEAD, "")
    if not ended:
        _stop(root)
        _kill_all(lambda: descendants(root))
        _signal(root, signal.SIGKILL)
    else:
        _kill_all(lambda: leftovers(root, token))


def _stop(pid: int) -> None:
    """Stop a process, and wait until it stands: one that is in the middle of a fork finishes that first."""
    _signal(pid, signal.SIGSTOP)
    for _ in range(ROUNDS):
        if _state(pid) in (*STOPPED, *DEAD, ""):
            return
        time.sleep(0.001)


def leftovers(session: int, token: str) -> list[int]:
    """What lives of a shell's session or carries its token."""
    mark = f"{TOKEN}={token}".encode()
    return [
        pid
        for pid, fields in _all()
        if fields[0] not in DEAD and (int(fields[3]) == session or mark in _environment(pid))
    ]


def _kill_all(find: Callable[[], list[int]]) -> None:
    for _ in range(ROUNDS):
        living = [pid for pid in find() if _state(pid) not in (*DEAD, "")]
        if not living:
            return
        for pid in living:
            _signal(pid, signal.SIGKILL)
        time.sleep(0.001)


def descendants(root: int) -> list[int]:
    """The processes that descend from one, in no order."""
    found: list[int] = []
    waiting = [root]
    while waiting:
        below = _children(waiting.pop())
        found += below
        waiting += below
    return found


def inside_walls(root: int) -> int:
    """The shell itself, which is the root where there is no sandbox. Raises OSError if it has gone."""
    while _is_wall(root) and (below := _children(root)):
        root = below[0]
    return root


def waits_for_terminal(root: int, device: int, raw: bool) -> bool:
    """Whether a process of the tree waits for somebody to type at the terminal `device`.

    `raw` says that a program has taken the keyboard for itself: then waiting for any descriptor counts, too.
    """
    return any(_waits(pid, device, raw) for pid in (root, *descendants(root)))


def _waits(pid: int, device: int, raw: bool) -> bool:
    try:
        words = (PROC / str(pid) / "syscall").read_text().split()
        number = int(words[0])
        if number in READS:
            return os.stat(PROC / str(pid) / "fd" / str(int(words[1], 16))).st_rdev in (device, TTY)
        return raw and number in POLLS and not _is_wall(pid) and _holds(pid, device)
    except (OSError, ValueError, IndexError):  # it runs, has ended, or may not be looked at
        return False


def _is_wall(pid: int) -> bool:
    """Whether it is a part of the sandbox, which waits for its child only."""
    return (PROC / str(pid) / "comm").read_text() == "bwrap\n"


def _holds(pid: int, device: int) -> bool:
    return any(os.stat(entry).st_rdev == device for entry in (PROC / str(pid) / "fd").iterdir())


def _all() -> Iterator[tuple[int, list[str]]]:
    """Every process with its `_stat`."""
    if not PROC.is_dir():
        return
    for name in os.listdir(PROC):
        if name.isdigit():
            fields = _stat(int(name))
            if fields:
                yield int(name), fields


def _children(pid: int) -> list[int]:
    """The children of a process, as the kernel lists them by its threads."""
    found: list[int] = []
    try:
        for thread in os.listdir(PROC / str(pid) / "task"):
            found += map(int, (PROC / str(pid) / "task" / thread / "children").read_text().split())
    except OSError:
        if not HAS_CHILDREN:
            return [child for child, fields in _all() if int(fields[1]) == pid]
    return found


def _environment(pid: int) -> bytes:
    try:
        return (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return b""


def _state(pid: int) -> str:
    fields = _stat(pid)
    return fields[0] if fields else ""


def _stat(pid: int) -> list[str]:
    """State, parent and so on: proc(5), from the third field; empty if the process has gone."""
    try:
        data = (PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return []
    return data[data.rfind(b")") + 2 :].decode().split()


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
