"""Changes of files take effect while Rekku runs."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from rekku.core.core_initializer import PLUGIN_REGISTRY
from rekku.core.errors import PluginError
from tests.loader.conftest import SAMPLE, World

COUNTER = """
import asyncio

class Counter:
    version = 1

    def __init__(self):
        self.count = 0
        self.events = []

    async def start(self):
        self.events.append("start")
        self.task = self.host.spawn(asyncio.Event().wait(), "wait")

    async def stop(self):
        self.events.append("stop, task ended" if self.task.done() else "stop")

    def export_state(self):
        return self.count

    def import_state(self, state):
        self.count = state

PLUGIN_CLASS = Counter
"""


async def test_a_changed_file_is_swapped_in_and_takes_over_the_state(world: World) -> None:
    file = world.write("plugins/counter.py", COUNTER)
    await world.loader.load_all()
    old = world.plugin("counter")
    old.count = 7

    file.write_text(COUNTER.replace("version = 1", "version = 2"))
    await world.loader.sync()
    new = world.plugin("counter")
    assert (new.version, new.count, new.events) == (2, 7, ["start"])
    assert old.events == ["start", "stop, task ended"]
    assert len(world.supervisor) == 1
    assert world.notices == []


async def test_a_version_of_the_same_size_and_second_is_not_taken_for_the_old_one(world: World) -> None:
    file = world.write("plugins/counter.py", COUNTER)
    await world.loader.load_all()
    for version in range(2, 6):
        file.write_text(COUNTER.replace("version = 1", f"version = {version}"))
        os.utime(file, ns=(1_000_000_000_000_000_000, 1_000_000_000_000_000_000 + version))
        await world.loader.sync()
        assert world.plugin("counter").version == version


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("    version = 1\n  oops", "counter.py:6: IndentationError"),
        ("    version = 1 / 0", "counter.py:5: ZeroDivisionError: division by zero"),
        ("    tables = 3", "tables must be a core.database.Schema"),
    ],
)
async def test_if_the_new_version_fails_the_old_one_never_stops(world: World, change: str, reason: str) -> None:
    file = world.write("plugins/counter.py", COUNTER)
    await world.loader.load_all()
    old, module = world.plugin("counter"), sys.modules["rekku.plugins.counter"]

    file.write_text(COUNTER.replace("    version = 1", change))
    await world.loader.sync()
    assert world.plugin("counter") is old
    assert old.events == ["start"]
    assert old.task.done() is False
    assert sys.modules["rekku.plugins.counter"] is module
    (notice,) = world.notices
    assert reason in notice
    assert notice.endswith("the version before it goes on working")
    assert world.report("plugins/counter.py").state == "failed"

    await world.loader.sync()
    file.write_text(COUNTER)
    await world.loader.sync()
    assert world.plugin("counter") is not old
    assert world.report("plugins/counter.py").state == "loaded"
    assert len(world.notices) == 1


async def test_if_the_new_version_does_not_start_the_old_one_starts_again(world: World) -> None:
    file = world.write("plugins/counter.py", COUNTER)
    await world.loader.load_all()
    old = world.plugin("counter")

    file.write_text(COUNTER.replace('self.events.append("start")', "raise OSError('in use')"))
    await world.loader.sync()
    assert world.plugin("counter") is old
    assert old.events == ["start", "stop, task ended", "start"]
    assert old.task.done() is False
    assert len(world.supervisor) == 1
    assert "OSError: in use" in world.notices[0]


async def test_a_new_version_that_clashes_with_another_file_changes_nothing(world: World) -> None:
    world.write("plugins/sample.py", SAMPLE)
    file = world.write("plugins/counter.py", COUNTER)
    await world.loader.load_all()
    old = world.plugin("counter")
    file.write_text(COUNTER + "    def get_supported_actions(self):\n        return {'my_action': {}}\n")
    file.write_text(file.read_text().replace("PLUGIN_CLASS = Counter\n", "") + "\nPLUGIN_CLASS = Counter\n")
    await world.loader.sync()
    assert world.plugin("counter") is old
    assert old.events == ["start"]
    assert "both offer the action 'my_action'" in world.notices[0]


async def test_new_files_load_and_deleted_ones_unload(world: World) -> None:
    await world.loader.load_all()
    file = world.write("plugins/new/counter.py", COUNTER)
    await world.loader.sync()
    counter = world.plugin("counter")

    shutil.rmtree(file.parent)
    await world.loader.sync()
    assert PLUGIN_REGISTRY == {}
    assert counter.events == ["start", "stop, task ended"]
    assert "rekku.plugins.new.counter" not in sys.modules
    assert len(world.supervisor) == 0

    world.write("plugins/bad.py", "oops")
    await world.loader.sync()
    assert "NameError" in world.notices[0]


async def test_a_file_that_loses_its_class_becomes_a_helper(world: World) -> None:
    file = world.write("plugins/counter.py", COUNTER)
    await world.loader.load_all()
    file.write_text("x = 1\n")
    await world.loader.sync()
    assert PLUGIN_REGISTRY == {}
    assert world.report("plugins/counter.py").state == "helper"


async def test_a_changed_module_of_a_package_reloads_the_package(world: World) -> None:
    world.write("plugins/pack/__init__.py", "from .body import Counter\nPLUGIN_CLASS = Counter\n")
    body = world.write("plugins/pack/body.py", COUNTER)
    await world.loader.load_all()
    body.write_text(COUNTER.replace("version = 1", "version = 2"))
    await world.loader.sync()
    assert world.plugin("pack").version == 2

    body.write_text("oops")
    await world.loader.sync()
    assert world.plugin("pack").version == 2
    assert "body.py:1: NameError" in world.notices[0]


USER = "from plugins._shared import WORD\nclass User:\n    word = WORD\nPLUGIN_CLASS = User\n"


async def test_a_changed_private_helper_reloads_those_that_use_it_and_no_others(world: World) -> None:
    world.write("plugins/one.py", USER)
    world.write("plugins/two.py", "from ._middle import WORD\n" + USER.partition("\n")[2])
    world.write(
        "plugins/_middle.py", "def word():\n    from plugins import _shared\n    return _shared.WORD\nWORD = word()"
    )
    world.write("plugins/counter.py", COUNTER)
    shared = world.write("plugins/_shared.py", "WORD = ['old']\n")
    await world.loader.load_all()
    counter = world.plugin("counter")
    assert world.plugin("one").word is world.plugin("two").word

    shared.write_text("WORD = ['new']\n")
    await world.loader.sync()
    assert world.plugin("one").word == ["new"]
    assert world.plugin("two").word is world.plugin("one").word
    assert world.plugin("counter") is counter

    shared.write_text("oops")
    await world.loader.sync()
    assert world.plugin("one").word == ["new"]
    assert sys.modules["rekku.plugins._shared"].WORD == ["new"]
    shared.unlink()
    await world.loader.sync()
    assert world.plugin("two").word == ["new"]
    assert world.report("plugins/one.py").state == "failed"


async def test_a_helper_that_several_share_is_left_alone_when_one_of_them_changes(world: World) -> None:
    one = world.write("plugins/one.py", USER)
    world.write("plugins/two.py", USER)
    world.write("plugins/_shared.py", "WORD = ['shared']\n")
    await world.loader.load_all()
    one.write_text(USER + "# changed\n")
    await world.loader.sync()
    assert world.plugin("one").word is world.plugin("two").word


async def test_a_file_that_failed_for_want_of_a_helper_loads_when_the_helper_comes(world: World) -> None:
    world.write("plugins/one.py", USER)
    await world.loader.load_all()
    assert PLUGIN_REGISTRY == {}
    world.write("plugins/_shared.py", "WORD = 'here'\n")
    await world.loader.sync()
    assert world.plugin("one").word == "here"


async def test_components_that_import_a_changed_component_get_the_new_one(world: World) -> None:
    diary = world.write("plugins/z_diary.py", COUNTER)
    world.write("plugins/a_user.py", "import plugins.z_diary as d\nclass U:\n    d = d\nPLUGIN_CLASS = U\n")
    await world.loader.load_all()
    diary.write_text(COUNTER.replace("version = 1", "version = 2"))
    await world.loader.sync()
    assert world.plugin("a_user").d.Counter is type(world.plugin("z_diary"))
    assert world.plugin("z_diary").version == 2


async def test_built_in_files_reload_too(world: World) -> None:
    file = world.write("plugins/counter.py", COUNTER, builtin=True)
    await world.loader.load_all()
    file.write_text(COUNTER.replace("version = 1", "version = 2"))
    await world.loader.sync()
    assert world.plugin("counter").version == 2


async def test_one_file_can_be_reloaded_by_its_path(world: World) -> None:
    file = world.write("plugins/counter.py", COUNTER)
    await world.loader.load_all()
    old = world.plugin("counter")
    assert (await world.loader.reload(file)).state == "loaded"
    assert type(world.plugin("counter")) is not type(old)
    with pytest.raises(PluginError, match="is not a component's file"):
        await world.loader.reload(Path("/nowhere.py"))


async def test_a_stubborn_stop_or_state_does_not_hinder_the_swap(world: World) -> None:
    file = world.write("plugins/counter.py", COUNTER.replace("return self.count", "1 / 0"))
    await world.loader.load_all()
    old = world.plugin("counter")
    old.stop = None
    file.write_text(COUNTER)
    await world.loader.sync()
    assert world.plugin("counter").events == ["start"]
