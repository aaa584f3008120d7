"""Every background task: started here, watched here, ended here."""

import asyncio
import contextvars
import functools
import logging
import threading
from collections.abc import Coroutine
from typing import Any, Self

from rekku.core.errors import PluginError

log = logging.getLogger(__name__)

LIMIT = 5.0
"""Seconds that tasks get to end once they are cancelled."""

Work = Coroutine[Any, Any, Any]
Context = contextvars.Context | None


class Supervisor:
    """The only maker of tasks. What it started ends with it; what its children started, too."""

    def __init__(self, name: str = "rekku", *, limit: float = LIMIT) -> None:
        self.name = name
        self.limit = limit
        self._tasks: set[asyncio.Task[Any]] = set()
        self._children: dict[Supervisor, None] = {}
        self._parent: Supervisor | None = None
        self._closed = False
        self._loop = _running_loop()

    def __len__(self) -> int:
        """How many tasks are running, those of its children included."""
        return len(self._all_tasks())

    def __bool__(self) -> bool:
        return True

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def child(self, name: str) -> "Supervisor":
        """A supervisor that is closed when this one is, or before."""
        if self._closed:
            raise RuntimeError(f"{self.name} has ended; it can have no part {name!r}")
        child = Supervisor(name, limit=self.limit)
        child._parent = self
        child._loop = child._loop or self._loop
        self._children[child] = None
        return child

    def spawn(self, work: Work, name: str, *, context: Context = None) -> asyncio.Task[Any]:
        """Run `work` in the background. An error is logged and stays readable in the task.

        May be called from a thread. Raises RuntimeError when the supervisor has been closed.
        """
        loop = _running_loop()
        if loop is None:
            return self._spawn_from_thread(work, name, context)
        if self._closed:
            work.close()
            raise RuntimeError(f"{self.name} has ended; it cannot start {name!r}")
        self._loop = loop
        task = loop.create_task(_contained(work, name), name=f"{self.name}: {name}", context=context)
        self._tasks.add(task)
        task.add_done_callback(functools.partial(self._done, work))
        return task

    async def clear(self) -> None:
        """End all tasks and wait for their end; new ones may be started afterwards.

        A task that does not end within the limit is logged and left behind.
        """
        tasks = self._all_tasks() - {asyncio.current_task()}
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        _, stubborn = await asyncio.wait(tasks, timeout=self.limit)
        for task in stubborn:
            log.error("The task %r does not end when it is told to; it is left behind.", task.get_name())
            self._forget(task)

    async def close(self) -> None:
        """End everything for good, children included."""
        self._shut()
        await self.clear()
        if self._parent is not None:
            self._parent._children.pop(self, None)
            self._parent = None
        self._children.clear()

    def _shut(self) -> None:
        self._closed = True
        for child in self._children:
            child._shut()

    def _all_tasks(self) -> set[asyncio.Task[Any]]:
        return self._tasks.union(*(child._all_tasks() for child in self._children))

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        for child in self._children:
            child._forget(task)

    def _done(self, work: Work, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        work.close()  # it never began if the task was cancelled at once
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("The task %r failed.", task.get_name(), exc_info=error)

    def _spawn_from_thread(self, work: Work, name: str, context: Context) -> asyncio.Task[Any]:
        """Plain `def` members run in threads, and may start tasks all the same."""
        if self._loop is None or self._loop.is_closed():
            work.close()
            raise RuntimeError(f"{self.name} cannot start {name!r}: no event loop is running")
        ready = threading.Event()
        made: list[asyncio.Task[Any] | RuntimeError] = []
        given = context or contextvars.copy_context()

        def make() -> None:
            try:
                made.append(self.spawn(work, name, context=given))
            except RuntimeError as error:
                made.append(error)
            ready.set()

        self._loop.call_soon_threadsafe(make)
        if not ready.wait(self.limit):
            raise RuntimeError(f"{self.name} cannot start {name!r}: the event loop does not answer")
        if isinstance(made[0], RuntimeError):
            raise made[0]
        return made[0]


async def _contained(work: Work, name: str) -> Any:
    """An exit inside a task would end the whole process."""
    try:
        return await work
    except SystemExit as exit_:
        raise PluginError(f"the task {name!r} tried to end the process") from exit_


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
