"""A screen: an interactive bash that a person looks at. Keys go in as they are typed, all that it writes is kept for a
while, so that a page that comes back, or a second one, sees it too.

Whoever reads says how far it has got. What is written runs ahead of the quickest reader by LEAD at most: then the
program waits, as it would for a slow terminal. A screen that nobody reads runs on freely, and only the end is kept.
"""

import asyncio
import contextlib
import fcntl
import os
import pty
import secrets
import struct
import termios
from dataclasses import dataclass
from pathlib import Path

from rekku.plugins._terminal import processes
from rekku.plugins._terminal.modes import Modes, clean_cut
from rekku.plugins._terminal.sandbox import Room

KEPT = 256 * 1024
"""Bytes of what was written that are kept."""
LEAD = KEPT // 2
PATIENCE = 10.0
"""Seconds after which a reader who asks for nothing is taken to be gone."""
AT_ONCE = 64 * 1024
"""Bytes that one reading gives."""
READS_AT_ONCE = 16
MOST_TYPED = 1024 * 1024
"""Bytes of keys that may wait for a program that does not read them."""
LOOK_EVERY = 0.5
"""Seconds between two looks at whether the shell lives: leftovers of it may hold its terminal."""
REPAINT_AFTER = 0.1
"""Seconds that the size is another, so that a program notices and paints its screen anew."""
MOST_COLUMNS, MOST_ROWS = 500, 300

START = r"""
exec {script}<&-
PS1='\[\e[1;36m\]\w\[\e[0m\] \$ '
HISTFILE=~/.bash_history HISTSIZE=2000 HISTCONTROL=ignoreboth
shopt -s checkwinsize histappend
alias ls='ls --color=auto' grep='grep --color=auto'
if [ -r ~/.bashrc ]; then . ~/.bashrc; fi
"""
SHELL, WALL = "bash", "bwrap"
INTERRUPT = b"\x03"


class TooMuchTyped(ValueError):
    """The program does not read what is typed, and no more of it can be kept."""


@dataclass(frozen=True, slots=True)
class Size:
    """Of a terminal, in characters."""

    columns: int
    rows: int

    @staticmethod
    def within(columns: float, rows: float) -> "Size":
        """The size that is nearest to one that is asked for."""
        return Size(max(2, min(MOST_COLUMNS, int(columns))), max(2, min(MOST_ROWS, int(rows))))


@dataclass(frozen=True, slots=True)
class Written:
    """What was written since a position. `anew`: that position is not kept any more, or never was, so `data` is to be
    shown on an empty screen. `at` is the position behind it, `end` the one behind all that there is; `ended` says that
    nothing will come after it."""

    data: bytes
    at: int
    end: int
    anew: bool
    ended: bool


