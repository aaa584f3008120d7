"""What is Matrix's alone: invitations, gaps, sessions, its formatting."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nio
import pytest

from rekku.interface._matrix_interface.formatting import html_of
from rekku.interface._matrix_interface.reading import without_fallback
from rekku.testing import bot_at
from tests.interface.matrix import Matrix
from tests.interface.matrix_clients import Client
from tests.interface.on_matrix import ALONE, OnMatrix, comes, membership
from tests.interface.suite import GROUP, PNG, asked, health
from tests.interface.world import Talk
from tests.servers.synapse import PASSWORD, running


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**bold** <script>alert(1)</script>", "<strong>bold</strong> &lt;script&gt;alert(1)&lt;/script&gt;"),
        ("one\ntwo", "one<br />\ntwo"),
        ("![x](https://evil.example/spy.png)", "spy.png"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("[bank](https://evil.example/(x))", "[bank](https://evil.example/(x))"),
        ("[bank][1]\n\n[1]: https://evil.example", "[bank][1]"),
    ],
)
def test_html_is_made_of_a_safe_subset(markdown: str, html: str) -> None:
    made = html_of(markdown)
    assert html in made
    assert "<script" not in made
    assert "<img" not in made
    assert "<a " not in made


def test_the_quotation_of_older_clients_is_left_out() -> None:
    assert without_fallback("> <@ann:x> hi\n> there\n\nwell") == "well"
    assert without_fallback("> a real quotation") == "> a real quotation"
    assert without_fallback("plain") == "plain"


async def history(talk: Talk) -> list[Any]:
    """All that was said."""
    from sqlalchemy import select

    from rekku.core.database import Statement
    from rekku.store.schema import HISTORY

    return await talk.bot.running.database.fetch(Statement(select(HISTORY).order_by(HISTORY.c.id)))


class TestMatrixAlone(OnMatrix):
    """Rooms, gaps and sessions."""

    async def test_an_invitation_is_accepted_only_of_whom_the_owner_says(self, world: Matrix, bot_home: Path) -> None:
        shy = world.id("shy")
        await running[0].register(shy[1:].partition(":")[0])
        settings = {**ALONE, **world.settings, "MATRIX_USER": shy, "MATRIX_INVITES": "trainer"}
        declined = await world.make_room("bob", [shy])
        accepted = await world.make_room("owner", [shy])
        async with bot_at(bot_home, settings, interfaces=["matrix_interface"]) as bot, asyncio.timeout(20):
            while await membership(world, "owner", accepted, shy) != "join":
                await bot.clock.advance(0.2)
            while await membership(world, "bob", declined, shy) != "leave":
                await bot.clock.advance(0.2)

    async def test_what_was_said_before_it_came_is_not_answered(self, talk: Talk, world: Matrix) -> None:
        room = await world.make_room("ann", [])
        world.rooms["new"] = room
        await world.send("ann", room, {"msgtype": "m.text", "body": "rekku, old words", "m.mentions": {}})
        await world.call("ann", "POST", f"/rooms/{quote(room)}/invite", {"user_id": world.id("rekku")})
        await comes(talk, room)
        await talk.rest()
        del world.rooms["new"]

        assert talk.bot.engine.prompts == []

    async def test_a_long_absence_leaves_no_gap(self, talk: Talk, world: Matrix) -> None:
        talk.bot.model_says("Hello.")
        await talk.hears("hello")
        await talk.bot.stop()
        for number in range(30):
            await world.says(f"word {number}", chat=GROUP, user="bob")
        await talk.bot.start()
        await world.attach(talk.bot)
        talk.bot.model_says("I have heard it all.")
        await talk.hears("what was said?", chat=GROUP, mention=True)
        lines = [row.text for row in await history(talk)]

        assert [f"word {number}" for number in range(30)] == [line for line in lines if line.startswith("word ")]

    async def test_it_logs_in_once_and_is_the_same_device_afterwards(self, talk: Talk, world: Matrix) -> None:
        file = talk.bot.home / "data" / "matrix_interface" / "session.json"
        before = file.read_text()
        await talk.bot.restart()
        await world.attach(talk.bot)

        assert file.read_text() == before
        assert stat.S_IMODE(file.stat().st_mode) == 0o600

    async def test_a_wrong_password_is_told(self, world: Matrix, bot_home: Path) -> None:
        settings = {**ALONE, **world.settings, "MATRIX_PASSWORD": "wrong"}
        async with bot_at(bot_home, settings, interfaces=["matrix_interface"]) as bot:
            talk = Talk(world, bot)  # type: ignore[arg-type]
            await talk.until(lambda: "does not accept MATRIX_USER with MATRIX_PASSWORD" in health(talk))

    async def test_a_token_is_as_good_as_a_password(self, world: Matrix, bot_home: Path) -> None:
        client = nio.AsyncClient(running[0].url, world.id("rekku"))
        await client.login(PASSWORD)
        settings = {**ALONE, **world.settings, "MATRIX_TOKEN": client.access_token}
        del settings["MATRIX_USER"], settings["MATRIX_PASSWORD"]
        await client.close()
        async with bot_at(bot_home, settings, interfaces=["matrix_interface"]) as bot:
            await world.attach(bot)
            bot.model_says("Hello.")
            assert await Talk(world, bot).hears("hi") == ["Hello."]  # type: ignore[arg-type]

    async def test_a_picture_is_a_picture_whatever_its_name_says(self, talk: Talk, world: Matrix) -> None:
        talk.bot.model_says("A cat.")
        await talk.hears("look", files=[("image", "cat.png", "image/png", PNG)])

        assert asked(talk.bot)["input"]["payload"]["text"] == "look"
        assert asked(talk.bot)["input"]["payload"]["attachments"] == ["image: cat.png"]

    async def test_the_place_of_another_account_is_not_gone_on_from(self, world: Matrix, bot_home: Path) -> None:
        place = bot_home / "data" / "matrix_interface" / "since"
        place.parent.mkdir(parents=True)
        place.write_text("of-another-homeserver\n@rekku:elsewhere.example")
        async with bot_at(bot_home, {**ALONE, **world.settings}, interfaces=["matrix_interface"]) as bot:
            await world.attach(bot)

            assert place.read_text().endswith(world.id("rekku"))

    async def test_a_session_that_was_ended_elsewhere_is_begun_anew(self, talk: Talk, world: Matrix) -> None:
        file = talk.bot.home / "data" / "matrix_interface" / "session.json"
        world.clients["rekku"] = Client("rekku", json.loads(file.read_text())["access_token"])
        await world.call("rekku", "POST", "/logout", {})
        await talk.until(lambda: "has ended the session" in health(talk))
        talk.bot.model_says("I am back.")

        assert await talk.hears("are you there?") == ["I am back."]
        assert health(talk) == ""
