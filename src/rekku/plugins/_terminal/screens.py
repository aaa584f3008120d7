"""All screens, and what a control panel may do with them: list, open, read, type, resize, close."""

import asyncio
import base64
import itertools
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rekku.core.errors import ActionError
from rekku.plugins._terminal.sandbox import Room
from rekku.plugins._terminal.screen import AT_ONCE, Screen, Size, TooMuchTyped

MOST = 8
LONGEST_WAIT = 20.0
"""Seconds that a reading may wait for something new."""

GONE = "this shell has ended"
TOO_MANY = f"there are {MOST} terminals already; close one of them"
TOO_MUCH = "the program does not read what is typed; press Ctrl+C, or close the terminal"
NO_NUMBER = "{name} must be a whole number"

Told = Mapping[str, Any]


class Screens:
    """The screens of the owner. `idle` seconds after nobody has looked at one that runs nothing, it is ended."""

    def __init__(self, room: Room, idle: float) -> None:
        self._room = room
        self._idle = idle
        self._screens: dict[str, Screen] = {}
        self._numbers = itertools.count(1)
        self._deeds: Mapping[str, Callable[[Told], Awaitable[Told]]] = {
            "screens": self._list,
            "open": self._open,
            "read": self._read,
            "type": self._type,
            "resize": self._resize,
            "close": self._close,
        }

    async def do(self, deed: str, given: Told) -> Told:
        """Do what a panel asks for. Raises ActionError."""
        known = self._deeds.get(deed)
        if known is None:
            raise ActionError(f"there is no {deed!r} for terminals")
        return await known(given)

    async def end_idle(self) -> None:
        """End those that were left at their prompt, and forget those that have ended."""
        now = asyncio.get_running_loop().time()
        for name, screen in list(self._screens.items()):
            if now - screen.used >= self._idle and screen.stands_at_prompt:
                del self._screens[name]
                await screen.kill()

    async def end_all(self) -> None:
        """End every one."""
        screens = list(self._screens.values())
        self._screens.clear()
        await asyncio.gather(*(screen.kill() for screen in screens))

    async def _list(self, _: Told) -> Told:
        living = {name: screen for name, screen in self._screens.items() if not screen.ended}
        return {
            "screens": [
                {"screen": name, "number": screen.number, "running": screen.running} for name, screen in living.items()
            ],
            "sandbox": self._room.sandbox,
            "network": self._room.network or not self._room.sandbox,
            "folder": str(self._room.workspace),
        }

    async def _open(self, given: Told) -> Told:
        size = _size(given)
        for name, screen in list(self._screens.items()):
            if screen.ended:
                del self._screens[name]
        if len(self._screens) >= MOST:
            raise ActionError(TOO_MANY)
        try:
            screen = Screen(self._room, size, next(self._numbers))
        except OSError as error:
            raise ActionError(f"no shell can be started: {error.strerror or error}") from error
        name = secrets.token_hex(4)  # a page of before a restart must not find another shell under its name
        self._screens[name] = screen
        return {"screen": name}

    async def _read(self, given: Told) -> Told:
        wait = min(LONGEST_WAIT, max(0.0, float(_number(given, "wait", 0))))
        written = await self._found(given).read(_number(given, "at", 0), wait)
        return {
            "output": base64.b64encode(written.data).decode("ascii"),
            "at": written.at,
            "end": written.end,
            "anew": written.anew,
            "ended": written.ended,
        }

    async def _type(self, given: Told) -> Told:
        keys = str(given.get("keys") or "")
        if len(keys) > AT_ONCE:
            raise ActionError(f"at most {AT_ONCE} characters can be typed at once")
        data = keys.encode("latin-1" if given.get("binary") else "utf-8", "replace")
        try:
            self._found(given).type(data)
        except TooMuchTyped:
            raise ActionError(TOO_MUCH) from None
        return {}

    async def _resize(self, given: Told) -> Told:
        self._found(given).resize(_size(given))
        return {}

    async def _close(self, given: Told) -> Told:
        await self._found(given).kill()
        self._screens.pop(str(given.get("screen")), None)
        return await self._list({})

    def _found(self, given: Told) -> Screen:
        screen = self._screens.get(str(given.get("screen") or ""))
        if screen is None:
            raise ActionError(GONE)
        return screen


def _size(given: Told) -> Size:
    return Size.within(_number(given, "columns", 80), _number(given, "rows", 24))


def _number(given: Told, name: str, default: int) -> int:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**53:
        raise ActionError(NO_NUMBER.format(name=name))
    return value
