"""Sessions: one shell for each owner and chat, found again with the next command, ended when nobody uses it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from rekku.core.errors import ActionError
from rekku.core.message import Conversation
from rekku.plugins._terminal.line import LONGEST_INPUT
from rekku.plugins._terminal.sandbox import Room
from rekku.plugins._terminal.shell import LONGEST_COMMAND, CommandImpossible, Ran, Shell, ShellGone, State

Key = tuple[str, Conversation]

MOST = 16
"""Shells at a time; beyond that, the one that was not used for the longest time is ended."""

BUSY = "a command is still running in this shell; wait for it, or stop it"
WAITS = "the command before still runs and waits for input: give `input` with an empty `command`, or `input` ^C"
NOTHING_WAITS = "payload.command is empty, and no program waits for input"
IMPOSSIBLE = f"payload.command must have at most {LONGEST_COMMAND} bytes and no NUL; write long texts in parts"
TOO_LONG = f"the input must have at most {LONGEST_INPUT} bytes"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command. `fresh`: its shell was new."""

    ran: Ran
    fresh: bool = False


@dataclass(eq=False, slots=True)
class Session:
    """A shell in use. `used` is an instant of the clock; `last` the last answer."""

    shell: Shell
    used: float
    fresh: bool = True
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Sessions:
    """All shells. `patience` is how many seconds a program may wait for input until its shell is ended."""

    def __init__(self, room: Room, patience: float, now: Callable[[], float]) -> None:
        self._room = room
        self._patience = patience
        self._now = now
        self._sessions: dict[Key, Session] = {}
        self._alone: set[Shell] = set()
        self._outputs: dict[Key, str] = {}

    def waits(self, key: Key) -> bool:
        """Whether a program of this session waits for input."""
        session = self._sessions.get(key)
        return session is not None and session.shell.busy and not session.shell.gone

    def last(self, key: Key) -> str | None:
        """The whole output of the last command, as far as it was kept; None if there was none."""
        return self._outputs.get(key)

    async def type(self, key: Key, text: str, limit: float) -> Answer:
        """What somebody types: input for the program that waits there, else a command. It waits for its turn."""
        session = self._sessions.get(key)
        if session is not None:
            async with session.lock:
                if session.shell.busy and not session.shell.gone:
                    return await self._in_session(key, session, "", limit, text)
        return await self.run(key, text, limit)

    async def run(self, key: Key, command: str, limit: float, typed: str | None = None) -> Answer:
        """Execute a command in its session, or go on with the program that waits there. Raises ActionError."""
        session = self._sessions.get(key)
        if session is None or (session.shell.gone and not session.lock.locked()):
            if not command.strip():
                raise ActionError(NOTHING_WAITS)
            session = await self._begin(key)
        if session.lock.locked():
            raise ActionError(BUSY)
        async with session.lock:
            return await self._in_session(key, session, command, limit, typed)

    async def run_alone(self, key: Key, command: str, limit: float, typed: str | None = None) -> Answer:
        """Execute a command in a shell that is there for it only. What waits for input is ended."""
        shell = Shell(self._room)
        self._alone.add(shell)
        try:
            ran = await shell.run(command, limit, typed)
        except CommandImpossible as error:
            raise ActionError(IMPOSSIBLE) from error
        finally:
            await shell.kill()
            self._alone.discard(shell)
        if ran.state is State.WAITING:
            ran = Ran(ran.output, State.KILLED)
        self._outputs[key] = ran.output
        return Answer(ran)

    async def stop(self, key: Key) -> Answer | None:
        """Interrupt what runs in a session, as control and C do. None: whoever waits for it has the answer."""
        session = self._sessions.get(key)
        if session is None or not self.waits(key):
            raise ActionError("nothing runs in this shell")
        if session.lock.locked():
            session.shell.press_interrupt()
            return None
        async with session.lock:
            return self._kept(key, session, await session.shell.interrupt())

    async def end_idle(self, limit: float) -> None:
        """End the shells that were not used for so many seconds."""
        for key, session in list(self._sessions.items()):
            if not session.lock.locked() and self._now() - session.used >= limit:
                del self._sessions[key]
                await session.shell.kill()

    async def end_all(self) -> None:
        """End every shell."""
        shells = [*(session.shell for session in self._sessions.values()), *self._alone]
        self._sessions.clear()
        await asyncio.gather(*(shell.kill() for shell in shells))

    async def _begin(self, key: Key) -> Session:
        if len(self._sessions) >= MOST:
            free = {k: s for k, s in self._sessions.items() if not s.lock.locked()}
            if not free:
                raise ActionError(BUSY)
            oldest = min(free, key=lambda k: free[k].used)
            await self._sessions.pop(oldest).shell.kill()
        try:
            session = Session(Shell(self._room), self._now())
        except OSError as error:
            raise ActionError(f"no shell can be started: {error.strerror or error}") from error
        self._sessions[key] = session
        return session

    async def _in_session(self, key: Key, session: Session, command: str, limit: float, typed: str | None) -> Answer:
        session.used = self._now()
        if typed is not None and len(typed.encode("utf-8", "replace")) > LONGEST_INPUT:
            raise ActionError(TOO_LONG)
        try:
            if session.shell.busy:
                if command.strip():
                    raise ActionError(WAITS)
                going = session.shell.interrupt() if typed == "^C" else session.shell.go_on(limit, typed)
                return self._kept(key, session, await going)
            if not command.strip():
                raise ActionError(NOTHING_WAITS)
            ran = await session.shell.run(command, limit, typed)
        except CommandImpossible as error:
            raise ActionError(IMPOSSIBLE) from error
        except ShellGone:
            await self._drop(key, session)
            raise ActionError("the shell has ended meanwhile; the next command gets a new one") from None
        return self._kept(key, session, ran)

    def _kept(self, key: Key, session: Session, ran: Ran) -> Answer:
        session.used = self._now()
        self._outputs[key] = ran.output
        if ran.state is State.WAITING:
            session.shell.expire_in(self._patience)
        elif ran.state is not State.DONE:
            self._sessions.pop(key, None)
        fresh, session.fresh = session.fresh, False
        return Answer(ran, fresh)

    async def _drop(self, key: Key, session: Session) -> None:
        if self._sessions.get(key) is session:
            del self._sessions[key]
        await session.shell.kill()
