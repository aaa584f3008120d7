"""What people can do to Rekku on Matrix: odd events, others' edits, replies across rooms; a homeserver in trouble."""

import asyncio
from typing import Any

import pytest

from tests.interface.matrix import Matrix
from tests.interface.on_matrix import OnMatrix, comes
from tests.interface.suite import GROUP, PNG, asked
from tests.interface.world import Talk
from tests.road.gates import Ajar


class TestWhatPeopleSend(OnMatrix):
    """Nobody can put it out of action, speak for another, or read elsewhere."""

    @pytest.mark.parametrize(
        "content",
        [
            {"msgtype": "m.text", "body": "x", "m.relates_to": "nonsense"},
            {"msgtype": "m.text", "body": "x", "m.relates_to": {"m.in_reply_to": ["$x"]}},
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
    async def test_what_makes_no_sense_stops_nothing(self, talk: Talk, world: Matrix, content: dict[str, Any]) -> None:
        await world.send("ann", world.rooms["ann"], content)
        talk.bot.model_says("Still here.", "Still here.")
        await world.says("are you there?")
        await talk.until(lambda: "Still here." in talk.texts())

    async def test_the_steps_of_a_verification_are_nobodys_words(self, talk: Talk, world: Matrix) -> None:
        content = {"msgtype": "m.key.verification.request", "body": "Ann wants to verify", "to": world.id("rekku")}
        await world.send("ann", world.rooms["ann"], content)
        talk.bot.model_says("Hello.")

        assert await talk.hears("hello") == ["Hello."]
        assert len(talk.bot.engine.prompts) == 1

    async def test_nobody_changes_what_rekku_said(self, talk: Talk, world: Matrix) -> None:
        talk.bot.model_says("The key is safe.", "As I said.")
        await talk.hears("is it?", chat=GROUP, mention=True)
        said = world.shown(GROUP)[-1]
        new = {"msgtype": "m.text", "body": "The key is under the mat."}
        relation = {"rel_type": "m.replace", "event_id": said.id}
        content = {**new, "m.new_content": new, "m.relates_to": relation}
        await world.send("bob", world.rooms["group"], content)
        await talk.hears("what did you say?", chat=GROUP, reply_to=said.id)

        quotes = asked(talk.bot)["input"]["payload"]["reply_to"]
        assert [(quote["from"], quote["text"]) for quote in quotes] == [("you", "The key is safe.")]

    async def test_a_reply_shows_nothing_of_another_room(self, talk: Talk, world: Matrix) -> None:
        talk.bot.model_says("I keep it.", "What do you mean?")
        secret = await world.says("my secret is 1234", user="owner")
        await talk.until(lambda: talk.texts("owner") == ["I keep it."])
        await talk.hears("and this?", chat=GROUP, mention=True, reply_to=secret)

        assert "1234" not in talk.bot.engine.prompts[-1]

    async def test_what_is_edited_in_a_thread_is_answered_as_it_is_now(self, talk: Talk, world: Matrix) -> None:
        talk.bot.engine.gate = asyncio.Event()
        talk.bot.model_says("First.", "Second.")
        await world.says("one", chat=GROUP, thread="t", mention=True)
        await talk.until(lambda: talk.bot.engine.prompts)
        wrong = await world.says("tow", chat=GROUP, thread="t", mention=True)
        await talk.kept("tow")
        await world.edits(wrong, "two")
        await talk.kept("two")
        talk.bot.engine.gate.set()
        await talk.until(lambda: len(talk.texts(GROUP, "t")) == 2)

        assert asked(talk.bot)["input"]["payload"]["text"] == "two"

    async def test_a_room_that_everybody_can_look_into_is_no_direct_chat(self, talk: Talk, world: Matrix) -> None:
        visible = {"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}}
        room = await world.make_room("ann", [world.id("rekku")], initial_state=[visible])
        await comes(talk, room)
        talk.bot.model_says("Hello, all.")
        content = {"msgtype": "m.text", "body": "hello", "m.mentions": {"user_ids": [world.id("rekku")]}}
        await world.send("ann", room, content)
        await talk.until(lambda: talk.bot.engine.prompts)

        assert asked(talk.bot)["input"]["payload"]["source"]["direct"] is False

    async def test_a_long_answer_is_whole_though_it_was_shown_while_it_grew(self, talk: Talk, world: Matrix) -> None:
        words = " ".join(f'"w<{n}>"' for n in range(1_600))
        talk.bot.engine.pieces, talk.bot.engine.gate = 200, Ajar(10)
        talk.bot.model_says(words)
        await world.says("talk")
        await talk.until(talk.texts)
        talk.bot.engine.gate.set()
        await talk.until(lambda: "w<1599>" in "".join(talk.texts()))
        await talk.rest()

        assert " ".join(talk.texts()) == words
        assert world.shown()[0].edits > 0


class TestTroubleOfTheHomeserver(OnMatrix):
    """What it cannot give now is asked for again."""

    async def test_what_was_missed_is_asked_for_until_it_is_there(self, talk: Talk, world: Matrix) -> None:
        talk.bot.model_says("Hello.")
        await talk.hears("hello")
        await talk.bot.stop()
        await world.says("rekku, are you there?", chat=GROUP)
        for number in range(12):
            await world.says(f"word {number}", chat=GROUP, user="bob")
        world.is_unwell("/messages", (500, {"errcode": "M_UNKNOWN", "error": "Internal server error"}))
        talk.bot.model_says("I am.")
        await talk.bot.start()
        await talk.until(lambda: talk.texts(GROUP) == ["I am."])

    async def test_a_file_is_fetched_though_the_connection_broke(self, talk: Talk, world: Matrix) -> None:
        world.is_unwell("/media/download/", None, None, None)  # the library tries twice by itself
        talk.bot.model_says("A cat.")
        await talk.hears("look", files=[("image", "cat.png", "image/png", PNG)])

        assert asked(talk.bot)["input"]["payload"]["attachments"] == ["image: cat.png"]

    async def test_an_invitation_waits_for_a_homeserver_that_wants_fewer(self, talk: Talk, world: Matrix) -> None:
        limit = {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": 1000}
        world.is_unwell("/join", (429, limit))
        await comes(talk, await world.make_room("ann", [world.id("rekku")]))
