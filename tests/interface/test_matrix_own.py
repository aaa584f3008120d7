"""What is Matrix's alone: encrypted rooms, invitations, gaps, sessions, its way to mark replies and mentions."""

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nio
import pytest

from rekku.core.registry import Kind
from rekku.interface._matrix_interface.formatting import html_of
from rekku.interface._matrix_interface.reading import without_fallback
from rekku.testing import bot_at
from tests.interface.matrix import Matrix
from tests.interface.suite import GROUP, PNG, asked
from tests.interface.world import Talk
from tests.servers.synapse import PASSWORD, running

pytestmark = pytest.mark.usefixtures("homeserver")
ALONE = {"REKKU_PLUGINS": "message_plugin,matrix_interface"}


@pytest.fixture
async def world(homeserver: object) -> AsyncIterator[Matrix]:
    made = Matrix(running[0])
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def talk(world: Matrix, bot_home: Path) -> AsyncIterator[Talk]:
    """A bot on Matrix."""
    async with bot_at(bot_home, {**ALONE, **world.settings}, interfaces=["matrix_interface"]) as bot:
        await world.attach(bot)
        yield Talk(world, bot)  # type: ignore[arg-type] # what it cannot is not asked for


def health(talk: Talk) -> str:
    """What the interface says of itself."""
    component = talk.bot.running.registry.get(Kind.INTERFACE, "matrix_interface")
    assert component is not None
    return str(component.instance.health())


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("**bold** <script>alert(1)</script>", "<strong>bold</strong> &lt;script&gt;alert(1)&lt;/script&gt;"),
        ("one\ntwo", "one<br />\ntwo"),
        ("![x](https://evil.example/spy.png)", "spy.png"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
    ],
)
def test_html_is_made_of_a_safe_subset(markdown: str, html: str) -> None:
    made = html_of(markdown)
    assert html in made
    assert "<script" not in made
    assert "<img" not in made


def test_the_quotation_of_older_clients_is_left_out() -> None:
    assert without_fallback("> <@ann:x> hi\n> there\n\nwell") == "well"
    assert without_fallback("> a real quotation") == "> a real quotation"
    assert without_fallback("plain") == "plain"


async def someone(world: Matrix, folder: Path) -> nio.AsyncClient:
    """Ann with a client that encrypts."""
    await asyncio.to_thread(folder.mkdir)
    client = nio.AsyncClient(running[0].url, world.id("ann"), store_path=str(folder))
    await client.login(PASSWORD)
    await client.sync(0, full_state=True)
    await client.keys_upload()
    return client


async def heard(client: nio.AsyncClient, talk: Talk, room: str) -> list[Any]:
    """What Rekku says in a room, decrypted, as soon as it says something."""
    found: list[Any] = []
    async with asyncio.timeout(30):
        while not found:
            told = await client.sync(300)
            if client.should_query_keys:
                await client.keys_query()
            await client.send_to_device_messages()
            joined = told.rooms.join.get(room)
            found = [e for e in joined.timeline.events if e.sender == talk.world.id("rekku")] if joined else []  # type: ignore[attr-defined]
            found = [event for event in found if isinstance(event, nio.RoomMessage | nio.MegolmEvent)]
            await talk.bot.clock.advance(0.2)
    return found


async def test_an_encrypted_room_is_a_room_like_any_other(talk: Talk, world: Matrix, tmp_path: Path) -> None:
    client = await someone(world, tmp_path / "keys")
    encryption = {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}
    room = await world.make_room("ann", [world.id("rekku")], is_direct=True, initial_state=[encryption])
    while world.id("rekku") not in await world._members("ann", room):
        await talk.bot.clock.advance(0.2)
    await client.sync(0, full_state=True)
    await client.keys_query()
    talk.bot.model_says("I can keep a secret.")
    content = {"msgtype": "m.text", "body": "this is secret"}
    await client.room_send(room, "m.room.message", content, ignore_unverified_devices=True)
    (answer,) = await heard(client, talk, room)

    assert asked(talk.bot)["input"]["payload"]["text"] == "this is secret"
    assert isinstance(answer, nio.RoomMessageText), "it came encrypted, and could be read"
    assert answer.decrypted
    assert answer.body == "I can keep a secret."
    told = await world.call("ann", "GET", f"/rooms/{quote(room)}/messages?dir=b&limit=5")
    assert all(event["type"] != "m.room.message" for event in told["chunk"]), "the homeserver has seen no word"
    await client.close()


