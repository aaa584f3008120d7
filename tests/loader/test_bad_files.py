"""Files that are wrong hurt nobody else, and their reports say what to do."""

from typing import Any

import pytest

from rekku.core.core_initializer import PLUGIN_REGISTRY, available_actions
from rekku.core.registry import Kind, registry
from tests.loader.conftest import DICE, World

GOOD = "class Good:\n    pass\nPLUGIN_CLASS = Good\n"

BAD = {
    "syntax": ("class Bad:\n    def x(self)\n        pass\n", "bad.py:2: SyntaxError: expected ':'"),
    "bytes": ("x = '\x00'\n", "null bytes"),
    "exit": ("import sys\nsys.exit(3)\n", "bad.py:2: tried to end the process (SystemExit: 3)"),
    "cancelled": ("import asyncio\nraise asyncio.CancelledError\n", "bad.py:2: raised (CancelledError)"),
    "raises": ("\n\nraise ValueError('no luck')\n", "bad.py:3: ValueError: no luck"),
    "constructor": (
        "class Bad:\n    def __init__(self):\n        1 / 0\nPLUGIN_CLASS = Bad\n",
        "bad.py:3: ZeroDivisionError: division by zero",
    ),
    "exit in constructor": (
        "class Bad:\n    def __init__(self):\n        raise SystemExit\nPLUGIN_CLASS = Bad\n",
        "bad.py:3: tried to end the process (SystemExit)",
    ),
    "arguments": (
        "class Bad:\n    def __init__(self, bot):\n        pass\nPLUGIN_CLASS = Bad\n",
        "bad.py:2: TypeError: Bad.__init__() missing 1 required positional argument: 'bot'",
    ),
    "no class": ("PLUGIN_CLASS = 'Bad'\n", "PLUGIN_CLASS must be a class, not str"),
    "actions": (
        "class Bad:\n    def other(self): ...\n    def get_supported_actions(self):\n        return ['bad']\n"
        "PLUGIN_CLASS = Bad\n",
        "bad.py:3: get_supported_actions() must return a dict",
    ),
    "types": (
        "class Bad:\n    def get_supported_action_types(self):\n        return 'bad'\nPLUGIN_CLASS = Bad\n",
        "bad.py:2: get_supported_action_types() must return a list of names",
    ),
    "fields": (
        "class Bad:\n    def get_supported_actions(self):\n        return {'bad': {'required_fields': 5}}\n"
        "PLUGIN_CLASS = Bad\n",
        "bad.py:2: ",
    ),
    "instructions": (
        "class Bad:\n    def get_supported_actions(self):\n        return {'bad': {}}\n"
        "    def get_prompt_instructions(self, name):\n        raise KeyError(name)\nPLUGIN_CLASS = Bad\n",
        "bad.py:5: KeyError: 'bad'",
    ),
    "reply fields": (
        "class Bad:\n    async def get_reply_fields(self):\n        return 7\nPLUGIN_CLASS = Bad\n",
        "bad.py:2: get_reply_fields() must return a dict, not int",
    ),
    "settings": (
        "class Bad:\n    settings = ['KEY']\nPLUGIN_CLASS = Bad\n",
        "settings must be a list of core.settings.Setting",
    ),
    "tables": ("class Bad:\n    tables = 3\nPLUGIN_CLASS = Bad\n", "tables must be a core.database.Schema, not int"),
    "two names": (
        "from core.core_initializer import register_plugin\nclass Bad:\n    def __init__(self):\n"
        "        register_plugin('a', self)\n        register_plugin('b', self)\nPLUGIN_CLASS = Bad\n",
        "Bad registers itself as a and as b; keep one",
    ),
    "our own module": ("import plugins.nothing\n", "bad.py:1: ModuleNotFoundError: No module named 'plugins.nothing'"),
    "start": (
        "class Bad:\n    async def start(self):\n        raise OSError('no socket')\nPLUGIN_CLASS = Bad\n",
        "bad.py:3: OSError: no socket",
    ),
    "start in a thread": (
        "class Bad:\n    def start(self):\n        raise SystemExit(1)\nPLUGIN_CLASS = Bad\n",
        "bad.py:3: tried to end the process",
    ),
    "start cancels itself": (
        "import asyncio\nclass Bad:\n    async def start(self):\n        raise asyncio.CancelledError\n"
        "PLUGIN_CLASS = Bad\n",
        "bad.py:4: start() was cancelled by itself",
    ),
}


@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD)
async def test_a_bad_file_is_reported_and_its_neighbours_load(world: World, text: str, reason: str) -> None:
    world.write("plugins/a_good.py", GOOD)
    world.write("plugins/bad.py", text)
    world.write("plugins/good.py", GOOD)
    await world.loader.load_all()

    told = world.report("plugins/bad.py")
    assert told.state == "failed"
    assert reason in told.reason
    assert str(world.home / "plugins/bad.py") in told.reason
    assert "\n" not in told.reason
    assert set(PLUGIN_REGISTRY) == {"a_good", "good"}
    assert len(world.supervisor) == 0


async def test_the_traceback_of_a_failure_begins_in_the_authors_file(world: World) -> None:
    world.write("plugins/bad.py", "def deep():\n    raise ValueError('no luck')\ndeep()\n")
    await world.loader.load_all()
    lines = world.report("plugins/bad.py").traceback.splitlines()
    assert "bad.py" in lines[1]
    assert lines[-1] == "ValueError: no luck"


LIMIT = 2.0
"""Seconds: for what hangs, and enough for a good file beside it, however busy the machine is."""

