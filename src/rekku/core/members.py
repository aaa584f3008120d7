"""Behind the door: one author's object, with every member there, awaitable and limited in time.

`async def` members run on the event loop. Plain ones run in a daemon thread of their own, so that one that blocks
holds up nobody, not even the end of the process.
"""

import asyncio
import contextvars
import inspect
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

from rekku.core.errors import PluginError

LIMIT = 10.0
"""Seconds that a member may take when its caller does not say otherwise."""


class Members:
    """The members of an object; those that it lacks are the base class's."""

    __slots__ = ("_accepted", "_found", "base", "instance")

    def __init__(self, instance: Any, base: type) -> None:
        self.instance = instance
        self.base = base
        self._found: dict[str, tuple[Callable[..., Any], str]] = {}
        self._accepted: dict[tuple[str, str], bool] = {}

    def has(self, name: str) -> bool:
        """Whether the author wrote this member (rather than inheriting the default)."""
        own = getattr(type(self.instance), name, None) or getattr(self.instance, name, None)
        return own is not None and own is not getattr(self.base, name, None)

    def value(self, name: str) -> Any:
        """A plain attribute, or the base class's."""
        return getattr(self.instance, name, getattr(self.base, name, None))

    async def call(self, name: str, *args: Any, limit: float | None = LIMIT) -> Any:
        """Call a member; raises TimeoutError past its limit in seconds, PluginError for an exit."""
        function, how = self._find(name)
        if how == "inline":
            return function(*args)
        try:
            async with asyncio.timeout(limit):
                if how == "async":
                    return await function(*args)
                result = await in_thread(function, *args)
                return await result if inspect.isawaitable(result) else result
        except (SystemExit, KeyboardInterrupt) as exit_:
            raise PluginError(f"{name} tried to end the process ({type(exit_).__name__})") from exit_
        except asyncio.CancelledError as cancelled:
            raise _meant(cancelled, name) from cancelled

    async def stream(self, name: str, *args: Any) -> AsyncGenerator[str, None]:
        """Call a member that gives a string or an async iterator of strings; the pieces as they come."""
        function, how = self._find(name)
        try:
            result = function(*args) if how in ("async", "generator", "inline") else await in_thread(function, *args)
            if inspect.isawaitable(result):
                result = await result
            if isinstance(result, AsyncGenerator):
                async with aclosing(result):
                    async for piece in result:
                        yield str(piece)
            elif isinstance(result, AsyncIterator):
                async for piece in result:
                    yield str(piece)
            elif result is not None:
                yield str(result)
        except asyncio.CancelledError as cancelled:
            raise _meant(cancelled, name) from cancelled

    def accepts(self, name: str, parameter: str) -> bool:
        """Whether a member takes a parameter of that name."""
        known = self._accepted.get((name, parameter))
        if known is None:
            parameters = inspect.signature(self._find(name)[0]).parameters.values()
            known = any(p.name == parameter or p.kind is p.VAR_POSITIONAL for p in parameters)
            self._accepted[name, parameter] = known
        return known

    def _find(self, name: str) -> tuple[Callable[..., Any], str]:
        if name not in self._found:
            function = getattr(self.instance, name, None)
            if function is None:
                function = getattr(self.base, name).__get__(self.instance)
            self._found[name] = (function, self._how(name, function))
        return self._found[name]

    def _how(self, name: str, function: Callable[..., Any]) -> str:
        if inspect.isasyncgenfunction(function):
            return "generator"
        if inspect.iscoroutinefunction(function):
            return "async"
        return "thread" if self.has(name) else "inline"


def _meant(cancelled: asyncio.CancelledError, name: str) -> BaseException:
    """A cancellation is the caller's only if the caller is being cancelled; else something that the author awaited
    was, and that is an error like any other."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        return cancelled
    return PluginError(f"{name}() was cancelled by itself")


async def in_thread(function: Callable[..., Any], *args: Any) -> Any:
    """Run a blocking function in a daemon thread of its own, in the caller's context."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: Any, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def work() -> None:
        result: Any = None
        error: BaseException | None = None
        try:
            result = context.run(function, *args)
        except StopIteration as stop:
            error = RuntimeError(f"{function!r} raised StopIteration: {stop}")
        except BaseException as any_error:  # noqa: BLE001 - a door: it goes on in the caller
            error = _storable(any_error)
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, name=f"rekku-{getattr(function, '__name__', 'call')}", daemon=True).start()
    return await done


def _storable(error: BaseException) -> BaseException:
    """Exits would end the loop from inside a future: they travel as PluginError."""
    if isinstance(error, SystemExit | KeyboardInterrupt):
        wrapped = PluginError(f"tried to end the process ({type(error).__name__})")
        wrapped.__cause__ = error
        return wrapped
    return error
