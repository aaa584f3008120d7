"""Calls of the Bot API that are never broken off.

A call that is cancelled, or that waits too long for a connection, can take a place in the pool of the HTTP library
(httpcore 1.0) with it for ever; after some of these nothing could be sent any more. So a call goes on to its own end
even if nobody waits for it, and waits for its turn here and not there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import httpx
from telegram.error import NetworkError, TelegramError

CONNECTIONS = 16
AT_ONCE = 12
"""How many calls run at the same time; the other connections are for what is fetched."""

Spawn = Callable[[Coroutine[Any, Any, Any], str], "asyncio.Task[Any]"]


class Caller:
    """Makes calls, some at a time."""

    def __init__(self, spawn: Spawn) -> None:
        self._spawn = spawn
        self._free = asyncio.Semaphore(AT_ONCE)

    async def call(self, method: Callable[..., Awaitable[Any]], **arguments: Any) -> Any:
        """The result of a method. Raises TelegramError."""
        await self._free.acquire()
        calling = self._spawn(self._finish(method, arguments), "telegram call")
        try:
            result = await asyncio.shield(calling)
        except asyncio.CancelledError:
            if not calling.cancelled():
                raise
            raise NetworkError("the interface was stopped") from httpx.ReadError("it was stopped during a call")
        if isinstance(result, TelegramError):
            raise result
        return result

    async def _finish(self, method: Callable[..., Awaitable[Any]], arguments: dict[str, Any]) -> Any:
        """The result of a call, or its error: that is for whoever waits, and none of the task's own."""
        try:
            return await method(**arguments)
        except TelegramError as error:
            return error
        finally:
            self._free.release()
