"""Encrypted rooms on Matrix: with another client that encrypts, and what is said where Rekku cannot."""

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nio
import pytest
from nio.crypto.attachments import decrypt_attachment

from rekku.interface._matrix_interface import session
from rekku.testing import bot_at
from tests.interface.matrix import Matrix
from tests.interface.on_matrix import ALONE, OnMatrix, comes
from tests.interface.suite import PNG, Giver, asked, does
from tests.interface.world import Talk
from tests.servers.synapse import PASSWORD, running

ENCRYPTION = {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}

SEALED = {"algorithm": "m.megolm.v1.aes-sha2"} | dict.fromkeys(
    ("ciphertext", "session_id", "sender_key", "device_id"), "x"
)
"""A message of whose key nobody knows."""


async def secret_room(world: Matrix) -> str:
    """An encrypted room of Ann's, into which Rekku is invited."""
    return await world.make_room("ann", [world.id("rekku")], is_direct=True, initial_state=[ENCRYPTION])


async def say(client: nio.AsyncClient, room: str, content: dict[str, Any]) -> None:
    """Say something, encrypted."""
    await client.room_send(room, "m.room.message", content, ignore_unverified_devices=True)


async def heard(client: nio.AsyncClient, talk: Talk, room: str, least: int = 1) -> list[Any]:
    """What Rekku says in a room, decrypted, as soon as it has said so much."""
    found: list[Any] = []
    async with asyncio.timeout(30):
        while len(found) < least:
            told = await client.sync(300)
            if client.should_query_keys:
                await client.keys_query()
            await client.send_to_device_messages()
            joined = told.rooms.join.get(room)
            said = [e for e in joined.timeline.events if e.sender == talk.world.id("rekku")] if joined else []  # type: ignore[attr-defined]
            found += [event for event in said if isinstance(event, nio.RoomMessage | nio.MegolmEvent)]
            await talk.bot.clock.advance(0.2)
    return found


class TestEncryptedRooms(OnMatrix):
    """They are rooms like any other."""

    @pytest.fixture
    async def ann(self, world: Matrix, tmp_path: Path) -> AsyncIterator[nio.AsyncClient]:
        """Ann with a client that encrypts."""
        folder = tmp_path / "keys"
        await asyncio.to_thread(folder.mkdir)
        client = nio.AsyncClient(running[0].url, world.id("ann"), store_path=str(folder))
        await client.login(PASSWORD)
        await client.sync(0, full_state=True)
        await client.keys_upload()
        yield client
        await client.close()

    async def test_words_go_both_ways_and_the_homeserver_sees_none(
        self, talk: Talk, world: Matrix, ann: nio.AsyncClient
    ) -> None:
        room = await secret_room(world)
        await comes(talk, room)
        await ann.sync(0, full_state=True)
        await ann.keys_query()
        long = " ".join(["Слово", "語り口"] * 1_400)
        talk.bot.model_says(long)
        await say(ann, room, {"msgtype": "m.text", "body": "this is secret"})
        answers = await heard(ann, talk, room)
        while len(" ".join(answer.body for answer in answers)) < len(long):
            answers += await heard(ann, talk, room)

        assert asked(talk.bot)["input"]["payload"]["text"] == "this is secret"
        assert all(answer.decrypted for answer in answers), "it came encrypted, and could be read"
        assert " ".join(answer.body for answer in answers) == long
        told = await world.call("ann", "GET", f"/rooms/{quote(room)}/messages?dir=b&limit=9")
        assert all(event["type"] != "m.room.message" for event in told["chunk"])

    async def test_files_go_both_ways(self, talk: Talk, world: Matrix, ann: nio.AsyncClient) -> None:
        talk.bot.add(Giver())
        await talk.bot.settle()
        room = await secret_room(world)
        await comes(talk, room)
        await ann.sync(0, full_state=True)
        await ann.keys_query()
        upload, keys = await ann.upload(lambda *_: io.BytesIO(PNG), "image/png", "cat.png", True, filesize=len(PNG))
        assert isinstance(upload, nio.UploadResponse)
        file = {**(keys or {}), "url": upload.content_uri}
        talk.bot.model_says(does("give_picture"))
        await say(ann, room, {"msgtype": "m.image", "body": "cat.png", "file": file, "info": {"mimetype": "image/png"}})
        answers = await heard(ann, talk, room)
        while not isinstance(answers[-1], nio.RoomEncryptedImage):
            answers += await heard(ann, talk, room)

        assert asked(talk.bot)["input"]["payload"]["attachments"] == ["image: cat.png"]
        image = answers[-1]
        got = await ann.download(image.url)
        assert isinstance(got, nio.MemoryDownloadResponse)
        assert isinstance(got.body, bytes)
        assert got.body != PNG
        assert decrypt_attachment(got.body, image.key["k"], image.hashes["sha256"], image.iv) == PNG

    async def test_what_cannot_be_decrypted_is_told_rather_than_silently_left_out(
        self, talk: Talk, world: Matrix
    ) -> None:
        room = await secret_room(world)
        await comes(talk, room)
        talk.bot.model_says("I could not read that.")
        await world.send("ann", room, SEALED, "m.room.encrypted")
        await talk.until(lambda: talk.bot.engine.prompts)

        assert asked(talk.bot)["input"]["payload"]["text"] == "[a message that could not be decrypted]"


async def test_without_the_extra_the_owner_is_told_and_no_word_goes_out_in_the_clear(
    homeserver: object, bot_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "ENCRYPTION_ENABLED", False)
    world = Matrix(running[0])
    await world.open()
    async with bot_at(bot_home, {**ALONE, **world.settings}, interfaces=["matrix_interface"]) as bot:
        await world.attach(bot)
        talk = Talk(world, bot)  # type: ignore[arg-type]
        bot.model_says("Hello, boss.")
        await talk.hears("hello", user="owner")
        room = await secret_room(world)
        await comes(talk, room)
        await world.send("ann", room, {"msgtype": "m.text", "body": "an open question", "m.mentions": {}})
        bot.model_says("An open answer.")
        await talk.until(lambda: bot.engine.prompts[1:])
        await world.send("ann", room, SEALED, "m.room.encrypted")
        await talk.until(lambda: any("encrypted" in text for text in talk.texts("owner")))
        await talk.rest()
        told = await world.call("ann", "GET", f"/rooms/{quote(room)}/messages?dir=b&limit=20")

        assert "rekku[matrix_e2e]" in " ".join(talk.texts("owner"))
        assert "An open answer." not in str(told["chunk"])
    await world.close()
