"""Tasks are never lost, and end when they should."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import pytest

from rekku.core.errors import PluginError
from rekku.core.members import in_thread
from rekku.lifecycle import Supervisor


async def forever() -> None:
    await asyncio.Event().wait()


async def test_an_error_is_logged_and_stays_in_the_task(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("no luck")

    async with Supervisor("test") as supervisor:
        task = supervisor.spawn(fail(), "unlucky")
        with pytest.raises(ValueError, match="no luck"):
            await task
    assert "The task 'test: unlucky' failed." in caplog.text
    assert "ValueError: no luck" in caplog.text
    assert len(supervisor) == 0


async def test_an_exit_in_a_task_ends_nothing_else() -> None:
    async def leave() -> None:
        raise SystemExit(3)

    async with Supervisor("test") as supervisor:
        with pytest.raises(PluginError, match="the task 'leave' tried to end the process"):
            await supervisor.spawn(leave(), "leave")


async def test_closing_ends_all_tasks_and_those_of_children() -> None:
    supervisor = Supervisor("test")
    child = supervisor.child("part").child("of a part")
    tasks = [supervisor.spawn(forever(), "a"), child.spawn(forever(), "b")]
    await asyncio.sleep(0)
    assert len(supervisor) == 2
    await supervisor.close()
    assert all(task.cancelled() for task in tasks)
    for closed in (supervisor, child):
        with pytest.raises(RuntimeError, match="it cannot start 'late'"):
            closed.spawn(forever(), "late")
    with pytest.raises(RuntimeError, match="can have no part"):
        supervisor.child("late")


async def test_a_closed_child_is_forgotten_and_a_cleared_one_can_go_on() -> None:
    async with Supervisor("test") as supervisor:
        child = supervisor.child("part")
        first = child.spawn(forever(), "first")
        await child.clear()
        assert first.cancelled()
        child.spawn(forever(), "second")
        assert len(supervisor) == 1
        await child.close()
        assert len(supervisor) == 0


async def test_a_task_that_will_not_end_is_left_behind_with_a_word(caplog: pytest.LogCaptureFixture) -> None:
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            with suppress(asyncio.CancelledError):
                await release.wait()

    supervisor = Supervisor("test", limit=0.01)
    task = supervisor.spawn(stubborn(), "stubborn")
    await asyncio.sleep(0)
    await supervisor.close()
    assert "The task 'test: stubborn' does not end when it is told to" in caplog.text
    assert len(supervisor) == 0
    release.set()
    await task


async def test_a_task_may_close_its_own_supervisor() -> None:
    supervisor = Supervisor("test")
    await supervisor.spawn(supervisor.close(), "close")
    assert len(supervisor) == 0


async def test_a_thread_may_start_a_task() -> None:
    async with Supervisor("test") as supervisor:
        start: Callable[[], asyncio.Task[None]] = lambda: supervisor.child("part").spawn(forever(), "b")  # noqa: E731
        task = await in_thread(start)
        assert len(supervisor) == 1
    assert task.cancelled()
    with pytest.raises(RuntimeError, match="has ended"):
        await in_thread(lambda: supervisor.spawn(forever(), "late"))


async def test_the_names_of_tasks_say_whose_they_are(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with Supervisor("rekku") as supervisor:
        task = supervisor.child("plugin dice").spawn(forever(), "roll")
        assert task.get_name() == "plugin dice: roll"
