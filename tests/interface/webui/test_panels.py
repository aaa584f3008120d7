"""What the owner looks at and changes."""

import stat
from pathlib import Path

import pytest

from rekku.house.env_file import changed
from rekku.testing import Bot
from tests.interface.webui.visitor import Visitor, address

BROKEN = "class Broken:\n    def __init__(self):\n        raise ValueError('no luck')\n\nPLUGIN_CLASS = Broken\n"
COIN = """\
from core.settings import Setting


class Coin:
    settings = (
        Setting("COIN_SIDES", "The sides.", int, 2, minimum=2),
        Setting("COIN_KEY", "The key.", secret=True),
    )

    def get_supported_actions(self):
        return {"toss_coin": {"description": "Toss a coin.", "required_fields": ["times"], "risk": "high"}}

    def health(self):
        return self.host.settings["COIN_KEY"] or ""


PLUGIN_CLASS = Coin
"""


def drop_in(bot: Bot, name: str, text: str) -> Path:
    """Put a plugin into the home."""
    file = bot.home / "plugins" / f"{name}.py"
    file.write_text(text, encoding="utf-8")
    return file


class TestComponents:
    """The page of the components."""

    @pytest.fixture
    def web_settings(self) -> dict[str, str]:
        """The plugins of these tests are loaded, too."""
        return {"REKKU_PLUGINS": "message_plugin,webui,coin,broken"}

    async def test_it_shows_state_actions_and_tracebacks(self, bot: Bot, owner: Visitor) -> None:
        drop_in(bot, "coin", COIN)
        drop_in(bot, "broken", BROKEN)
        await bot.running.loader.sync()
        _, told = await owner.get("/web/components")
        parts = {part["name"]: part for part in told["parts"]}

        assert (parts["coin"]["state"], parts["broken"]["state"]) == ("loaded", "failed")
        assert "no luck" in parts["broken"]["traceback"]
        assert parts["event"]["state"] == "off"
        (action,) = parts["coin"]["actions"]
        assert (action["name"], action["risk"], action["fields"][0]["required"]) == ("toss_coin", "high", True)
        assert [engine["name"] for engine in told["engines"] if engine["active"]] == ["scripted"]

    async def test_a_component_is_loaded_again(self, bot: Bot, owner: Visitor) -> None:
        file = drop_in(bot, "coin", COIN)
        await bot.running.loader.sync()
        file.write_text(COIN.replace("Toss a coin.", "Toss it high."), encoding="utf-8")
        status, part = await owner.post("/web/components/reload", {"kind": "plugin", "name": "coin"})
        assert (status, part["actions"][0]["description"]) == (200, "Toss it high.")

        file.write_text(BROKEN, encoding="utf-8")
        status, part = await owner.post("/web/components/reload", {"kind": "plugin", "name": "coin"})
        assert status == 200
        assert "the version before it goes on working" in part["reason"]
        assert (await owner.post("/web/components/reload", {"kind": "plugin", "name": "nothing"}))[0] == 409

    async def test_a_component_is_switched_off_and_on_again_also_after_a_restart(
        self, bot: Bot, owner: Visitor
    ) -> None:
        drop_in(bot, "coin", COIN)
        await bot.running.loader.sync()
        coin = {"kind": "plugin", "name": "coin"}
        _, part = await owner.post("/web/components/switch", {**coin, "on": False})
        assert (part["state"], part["actions"]) == ("off", [])
        await bot.restart()
        again = Visitor(address(bot))
        await again.log_in()
        _, told = await again.get("/web/components")
        assert [part["state"] for part in told["parts"] if part["name"] == "coin"] == ["off"]
        _, part = await again.post("/web/components/switch", {**coin, "on": True})
        assert (part["state"], len(part["actions"])) == ("loaded", 1)
        assert "REKKU_OFF" not in (bot.home / ".env").read_text(encoding="utf-8")
        own = {"kind": "interface", "name": "webui", "on": False}
        assert (await again.post("/web/components/switch", own))[0] == 409
        await again.close()

    async def test_an_engine_is_chosen(self, bot: Bot, owner: Visitor) -> None:
        status, engines = await owner.post("/web/engine", {"name": "manual"})
        assert status == 200
        assert [engine["name"] for engine in engines if engine["active"]] == ["manual"]
        assert (await owner.post("/web/engine", {"name": "nobody"}))[0] == 409

    async def test_a_setting_is_written_and_its_component_has_it(self, bot: Bot, owner: Visitor) -> None:
        drop_in(bot, "coin", COIN)
        await bot.running.loader.sync()
        (bot.home / ".env").write_text("# mine\nOTHER=kept\n", encoding="utf-8")
        changes = {"COIN_SIDES": "3", "COIN_KEY": 'it\'s \\ "open sesame"'}
        status, told = await owner.post("/web/settings/change", {"changes": changes})
        assert status == 200
        values = {value["name"]: value for value in told}
        assert (values["COIN_SIDES"]["text"], values["COIN_SIDES"]["source"]) == ("3", ".env")
        assert (values["COIN_KEY"]["text"], values["COIN_KEY"]["set"]) == ("", True)
        assert "sesame" not in str(await owner.get("/web/settings"))
        assert (bot.home / ".env").read_text(encoding="utf-8").startswith("# mine\nOTHER=kept\n")
        assert stat.S_IMODE((bot.home / ".env").stat().st_mode) == 0o600
        assert bot.running.given()["COIN_KEY"] == changes["COIN_KEY"]
        await bot.running.loader.settings_changed({"COIN_KEY"})
        _, told = await owner.get("/web/components")
        assert "sesame" not in str(told)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"COIN_SIDES": "one"}, "COIN_SIDES"),
            ({"COIN_SIDES": "3", "NOTHING": "1"}, "no setting 'NOTHING'"),
            ({"COIN_SIDES": "3", "COIN_KEY": "a\nTRAINER_IDS=webui:guest"}, "one line"),
            ({"WEBUI_PORT": "9000"}, "environment"),
        ],
    )
    async def test_a_wrong_setting_changes_nothing(
        self, bot: Bot, owner: Visitor, changes: dict[str, str], words: str
    ) -> None:
        drop_in(bot, "coin", COIN)
        await bot.running.loader.sync()
        status, told = await owner.post("/web/settings/change", {"changes": changes})
        assert status == 409
        assert words in told["error"]
        assert not (bot.home / ".env").exists()