HANGS = {
    "import": "import threading\nthreading.Event().wait(60)\n",
    "constructor": "import threading\nclass B:\n    def __init__(self): threading.Event().wait(60)\nPLUGIN_CLASS = B\n",
    "question": (
        "import threading\nclass B:\n    def get_supported_actions(self): threading.Event().wait(60)\n"
        "PLUGIN_CLASS = B\n"
    ),
    "start": "import asyncio\nclass B:\n    async def start(self): await asyncio.sleep(60)\nPLUGIN_CLASS = B\n",
    "start in a thread": (
        "import threading\nclass B:\n    def start(self): threading.Event().wait(60)\nPLUGIN_CLASS = B\n"
    ),
}


@pytest.mark.parametrize("text", HANGS.values(), ids=HANGS)
async def test_a_file_that_hangs_is_given_up_and_loads_when_it_is_mended(world: World, text: str) -> None:
    world.make(import_limit=LIMIT, start_limit=LIMIT)
    file = world.write("plugins/hangs.py", text)
    world.write("plugins/z_good.py", GOOD)
    await world.loader.load_all()
    told = world.report("plugins/hangs.py")
    assert told.state == "failed"
    assert f"took more than {LIMIT:g} s; it was given up" in told.reason
    assert list(PLUGIN_REGISTRY) == ["z_good"]

    file.write_text(GOOD)
    await world.loader.sync()
    assert set(PLUGIN_REGISTRY) == {"hangs", "z_good"}


async def test_a_missing_library_is_named_with_the_command_that_installs_it(world: World) -> None:
    world.write("plugins/mariadb.py", "import no_such_library.part\n")
    world.write(
        "plugins/other.py", "class P:\n    def __init__(self):\n        import no_such_library\nPLUGIN_CLASS = P\n"
    )
    await world.loader.load_all()
    told = world.report("plugins/mariadb.py")
    assert (told.state, told.traceback) == ("missing", "")
    assert told.reason == "the library 'no_such_library' is not installed; run: pip install \"rekku[mariadb]\""
    assert world.report("plugins/other.py").reason.endswith("run: pip install no_such_library")


async def test_the_second_of_two_files_with_one_action_is_refused_with_both_named(world: World) -> None:
    world.write("plugins/one.py", DICE)
    first = world.write("plugins/aaa.py", DICE, builtin=True)
    third = world.write("plugins/three.py", GOOD)
    await world.loader.load_all()
    told = world.report("plugins/one.py")
    assert told.state == "failed"
    assert f"{world.home / 'plugins/one.py'} and {first} both offer the action 'roll_dice'" in told.reason
    assert set(PLUGIN_REGISTRY) == {"aaa", "three"}
    assert list(available_actions) == ["roll_dice"]

    first.unlink()
    third.unlink()
    await world.loader.sync()
    assert set(PLUGIN_REGISTRY) == {"one"}
    assert world.report("plugins/one.py").state == "loaded"


async def test_the_second_of_two_files_with_one_name_is_refused_with_both_named(world: World) -> None:
    one, two = world.write("plugins/a/same.py", GOOD), world.write("plugins/b/same.py", GOOD)
    world.write("plugins/pack/__init__.py", GOOD)
    world.write("plugins/pack.py", GOOD)
    await world.loader.load_all()
    assert world.report("plugins/a/same.py").state == "loaded"
    assert f"{two} and {one} both want it" in world.report("plugins/b/same.py").reason
    told = world.report("plugins/pack.py")
    assert (told.state, told.reason) == (
        "failed",
        f"rename it: {world.home / 'plugins/pack/__init__.py'} has the same name",
    )


async def test_a_name_with_a_dot_is_refused_in_words(world: World) -> None:
    world.write("plugins/dice.old.py", GOOD)
    await world.loader.load_all()
    assert "a module's name cannot have a dot in it" in world.report("plugins/dice.old.py").reason


async def test_an_engine_that_cannot_answer_is_refused(world: World) -> None:
    world.write("llm_engines/mute.py", GOOD)
    await world.loader.load_all()
    assert registry.of(Kind.ENGINE) == []
    assert "needs a method generate_response(messages)" in world.report("llm_engines/mute.py").reason


async def test_what_registers_itself_later_is_taken_in_and_goes_with_its_file(world: World) -> None:
    file = world.write(
        "plugins/late.py",
        """
        from core.core_initializer import register_plugin

        class Extra:
            def get_supported_actions(self):
                return {"extra": {}}

        class Late:
            def start(self):
                register_plugin("extra", Extra())

        PLUGIN_CLASS = Late
        """,
    )
    await world.loader.load_all()
    assert set(PLUGIN_REGISTRY) == {"late", "extra"}
    file.unlink()
    await world.loader.sync()
    assert PLUGIN_REGISTRY == {}


async def test_an_object_can_be_put_into_use_and_taken_out(world: World) -> None:
    class Given:
        def __init__(self) -> None:
            self.events: list[str] = []

        def get_supported_actions(self) -> dict[str, Any]:
            return {"given": {}}

        def start(self) -> None:
            self.events.append("start")

        def stop(self) -> None:
            self.events.append("stop")

    first, second = Given(), Given()
    await world.loader.load_all()
    component = await world.loader.adopt(Kind.PLUGIN, "given", first)
    assert await world.loader.adopt(Kind.PLUGIN, "again", first) is component
    component = await world.loader.adopt(Kind.PLUGIN, "given", second)
    assert first.events == ["start", "stop"]
    assert world.plugin("given") is second

    await world.loader.remove(component)
    assert second.events == ["start", "stop"]
    assert available_actions == {}
