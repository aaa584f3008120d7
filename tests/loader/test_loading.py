"""What a file in the home becomes."""

import sys

from rekku.core.core_initializer import (
    ACTIVE_INTERFACES,
    INTERFACE_REGISTRY,
    PLUGIN_REGISTRY,
    action_instructions,
    available_actions,
)
from rekku.core.registry import Kind, registry
from tests.loader.conftest import DICE, SAMPLE, World

PLAIN = """
    class Plain:
        def get_supported_actions(self):
            return {{"{0}": {{"description": "Do {0}.", "required_fields": ["what"]}}}}

    PLUGIN_CLASS = Plain
"""


async def test_the_documents_sample_plugin_loads_unchanged_and_goes_with_its_file(world: World) -> None:
    file = world.write("plugins/my_action_plugin.py", SAMPLE)
    await world.loader.load_all()

    assert world.report("plugins/my_action_plugin.py").state == "loaded"
    assert world.report("plugins/my_action_plugin.py").name == "myplugin"
    assert available_actions["my_action"]["required_fields"] == ["value"]
    assert action_instructions["my_action"]["payload"]["value"]["type"] == "string"
    component = registry.get(Kind.PLUGIN, "myplugin")
    assert component is not None
    assert component.actions[0].absent({}) == ["payload.value is required"]

    file.unlink()
    await world.loader.sync()
    assert available_actions == {}
    assert PLUGIN_REGISTRY == {}
    assert world.loader.reports == {}


async def test_a_class_that_never_registers_has_its_files_name(world: World) -> None:
    world.write("plugins/dice.py", DICE)
    await world.loader.load_all()
    assert await registry.of(Kind.PLUGIN)[0].members.call("handle_custom_action", "roll_dice", {"sides": 2})
    assert list(PLUGIN_REGISTRY) == ["dice"]


async def test_a_class_needs_no_base_class(world: World) -> None:
    world.write("plugins/plain.py", PLAIN.format("plain"))
    await world.loader.load_all()
    assert PLUGIN_REGISTRY["plain"].host.name == "plain"
    assert await registry.of(Kind.PLUGIN)[0].members.call("validate_payload", "plain", {}) == []


async def test_introspection_may_be_async(world: World) -> None:
    world.write(
        "plugins/later.py",
        """
        class Later:
            async def get_supported_action_types(self):
                return ["static_inject", "later"]
            async def get_supported_actions(self):
                return {"later": {"description": "Later."}}
            async def get_prompt_instructions(self, name):
                return {"payload": {"when": {"type": "string"}}}
            async def get_reply_fields(self):
                return {"mood": {"type": "string"}}

        PLUGIN_CLASS = Later
        """,
    )
    await world.loader.load_all()
    (component,) = registry.of(Kind.PLUGIN)
    assert [action.name for action in component.actions] == ["later"]
    assert component.actions[0].optional == ("when",)
    assert component.reply_fields == {"mood": {"type": "string"}}


async def test_both_orders_of_registering_work_and_announcing_alone_too(world: World) -> None:
    header = "from core.core_initializer import core_initializer, register_plugin\n"
    for name, lines in {
        "one": 'register_plugin("first", self); core_initializer.register_plugin("first")',
        "two": 'core_initializer.register_plugin("second"); register_plugin("second", self)',
        "three": 'core_initializer.register_plugin("third")',
    }.items():
        text = f"{header}class P:\n    def __init__(self):\n        {lines}\nPLUGIN_CLASS = P\n"
        world.write(f"plugins/{name}.py", text)
    await world.loader.load_all()
    assert set(PLUGIN_REGISTRY) == {"first", "second", "third"}


async def test_an_object_that_was_made_and_registered_at_import_is_not_made_twice(world: World) -> None:
    world.write(
        "plugins/ready.py",
        """
        from core.core_initializer import register_plugin

        class Ready:
            made = []
            def __init__(self):
                self.made.append(self)

        register_plugin("ready_made", Ready())
        PLUGIN_CLASS = Ready
        """,
    )
    await world.loader.load_all()
    assert len(PLUGIN_REGISTRY["ready_made"].made) == 1
    assert list(PLUGIN_REGISTRY) == ["ready_made"]


async def test_one_file_may_hold_a_plugin_and_an_interface(world: World) -> None:
    world.write(
        "interface/both.py",
        """
        from core.core_initializer import register_interface

        class Talks:
            def __init__(self):
                register_interface("from_register", self)
            @staticmethod
            def get_interface_id():
                return "both_bot"

        class Acts:
            def get_supported_actions(self):
                return {"act": {}}

        INTERFACE_CLASS, PLUGIN_CLASS = Talks, Acts
        """,
    )
    world.write("plugins/quiet.py", "class Quiet:\n    pass\nINTERFACE_CLASS = Quiet\n")
    await world.loader.load_all()
    assert {"both_bot", "quiet"} == ACTIVE_INTERFACES == set(INTERFACE_REGISTRY)
    assert list(PLUGIN_REGISTRY) == ["both"]
    assert world.report("interface/both.py").state == "loaded"


async def test_folders_are_searched_at_any_depth_and_private_ones_are_not(world: World) -> None:
    world.write("plugins/a/b/c/deep.py", PLAIN.format("deep"))
    world.write("plugins/with-dash.py", PLAIN.format("dash"))
    world.write("plugins/_hidden.py", "raise RuntimeError('never imported')")
    world.write("plugins/_parts/x.py", "raise RuntimeError('never imported')")
    world.write("plugins/.cache/x.py", "raise RuntimeError('never imported')")
    world.write("plugins/words.py", "WORDS = 1\n")
    (world.home / "plugins/a/loop").symlink_to(world.home / "plugins/a")
    await world.loader.load_all()
    assert set(PLUGIN_REGISTRY) == {"deep", "with-dash"}
    assert {told.file.name: told.state for told in world.loader.reports.values()} == {
        "deep.py": "loaded",
        "with-dash.py": "loaded",
        "words.py": "helper",
    }


