"""Reloads that go on and on leave nothing behind, and watching is enough."""

import asyncio
import gc
import shutil
import sys
import threading

from rekku.core.core_initializer import available_actions
from rekku.core.registry import registry
from rekku.loader import watch
from tests.loader.conftest import SAMPLE, World
from tests.loader.test_live import COUNTER


async def test_fifty_reloads_leave_nothing_behind(world: World) -> None:
    file = world.write("plugins/counter.py", "from plugins._parts import x\n" + COUNTER)
    world.write("plugins/_parts/x.py", "")
    await world.loader.load_all()
    module = type(world.plugin("counter"))

    def size() -> tuple[int, int, int, int]:
        gc.collect()
        kept = sum(isinstance(found, type) and found.__name__ == "Counter" for found in gc.get_objects())
        return len(sys.modules), len(asyncio.all_tasks()), threading.active_count(), kept

    del module
    await world.loader.reload(file)
    before = size()
    for _ in range(50):
        await world.loader.reload(file)
    assert size() == before


async def test_syncs_that_come_together_load_once(world: World) -> None:
    await world.loader.load_all()
    world.write("plugins/counter.py", COUNTER)
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(world.loader.sync())
    assert world.plugin("counter").events == ["start"]


async def test_saving_a_file_is_enough_while_the_folders_are_watched(world: World) -> None:
    await world.loader.load_all()
    ready, changed = asyncio.Event(), asyncio.Event()
    task = world.supervisor.spawn(watch(world.loader, ready=ready), "watch")
    await ready.wait()
    registry.on_change(changed.set)

    async def until(names: set[str]) -> None:
        async with asyncio.timeout(20):
            while set(available_actions) != names:
                changed.clear()
                await changed.wait()

    world.write("plugins/deep/er/sample.py", SAMPLE)
    await until({"my_action"})
    elsewhere = world.home.parent / "elsewhere"
    (world.home / "plugins" / "deep").rename(elsewhere)
    await until(set())
    elsewhere.rename(world.home / "plugins" / "back")
    await until({"my_action"})
    shutil.rmtree(world.home / "plugins")
    await until(set())
    task.cancel()
