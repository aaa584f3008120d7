"""One bash that lasts: commands go in by one descriptor, their end comes back on another, talk goes over a terminal.

The command's text and, after it, a fresh nonce are written to a pipe. Bash reads the text, executes it, and only then
reads the nonce, which it sends back with the exit status over a second pipe. While a command runs it has neither pipe,
and the nonce is still unread, so nothing that it prints or does can imitate its end. Bash is interactive, because an
interactive bash goes on living after an interrupt; the prompt is where it is given its next command.
"""

import asyncio
import contextlib
import os
import secrets
from dataclasses import dataclass
from enum import StrEnum

from rekku.plugins._terminal import processes
from rekku.plugins._terminal.line import Line
from rekku.plugins._terminal.sandbox import Room

TICK = 0.25
"""Seconds between two looks at a silent command: whether its shell lives, whether it waits for input."""
PRESSES = 6
PRESS_AGAIN = 0.5
"""How often an interrupt is pressed, and the seconds between; after that the shell is killed."""
LONGEST_COMMAND = 32_000
"""Bytes of a command: it must fit into a pipe (64 KiB on Linux) at once, for nobody waits there."""

_TELL = (
    "__rekku_busy=; IFS= builtin read -r -d '' -u 250 __rekku_nonce "
    '&& builtin printf \'%s %d\\0\' "$__rekku_nonce" "$__rekku_status" >&251; '
)
PROMPT = (
    '__rekku_status=$?; builtin set +m; if builtin [ -n "${__rekku_busy-}" ]; then ' + _TELL + "fi; "
    "while IFS= builtin read -r -d '' -u 250 __rekku_command || builtin exit 0; do __rekku_busy=1; "
    '__rekku_return "${__rekku_status:-0}"; builtin eval -- "$__rekku_command" 250<&- 251>&-; __rekku_status=$?; '
    + _TELL
    + "done"
)
"""What bash does at its prompt. It is one line, so that the lines of bash's complaints are those of the command. After
an interrupt bash comes to its prompt again, and the first part tells the end of what was interrupted. Job control is
switched off here, not in the start file, because bash sets it again after that. It says `builtin`, because functions
last: a command may have made one that is called `read` or `eval`."""
START = r"""
exec 250<&{commands} {commands}<&- 251>&{control} {control}>&- {{script}}<&-
set +o history; unset HISTFILE; shopt -s execfail; ulimit -c 0
PS1= PS2=
__rekku_return() {{ builtin return "$1"; }}
PROMPT_COMMAND='{prompt}'
"""


class State(StrEnum):
    """What became of a command by the time its answer is given."""

    DONE = "done"
    WAITING = "waiting"
    ENDED = "ended"
    KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Ran:
    """A command's answer: the output since the last one, and the exit status where it is known.

    `waiting`: it waits for input. `ended`: it has ended its shell. `killed`: it took too long; the shell is gone.
    """

    output: str
    state: State
    status: int | None = None


class ShellGone(Exception):
    """The shell has ended."""


class CommandImpossible(ValueError):
    """A text that cannot be given to bash as one command."""