class Screen:
    """A bash with a terminal that is looked at; `number` tells it from others. `kill` it in the end.

    Made on the running loop, in its main thread (the shell dies with the thread that made it). Raises OSError.
    """

    def __init__(self, room: Room, size: Size, number: int = 1) -> None:
        self.number = number
        self._loop = asyncio.get_running_loop()
        self._kept = bytearray()
        self._before = Modes()  # of what is not kept
        self._end = 0
        self._read_to, self._read_at = 0, float("-inf")
        self._typed = bytearray()
        self._full = False
        self._news = asyncio.Event()
        self._burial: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.ended = False
        self.used = self._loop.time()
        self._master, slave = pty.openpty()
        self._name = os.ttyname(slave)
        os.set_blocking(self._master, False)
        self._token = secrets.token_hex(16)
        try:
            self.resize(size)
            self._process = processes.start_bash(room, START, slave, self._token, screen=True)
        except OSError:
            os.close(self._master)
            raise
        finally:
            os.close(slave)
        self._loop.add_reader(self._master, self._take)
        self._look()

    @property
    def stands_at_prompt(self) -> bool:
        """Whether the shell itself has the keyboard, or has ended; not a script or another shell that runs in it."""
        first = self._process.pid
        try:
            return self.ended or os.tcgetpgrp(self._master) in (first, processes.inside_walls(first))
        except OSError:
            return True

    @property
    def running(self) -> str:
        """The name of the program that has the keyboard; the shell's own where that cannot be told."""
        try:
            name = Path(f"/proc/{os.tcgetpgrp(self._master)}/comm").read_text().strip() if not self.ended else ""
        except OSError:
            return SHELL
        return name if name and name != WALL else SHELL

    async def read(self, at: int, wait: float) -> Written:
        """What was written since a position; waits so many seconds for something new."""
        self._note_reader(at)
        if at == self._end and not self.ended:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()
            self._note_reader(at)
        start = self._end - len(self._kept)
        anew = not start <= at <= self._end
        first = self._first_line() if anew else at - start
        data = bytes(self._kept[first : first + AT_ONCE])
        reached = start + first + len(data)
        if anew and start:
            data = self._before.after(self._kept[:first]).written() + data
            self._repaint()
        return Written(data, reached, self._end, anew, self.ended and reached == self._end)

    def type(self, data: bytes) -> None:
        """Press keys. An interrupt goes before the keys that wait, and they are dropped. Raises TooMuchTyped; from then
        on until what waits was read, so that no text is typed with a hole in it."""
        self.used = self._loop.time()
        if self.ended:
            return
        if data == INTERRUPT and self._typed:
            self._drop_typed()
        self._full = self._full or len(self._typed) + len(data) > MOST_TYPED
        if self._full:
            raise TooMuchTyped
        waiting = bool(self._typed)
        self._typed += data
        if not waiting:
            self._give()

    def resize(self, size: Size) -> None:
        """Change the size; the program in front is told."""
        self._size = size
        self._set_size(size)

    async def kill(self) -> None:
        """End it, with everything that it started; when this returns, nothing of it is left."""
        self._stop()
        if self._burial is not None:
            await asyncio.shield(self._burial)

    def _set_size(self, size: Size) -> None:
        if not self.ended:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", size.rows, size.columns, 0, 0))

    def _repaint(self) -> None:
        """A page shows only the end of what a full-screen program wrote: have it paint everything once more."""
        if self._before.after(self._kept).is_alternate:
            self._set_size(Size(self._size.columns, self._size.rows - 1))
            self._loop.call_later(REPAINT_AFTER, lambda: self._set_size(self._size))

    def _note_reader(self, at: int) -> None:
        now = self._loop.time()
        fresh = now - self._read_at <= PATIENCE
        self._read_to = max(self._read_to, min(at, self._end)) if fresh else min(at, self._end)
        self._read_at = self.used = now
        if not self.ended:
            self._loop.add_reader(self._master, self._take)

    def _first_line(self) -> int:
        """Where the kept part can be shown from: if it was cut, behind a line, or else where a sequence begins."""
        if len(self._kept) == self._end:
            return 0
        line = self._kept.find(b"\n", 0, AT_ONCE // 2) + 1
        return line or max(0, self._kept.find(b"\x1b", 0, AT_ONCE // 2))

    def _take(self, *, last: bool = False) -> None:
        for _ in range(READS_AT_ONCE):
            if self._is_far_ahead() and not last:
                self._loop.remove_reader(self._master)  # until it is read, or the reader has gone: see `_look`
                return
            try:
                data = os.read(self._master, AT_ONCE)
            except BlockingIOError:
                return
            except OSError:  # nobody has the other end any more
                data = b""
            if not data:
                self._stop()
                return
            self._kept += data
            self._end += len(data)
            if len(self._kept) > KEPT + AT_ONCE:
                cut = clean_cut(self._kept, len(self._kept) - KEPT)
                self._before.note(self._kept[:cut])
                del self._kept[:cut]
            self._tell()

    def _is_far_ahead(self) -> bool:
        return self._end - self._read_to >= LEAD and self._loop.time() - self._read_at <= PATIENCE

    def _give(self) -> None:
        try:
            while self._typed:
                del self._typed[: os.write(self._master, self._typed)]
        except BlockingIOError:
            self._loop.add_writer(self._master, self._give)
            return
        except OSError:
            self._typed.clear()
        self._full = False
        self._loop.remove_writer(self._master)

    def _drop_typed(self) -> None:
        """The keys that no program has read yet; those that the terminal itself keeps, too."""
        self._typed.clear()
        self._full = False
        with contextlib.suppress(OSError), open(self._name, "rb", 0, opener=_quietly) as own:
            termios.tcflush(own, termios.TCIFLUSH)

    def _look(self) -> None:
        """Now and then: is the shell still there, and does the reader for whom the program waits?"""
        if self._process.poll() is not None:
            self._take(last=True)
            self._stop()
        if self.ended:
            return
        if not self._is_far_ahead():
            self._loop.add_reader(self._master, self._take)
        self._timer = self._loop.call_later(LOOK_EVERY, self._look)

    def _tell(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    def _stop(self) -> None:
        if self._burial is not None:
            return
        self.ended = True
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._master)
        self._loop.remove_writer(self._master)
        self._burial = self._loop.run_in_executor(None, self._bury)
        self._tell()

    def _bury(self) -> None:
        try:
            processes.bury(self._process, self._token)
        finally:
            os.close(self._master)


def _quietly(name: str, flags: int) -> int:
    """Open a terminal without waiting, and without taking it for Rekku's own."""
    return os.open(name, flags | os.O_NOCTTY | os.O_NONBLOCK)