async def test_an_invitation_is_accepted_only_of_whom_the_owner_says(world: Matrix, bot_home: Path) -> None:
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


async def membership(world: Matrix, user: str, room: str, who: str) -> str:
    """What somebody is to a room."""
    told = await world.call(user, "GET", f"/rooms/{quote(room)}/members")
    states = {event["state_key"]: event["content"]["membership"] for event in told["chunk"]}
    return str(states.get(who, ""))


async def test_what_was_said_before_it_came_is_not_answered(talk: Talk, world: Matrix) -> None:
    room = await world.make_room("ann", [])
    world.rooms["new"] = room
    await world.send("ann", room, {"msgtype": "m.text", "body": "rekku, old words", "m.mentions": {}})
    await world.call("ann", "POST", f"/rooms/{quote(room)}/invite", {"user_id": world.id("rekku")})
    while world.id("rekku") not in await world._members("ann", room):
        await talk.bot.clock.advance(0.2)
    await talk.rest()
    del world.rooms["new"]

    assert talk.bot.engine.prompts == []


async def test_a_long_absence_leaves_no_gap(talk: Talk, world: Matrix) -> None:
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


async def history(talk: Talk) -> list[Any]:
    """All that was said."""
    from sqlalchemy import select

    from rekku.core.database import Statement
    from rekku.store.schema import HISTORY

    return await talk.bot.running.database.fetch(Statement(select(HISTORY).order_by(HISTORY.c.id)))


async def test_it_logs_in_once_and_is_the_same_device_afterwards(talk: Talk, world: Matrix) -> None:
    file = talk.bot.home / "data" / "matrix_interface" / "session.json"
    before = file.read_text()
    await talk.bot.restart()
    await world.attach(talk.bot)

    assert file.read_text() == before
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_wrong_password_is_told(world: Matrix, bot_home: Path) -> None:
    settings = {**ALONE, **world.settings, "MATRIX_PASSWORD": "wrong"}
    async with bot_at(bot_home, settings, interfaces=["matrix_interface"]) as bot:
        talk = Talk(world, bot)  # type: ignore[arg-type]
        await talk.until(lambda: "does not accept MATRIX_USER with MATRIX_PASSWORD" in health(talk))


async def test_a_token_is_as_good_as_a_password(world: Matrix, bot_home: Path) -> None:
    client = nio.AsyncClient(running[0].url, world.id("rekku"))
    await client.login(PASSWORD)
    settings = {**ALONE, **world.settings, "MATRIX_TOKEN": client.access_token}
    del settings["MATRIX_USER"], settings["MATRIX_PASSWORD"]
    await client.close()
    async with bot_at(bot_home, settings, interfaces=["matrix_interface"]) as bot:
        await world.attach(bot)
        bot.model_says("Hello.")
        assert await Talk(world, bot).hears("hi") == ["Hello."]  # type: ignore[arg-type]


async def test_a_picture_is_a_picture_whatever_its_name_says(talk: Talk, world: Matrix) -> None:
    talk.bot.model_says("A cat.")
    await talk.hears("look", files=[("image", "cat.png", "image/png", PNG)])

    assert asked(talk.bot)["input"]["payload"]["text"] == "look"
    assert asked(talk.bot)["input"]["payload"]["attachments"] == ["image: cat.png"]


@pytest.mark.parametrize(
    "content",
    [
        {"msgtype": "m.text", "body": "x", "m.relates_to": "nonsense"},
        {
            "msgtype": "m.text",
            "body": "x",
            "m.relates_to": {"rel_type": "m.replace", "event_id": 7},
            "m.new_content": 1,
        },
        {"msgtype": "m.image", "body": "x", "url": "mxc://nowhere/../../x", "info": "large"},
        {"msgtype": "m.file", "body": "x", "file": {"url": "mxc://a/b", "key": 1}},
    ],
)
async def test_what_makes_no_sense_stops_nothing(talk: Talk, world: Matrix, content: dict[str, Any]) -> None:
    await world.send("ann", world.rooms["ann"], content)
    talk.bot.model_says("Still here.", "Still here.")
    await world.says("are you there?")
    await talk.until(lambda: "Still here." in talk.texts())