class Shell:
    """A bash with a terminal of its own. One command at a time; `kill` it in the end.

    Made on the running loop, in its main thread (the shell dies with the thread that made it). Raises OSError.
    """

    def __init__(self, room: Room) -> None:
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        self._nonce = ""
        self._status: int | None = None
        self._records = b""
        self._hung_up = False
        self._expiry: asyncio.TimerHandle | None = None
        self._ended: asyncio.Future[None] | None = None
        self.busy = False
        self.token = secrets.token_hex(16)
        self._line = Line()
        try:
            self._start(room)
        except OSError:
            self._line.hang_up()
            self._line.close()
            raise

    @property
    def pid(self) -> int:
        """The number of its first process."""
        return self._process.pid

    @property
    def gone(self) -> bool:
        """Whether it has ended, or is about to."""
        return self._ended is not None

    async def run(self, command: str, limit: float, typed: str | None = None) -> Ran:
        """Execute a command within so many seconds; `typed` is typed ahead.

        Raises ShellGone if there is no shell any more (then nothing was executed), CommandImpossible.
        """
        data = command.encode("utf-8", "replace")
        if b"\0" in data or len(data) > LONGEST_COMMAND:
            raise CommandImpossible(f"a command has at most {LONGEST_COMMAND} bytes, and none of them is NUL")
        if self.gone or self._process.poll() is not None:
            raise ShellGone
        self._nonce, self._status, self.busy = secrets.token_hex(16), None, True
        if typed is not None:
            self._line.type(typed)
        try:
            os.write(self._commands, data + b"\0" + self._nonce.encode() + b"\0")
        except OSError as error:
            raise ShellGone from error
        return await self._answer(limit)

    async def go_on(self, limit: float, typed: str | None = None) -> Ran:
        """Wait on for a command that was waiting, after typing something. Raises ShellGone."""
        if self.gone:
            raise ShellGone
        self._calm()
        if typed is not None:
            self._line.type(typed)
        return await self._answer(limit)

    async def interrupt(self) -> Ran:
        """Press control and C; what neither ends by that nor waits for input again is killed. Raises ShellGone."""
        if self.gone:
            raise ShellGone
        self.press_interrupt()
        return await self._answer(2 * PRESSES * PRESS_AGAIN)

    def press_interrupt(self, presses: int = PRESSES) -> None:
        """The same for a command that somebody else waits for: nothing is waited for here.

        It is pressed several times, because bash overlooks an interrupt that meets the end of a program.
        """
        self._calm()
        if presses == 0:
            self.condemn()
            return
        self._line.type("^C")
        self._expiry = self._loop.call_later(PRESS_AGAIN, self.press_interrupt, presses - 1)

    def expire_in(self, seconds: float) -> None:
        """Kill it if its command is not done after so many seconds."""
        self._calm()
        self._expiry = self._loop.call_later(seconds, self.condemn)

    def condemn(self) -> None:
        """Have it killed, with everything that it started, in a thread."""
        self._calm()
        if self._ended is not None:
            return
        self._line.hang_up()
        self._loop.remove_reader(self._control)
        self._ended = self._loop.run_in_executor(None, self._bury)
        self._news.set()

    async def kill(self) -> None:
        """End it, with everything that it started; when this returns, nothing of it is left."""
        self.condemn()
        if self._ended is not None:
            await asyncio.shield(self._ended)

    def _start(self, room: Room) -> None:
        commands, self._commands = os.pipe()
        self._control, control = os.pipe()
        slave = self._line.slave
        start = START.format(commands=commands, control=control, prompt=PROMPT.replace("'", r"'\''"))
        try:
            self._process = processes.start_bash(room, start, slave, self.token, descriptors=(commands, control))
        except OSError:
            os.close(self._commands)
            os.close(self._control)
            raise
        finally:
            for descriptor in (slave, commands, control):
                os.close(descriptor)
        os.set_blocking(self._commands, False)
        os.set_blocking(self._control, False)
        self._loop.add_reader(self._control, self._read_control)

    async def _answer(self, limit: float) -> Ran:
        try:
            state = await self._wait(self._loop.time() + limit)
            if state is State.WAITING:
                self._calm()
                return Ran(self._line.taken(), state)
            if state is State.DONE:
                output = await self._line.finish()
                self._calm()
                self.busy = False
                return Ran(output, state, self._status)
            output = await self._line.finish() if state is State.ENDED else self._line.taken()
            await self.kill()
        except asyncio.CancelledError:
            self.condemn()
            raise
        return Ran(output, state, _status(self._process.returncode) if state is State.ENDED else None)

    async def _wait(self, deadline: float) -> State:
        """Until the command is done, waits for input, is out of time, or has taken its shell with it."""
        self._line.heard = self._loop.time()
        while self._status is None:
            now = self._loop.time()
            if self._process.poll() is not None:
                return State.ENDED
            if now >= deadline or self.gone:
                return State.KILLED
            if now - self._line.heard >= TICK and await self._waits_for_input():
                return State.WAITING
            self._news.clear()
            tick = 0.005 if self._hung_up else TICK
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(tick, max(0.0, deadline - now))):
                    await self._news.wait()
        return State.DONE

    async def _waits_for_input(self) -> bool:
        waits = await asyncio.to_thread(processes.waits_for_terminal, self.pid, self._line.device, self._line.raw)
        return waits and self._status is None

    def _calm(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def _read_control(self) -> None:
        try:
            data = os.read(self._control, 4096)
        except OSError:
            return
        if not data:
            self._hung_up = True
            self._loop.remove_reader(self._control)
        *records, rest = (self._records + data).split(b"\0")
        self._records = rest[-4096:]
        for record in records:
            nonce, _, status = record.partition(b" ")
            if self._nonce and nonce == self._nonce.encode() and status.isdigit():
                self._status, self._nonce = int(status), ""
        self._news.set()

    def _bury(self) -> None:
        """Runs in a thread: processes take milliseconds to die."""
        try:
            processes.bury(self._process, self.token)
        finally:
            self._line.close()
            os.close(self._control)
            os.close(self._commands)


def _status(code: int | None) -> int | None:
    """An exit status as bash would tell it: death by signal N is 128 + N."""
    return 128 - code if code is not None and code < 0 else code
