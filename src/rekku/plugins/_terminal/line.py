"""The terminal line between Rekku and a shell: what it wrote is taken in, what somebody types goes out."""

import asyncio
import contextlib
import fcntl
import os
import pty
import secrets
import struct
import termios
from typing import Any

from rekku.plugins._terminal.output import Output

MARK_LIMIT = 2.0
"""Seconds that the wait for the last of an output may take."""
READS_AT_ONCE = 16
"""How often it reads before others get their turn; one read gives 4 KiB at most."""
LONGEST_INPUT = 4_000
"""Bytes of one line that a terminal takes."""
ROWS, COLUMNS = 40, 120


class Line:
    """Our end of a pseudo terminal. `slave` is the shell's end, to be closed once the shell has it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._master, self.slave = pty.openpty()
        self._own = os.open(os.ttyname(self.slave), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        self._settings = _plain(self.slave)
        self.device = os.fstat(self.slave).st_rdev
        self._output = self._before = Output()
        self._mark = b""
        self._carry = b""
        self._marked = asyncio.Event()
        self.heard = 0.0
        os.set_blocking(self._master, False)
        self._loop.add_reader(self._master, self._read)

    @property
    def raw(self) -> bool:
        """Whether a program has taken the keyboard for itself, key by key."""
        return not termios.tcgetattr(self._own)[3] & termios.ICANON

    def type(self, text: str) -> None:
        """Type a line; `^C`, `^D`, `^[` and their like alone are that one key. What nobody can take is lost."""
        if len(text) == 2 and text[0] == "^" and "@" <= text[1].upper() <= "_":
            data = bytes([ord(text[1].upper()) & 0x1F])
        else:
            ending = "\r" if self.raw else "\n"
            data = (text if text.endswith(("\n", "\r")) else text + ending).encode("utf-8", "replace")
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, data)
        self.heard = self._loop.time()

    def taken(self) -> str:
        """What was written since it was taken last."""
        self._read()
        output, self._output = self._output, Output()
        return output.text()

    async def finish(self) -> str:
        """Everything that was written until now, and the line as a new command should find it."""
        text = await self._drain()
        termios.tcflush(self._own, termios.TCIFLUSH)
        if termios.tcgetattr(self._own) != self._settings:
            termios.tcsetattr(self._own, termios.TCSANOW, self._settings)
        return text

    def hang_up(self) -> None:
        """Stop listening; `close` comes later."""
        self._loop.remove_reader(self._master)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._master)
        os.close(self._own)

    async def _drain(self) -> str:
        """A terminal delivers late, so a mark of our own is written behind the output: with it, all has come."""
        mark, deadline = secrets.token_hex(16).encode(), self._loop.time() + MARK_LIMIT
        while not self._write(mark):  # a background process fills the line
            if self._loop.time() > deadline:
                return self.taken()
            await asyncio.sleep(0.001)
        self._marked.clear()
        self._mark, self._before, self._output = mark, self._output, Output()
        self._read()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MARK_LIMIT):
                await self._marked.wait()
        self._before.feed(self._carry)  # only if the mark never came
        self._mark, self._carry = b"", b""
        return self._before.text()

    def _write(self, mark: bytes) -> bool:
        try:
            return os.write(self._own, mark) == len(mark)
        except BlockingIOError:
            return False

    def _read(self) -> None:
        for _ in range(READS_AT_ONCE):
            try:
                data = os.read(self._master, 65536)
            except OSError:  # nothing more for now
                return
            self.heard = self._loop.time()
            if self._mark:
                self._look_for_mark(data)
            else:
                self._output.feed(data)

    def _look_for_mark(self, data: bytes) -> None:
        window = self._carry + data
        at = window.find(self._mark)
        if at < 0:
            keep = len(self._mark) - 1
            self._before.feed(window[:-keep])
            self._carry = window[-keep:]
            return
        self._before.feed(window[:at])
        self._output.feed(window[at + len(self._mark) :])
        self._mark, self._carry = b"", b""
        self._marked.set()


def _plain(terminal: int) -> list[Any]:
    """Set a terminal so that bytes pass unchanged and nothing is echoed; returns its settings."""
    settings = termios.tcgetattr(terminal)
    settings[0] &= ~(termios.IXON | termios.IXOFF)
    settings[1] &= ~termios.OPOST
    settings[3] &= ~(termios.ECHO | termios.ECHONL | termios.ECHOCTL)
    termios.tcsetattr(terminal, termios.TCSANOW, settings)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    return list(termios.tcgetattr(terminal))