async def test_a_package_is_one_component_and_uses_its_own_modules(world: World) -> None:
    world.write("plugins/pack/__init__.py", "from plugins.pack.body import Pack as PLUGIN_CLASS\n")
    world.write("plugins/pack/body.py", "from . import words\n" + DICE.replace("DicePlugin", "Pack"))
    world.write("plugins/pack/words.py", "PLUGIN_CLASS = 'not a class, and not looked at'\n")
    await world.loader.load_all()
    assert list(PLUGIN_REGISTRY) == ["pack"]
    assert list(world.loader.reports) == [world.home / "plugins/pack/__init__.py"]


async def test_private_parts_can_be_imported_under_both_names(world: World) -> None:
    world.write("plugins/_tool/parts.py", "VALUE = []\n")
    world.write(
        "plugins/tool.py",
        """
        import plugins._tool.parts as short
        from rekku.plugins._tool import parts as real
        from plugins._tool.parts import VALUE

        class Tool:
            same = short is real and VALUE is real.VALUE

        PLUGIN_CLASS = Tool
        """,
    )
    await world.loader.load_all()
    assert PLUGIN_REGISTRY["tool"].same is True


async def test_one_component_can_import_another_and_there_is_one_of_each(world: World) -> None:
    world.write(
        "plugins/a_user.py", "import plugins.diary as diary\nclass User:\n    diary = diary\nPLUGIN_CLASS = User"
    )
    world.write("plugins/diary.py", "class Diary:\n    pass\nPLUGIN_CLASS = Diary\n")
    await world.loader.load_all()
    assert PLUGIN_REGISTRY["a_user"].diary.Diary is type(PLUGIN_REGISTRY["diary"])


async def test_a_file_in_the_home_replaces_the_built_in_of_that_name_until_it_is_deleted(world: World) -> None:
    built = world.write("plugins/dice.py", "class Old:\n    pass\nPLUGIN_CLASS = Old\n", builtin=True)
    mine = world.write("plugins/dice.py", "class Mine:\n    pass\nPLUGIN_CLASS = Mine\n")
    await world.loader.load_all()
    assert type(world.plugin("dice")).__name__ == "Mine"
    assert world.loader.reports[built].state == "replaced"
    assert str(mine) in world.loader.reports[built].reason

    mine.unlink()
    await world.loader.sync()
    assert type(world.plugin("dice")).__name__ == "Old"
    assert world.loader.reports[built].state == "loaded"
    assert mine not in world.loader.reports

    mine.write_text("class Again:\n    pass\nPLUGIN_CLASS = Again\n")
    await world.loader.sync()
    assert type(world.plugin("dice")).__name__ == "Again"
    assert world.loader.reports[built].state == "replaced"


async def test_only_the_named_plugins_load_if_some_are_named(world: World) -> None:
    world.write("plugins/one.py", PLAIN.format("one"))
    world.write("plugins/two.py", PLAIN.format("two"))
    world.write("interface/talk.py", "class Talk:\n    pass\nINTERFACE_CLASS = Talk\n")
    world.make(only=frozenset({"two"}))
    await world.loader.load_all()
    assert list(PLUGIN_REGISTRY) == ["two"]
    assert list(INTERFACE_REGISTRY) == ["talk"]
    assert world.report("plugins/one.py").state == "off"


async def test_engines_may_be_registered_by_a_dotted_path(world: World) -> None:
    engine = "class E:\n    def generate_response(self, messages):\n        return 'hi'\nPLUGIN_CLASS = E\n"
    world.write("llm_engines/_mine/engine.py", engine)
    world.write("llm_engines/plain.py", engine)
    world.write(
        "plugins/brings.py",
        """
        from core.llm_registry import get_llm_registry

        get_llm_registry().register_engine_module("my_engine", "llm_engines._mine.engine")
        get_llm_registry().register_engine_module("plain", "llm_engines.plain")
        get_llm_registry().register_engine_module("gone", "llm_engines._gone")
        """,
    )
    await world.loader.load_all()
    assert {component.name for component in registry.of(Kind.ENGINE)} == {"my_engine", "plain"}
    (told,) = [told for told in world.loader.reports.values() if told.name == "gone"]
    assert (told.kind, told.state) == (Kind.ENGINE, "failed")
    assert "No module named" in told.reason


async def test_a_look_around_starts_nothing(world: World) -> None:
    world.write(
        "plugins/lively.py",
        """
        from core.database import Schema

        class Lively:
            tables = Schema("lively")
            started = False
            def start(self):
                self.started = True

        PLUGIN_CLASS = Lively
        """,
    )
    await world.loader.load_all(start=False)
    assert world.plugin("lively").started is False
    assert world.migrated == []
    await world.loader.stop_all()

    await world.loader.load_all()
    assert world.plugin("lively").started is True
    assert world.migrated == ["lively"]


async def test_a_hundred_files_load_and_leave_nothing_behind(world: World) -> None:
    before = set(sys.modules)
    for number in range(100):
        world.write(f"plugins/p{number}.py", PLAIN.format(f"act{number}"))
    await world.loader.load_all()
    assert len(available_actions) == 100
    await world.loader.stop_all()
    assert {name for name in set(sys.modules) - before if "plugins" in name} == set()
    assert len(PLUGIN_REGISTRY) == len(world.supervisor) == 0