@pytest.mark.parametrize(
    ("old", "changes", "new"),
    [
        ("", {"A": "1"}, "A=1\n"),
        ("A=1", {"B": "2"}, "A=1\nB=2\n"),
        ("# one\nA='1' # why\nB=2\n", {"A": "a b"}, "# one\nA='a b'\nB=2\n"),
        ("A=1\nB=2\nA=3\n", {"A": ""}, "B=2\n"),
        ("export A=1\n\nB=2\n", {"A": "3"}, "A=3\n\nB=2\n"),
    ],
)
def test_only_what_is_named_changes_in_the_file(old: str, changes: dict[str, str], new: str) -> None:
    assert changed(old, changes) == new


async def test_why_tells_what_led_to_a_reply(bot: Bot, owner: Visitor) -> None:
    bot.model_says("Because.")
    page = await owner.open()
    number = await page.say("why?")
    await page.record("done", id=number)
    line = next(line for line in page.lines.values() if line["from"] == "rekku")
    for message_id in (line["id"], number):
        status, told = await owner.get(f"/web/because/{message_id}")
        assert status == 200
        assert [deed["action"] for deed in told["deeds"]] == ["message"]
        assert told["engine"] == "scripted"
        assert told["prompt_tokens"] > 0
        assert "time" in told["facts"]
    assert (await owner.get("/web/because/nothing"))[0] == 404


async def test_people_are_shown_and_trusted_by_the_owner(bot: Bot, owner: Visitor) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello", user="ann")
    _, people = await owner.get("/web/people")
    ann = next(person for person in people if person["name"] == "Ann")
    assert ann["role"] == "unknown"
    _, people = await owner.post("/web/people/role", {"id": ann["id"], "role": "blocked"})
    assert next(person for person in people if person["name"] == "Ann")["role"] == "blocked"
    assert await bot.hears("hello again", user="ann") == []
    assert (await owner.post("/web/people/role", {"id": ann["id"], "role": "trainer"}))[0] == 400
    assert (await owner.post("/web/people/role", {"id": "trainer", "role": "blocked"}))[0] == 409


async def test_activity_is_counted_by_day(bot: Bot, owner: Visitor) -> None:
    bot.model_says("One.", "Two.")
    await bot.hears("first")
    bot.clock.jump(86_400)
    await bot.hears("second")
    _, days = await owner.get("/web/usage?days=7")

    assert [(day["day"], day["calls"], day["heard"], day["said"]) for day in days] == [
        ("2026-03-01", 1, 1, 1),
        ("2026-03-02", 1, 1, 1),
    ]
    assert all(day["prompt_tokens"] > 0 for day in days)
    _, now = await owner.get("/web/condition")
    assert (now["database"], now["engine"], now["open"]) == ("sqlite", "scripted", 0)
