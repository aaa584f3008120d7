"""A component waits for the settings that it requires, and says which are wrong."""

from rekku.core.core_initializer import PLUGIN_REGISTRY
from tests.loader.conftest import World
from tests.loader.test_bad_files import GOOD

SETTLED = """
from core.settings import Setting

class Settled:
    settings = [
        Setting("ROOM", "Where it lives.", required=True),
        Setting("KEY", "What opens it.", required=True, secret=True),
        Setting("LEVEL", "How loud.", kind=int, default=3, maximum=10),
    ]
    made = []
    def __init__(self):
        self.made.append(self)

PLUGIN_CLASS = Settled
"""


async def test_a_component_waits_for_its_settings_and_loads_when_they_are_set(world: World) -> None:
    world.write("plugins/settled.py", SETTLED)
    world.write("plugins/other.py", GOOD)
    await world.loader.load_all()
    other = world.plugin("other")
    told = world.report("plugins/settled.py")
    assert (told.state, told.reason) == ("unconfigured", "set ROOM, KEY")
    assert set(PLUGIN_REGISTRY) == {"other"}

    world.values.update(ROOM="attic", KEY="k")
    await world.loader.settings_changed({"ROOM", "KEY"})
    assert world.plugin("settled").host.settings == {"ROOM": "attic", "KEY": "k", "LEVEL": 3}
    assert len(world.plugin("settled").made) == 1
    assert world.plugin("other") is other

    world.values["LEVEL"] = "eleven"
    await world.loader.settings_changed({"LEVEL"})
    told = world.report("plugins/settled.py")
    assert told.reason.startswith("LEVEL in the environment or .env is not 'eleven': a whole number")
    assert told.reason.endswith("the version before it goes on working")
    assert world.plugin("settled").host.settings["LEVEL"] == 3

    del world.values["KEY"]
    world.values["LEVEL"] = "5"
    await world.loader.settings_changed({"KEY", "LEVEL"})
    assert set(PLUGIN_REGISTRY) == {"other"}
    assert world.report("plugins/settled.py").reason == "set KEY"


async def test_a_class_may_say_itself_what_is_missing(world: World) -> None:
    world.write(
        "plugins/either.py",
        """
        class Either:
            @classmethod
            def missing_settings(cls, given):
                return () if given.get("KEY") or given.get("URL") else ["KEY or URL"]

        PLUGIN_CLASS = Either
        """,
    )
    await world.loader.load_all()
    assert world.report("plugins/either.py").reason == "set KEY or URL"


async def test_a_malformed_setting_is_told_before_anything_is_made(world: World) -> None:
    world.values.update(ROOM="attic", KEY="k", LEVEL="11")
    world.write("plugins/settled.py", SETTLED)
    await world.loader.load_all()
    told = world.report("plugins/settled.py")
    assert told.state == "failed"
    assert "LEVEL" in told.reason
    assert "at most 10" in told.reason
