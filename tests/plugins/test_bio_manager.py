"""What people told about themselves: written, merged, asked for, taken out."""

import asyncio
from typing import Any

import pytest

from rekku.core.audience import Audience
from rekku.core.message import Conversation
from rekku.plugins._bio_manager.keeping import changed
from rekku.plugins._bio_manager.limits import Limits
from rekku.plugins._bio_manager.payload import read_change
from rekku.plugins._bio_manager.whom import Whom
from rekku.testing import PATIENCE, Bot, MemoryInterface
from tests.plugins.bios import (
    ANN,
    BOB,
    GROUP,
    OWNER,
    alone,
    bios,
    known,
    notes,
    participants,
    plugin,
    problems,
    the_bio,
    unlimited,
    update,
)
from tests.road.words import action, asked, reply, say

pytestmark = alone


async def test_what_a_person_tells_is_written_down_and_known_the_next_time(bot: Bot) -> None:
    bot.model_says(
        reply(action("bio_update", likes=["green tea"], information="is a nurse"), action("message", text="A nurse!"))
    )
    assert await bot.hears("I am a nurse and I like green tea", user="ann") == ["A nurse!"]

    await bot.restart()
    bot.model_says(lambda messages: say("Green tea?" if "green tea" in messages[1]["content"] else "Who are you?"))
    assert await bot.hears("hello", user="ann") == ["Green tea?"]
    assert asked(bot)["context"]["participants"] == [
        {"name": "Ann", "information": ["is a nurse"], "likes": ["green tea"]}
    ]


async def test_writing_down_costs_no_second_call_of_the_model(bot: Bot) -> None:
    await notes(bot, ANN, likes=["tea"])
    assert len(bot.engine.prompts) == 1


async def test_all_fields_are_kept_and_asked_for(bot: Bot) -> None:
    await notes(bot, ANN, known_as=["Annie"], likes=["tea"], not_likes=["rain"])
    bot.clock.jump(3600)
    await notes(bot, ANN, information=["is a nurse"], past_events=[{"date": "2025-05-01", "what": "moved to Rome"}])
    bot.clock.jump(3600)
    await notes(bot, ANN, feelings={"joy": 7}, contacts={"phone": "555 1234"}, social_accounts={"github": "ann"})

    assert await known(bot, ANN) == {
        "known_as": ["Annie"],
        "likes": ["tea"],
        "not_likes": ["rain"],
        "information": ["is a nurse"],
        "past_events": ["2025-05-01: moved to Rome"],
        "feelings": {"joy": "7"},
        "contacts": {"phone": "555 1234"},
        "social_accounts": {"github": "ann"},
    }
    assert (await participants(bot, **ANN))["Ann"] == {
        "known_as": ["Annie"],
        "information": ["is a nurse"],
        "likes": ["tea"],
        "not_likes": ["rain"],
        "feelings": {"joy": "7"},
        "more": "by bio_full_request",
    }
    bio = await the_bio(bot)
    assert bio.update_count == 3
    assert bio.last_update is not None


@unlimited
async def test_lists_and_objects_are_merged(bot: Bot) -> None:
    await notes(bot, ANN, likes=["tea", "Rome"], contacts={"phone": "1", "mail": "a@b"})
    await notes(bot, ANN, likes=["TEA", "cats"], contacts={"Phone": "2", "fax": "3"})

    assert await known(bot, ANN) == {
        "likes": ["tea", "Rome", "cats"],
        "contacts": {"Phone": "2", "mail": "a@b", "fax": "3"},
    }


@unlimited
async def test_twenty_facts_at_once_are_all_kept(bot: Bot) -> None:
    manager = plugin(bot)
    bot.model_says("Hi.")
    await bot.tell("hi", **ANN)
    (ann,) = await manager.host.people("ann")
    whom, limits, now = Whom(ann.person_id, ann.name), Limits(0, 0, 0), bot.clock.now()
    audience = Audience(Conversation("memory", "ann"), direct=True, person_id=ann.person_id)

    async def tell(number: int) -> None:
        change = read_change({"likes": [f"thing {number}"], "contacts": {f"kind {number}": "x"}}, 0)
        await manager.host.database.run(lambda t: changed(t, whom, change, audience, limits, now))

    await asyncio.gather(*map(tell, range(20)))
    bio = await the_bio(bot)
    assert {fact.text for fact in bio.facts["likes"]} == {f"thing {n}" for n in range(20)}
    assert {fact.key for fact in bio.facts["contacts"]} == {f"kind {n}" for n in range(20)}
    assert bio.update_count == 20


@unlimited
async def test_twenty_turns_at_once_about_one_person_lose_nothing(bot: Bot) -> None:
    bot.model_says("Hi.")
    await bot.tell("hi", **ANN)
    bot.model_says(*(update(person="Ann", likes=[f"thing {n}"]) for n in range(20)))
    await asyncio.gather(*(bot.tell("listen", chat=f"room {n}", direct=False) for n in range(20)))

    assert {fact.text for fact in (await the_bio(bot)).facts["likes"]} == {f"thing {n}" for n in range(20)}


class TestWhom:
    """Who is meant, and who may change what."""

    @unlimited
    async def test_the_owner_changes_all_and_finds_people_by_whatever_they_are_called(self, bot: Bot) -> None:
        await notes(bot, ANN, known_as=["Foxy"], privacy="public")
        for number, name in enumerate(["ann", "memory:ann", "Ann", "@ANN", "foxy"]):
            await notes(bot, OWNER, person=name, likes=[f"thing {number}"])
        assert len((await the_bio(bot)).facts["likes"]) == 5

    async def test_others_change_only_their_own(self, bot: Bot) -> None:
        await notes(bot, ANN, likes=["tea"])
        for name in ("ann", "memory:ann", "nobody"):
            said = await problems(bot, BOB, person=name, likes=["poison"])
            assert said.startswith("only the owner may change what is known about others")
        await notes(bot, BOB, person="Bob", likes=["beer"])
        assert sorted(b.facts["likes"][0].text for b in (await bios(bot)).values()) == ["beer", "tea"]

    async def test_a_payload_cannot_say_who_is_talking(self, bot: Bot) -> None:
        await notes(bot, BOB, likes=["beer"], person_id="trainer", created_by="owner", role="trainer")
        assert "trainer" not in await bios(bot)

    async def test_a_part_of_the_own_name_is_enough(self, bot: Bot) -> None:
        bot.model_says("Hi.")
        await bot.tell("hi", user="ann smith")
        await notes(bot, {"user": "ann smith"}, person="Ann", likes=["tea"])
        assert await known(bot, {"user": "ann smith"}, person="ann") == {"likes": ["tea"]}

    @unlimited
    async def test_all_accounts_of_a_person_have_one_bio(self, bot: Bot) -> None:
        bot.add_interface(MemoryInterface("other", frozenset({"boss"})))
        await notes(bot, OWNER, likes=["tea"])
        elsewhere = {"user": "boss", "interface": "other"}
        assert (await participants(bot, **elsewhere))["Boss"] == {"likes": ["tea"]}
        await notes(bot, OWNER, person="other:boss", likes=["rum"])
        assert list(await bios(bot)) == ["trainer"]

    async def test_an_ambiguous_name_is_listed_for_the_owner(self, bot: Bot) -> None:
        other = bot.add_interface(MemoryInterface("other"))
        for interface in ("memory", other.name):
            bot.model_says("Hi.")
            await bot.tell("hi", user="ann" if interface == "memory" else "ann2", interface=interface)
        await notes(bot, ANN, known_as=["Kit"], privacy="public")
        await notes(bot, {"user": "ann2", "interface": "other"}, known_as=["Kit"], privacy="public")
        said = await problems(bot, OWNER, person="kit", likes=["tea"])
        assert "several people are called 'kit'" in said
        assert "Ann (memory:ann)" in said
        assert "Ann2 (other:ann2)" in said

    async def test_nobody_of_that_name_is_said(self, bot: Bot) -> None:
        assert "nobody called 'Zoe' is known" in await problems(bot, OWNER, person="Zoe", likes=["tea"])


class TestCommands:
    """`/bio` and `/people`."""

    @unlimited
    async def test_a_person_reads_and_changes_their_own(self, bot: Bot) -> None:
        assert await bot.hears("/bio", **ANN) == ["I know nothing about you that I may tell here."]
        await notes(bot, ANN, likes=["tea", "rum"], contacts={"phone": "1"})
        assert await bot.hears("/bio", **ANN) == ["likes: tea\nlikes: rum\ncontacts: phone: 1"]

        assert await bot.hears("/bio remove rum", **ANN) == ["I no longer know it: rum"]
        assert await bot.hears("/bio remove phone: 1", **ANN) == ["I no longer know it: phone: 1"]
        assert await bot.hears("/bio remove beer", **ANN) == ["I know no such thing about you: beer"]
        assert await bot.hears("/bio", **ANN) == ["likes: tea"]
        assert (await bot.hears("/bio bob", **ANN))[0].startswith("Write /bio")

    async def test_the_owner_sees_who_is_known(self, bot: Bot) -> None:
        await notes(bot, ANN, likes=["tea"])
        assert await bot.hears("/people") == [
            "Ann (memory:ann): unknown, 1 facts, last update 2026-03-01\nOwner (memory:owner): trainer, 0 facts"
        ]
        assert await bot.hears("/people ANN") == [
            "Ann (memory:ann): unknown, 1 facts, last update 2026-03-01\nlikes: tea [private]"
        ]
        assert await bot.hears("/people Zoe") == ["I know nobody called 'Zoe'."]
        assert "is for the role trainer" in (await bot.hears("/people", **BOB))[0]
        assert "tea" not in (await bot.hears("/people ann", **OWNER, **GROUP))[0]


class TestCost:
    """What bios cost a message."""

    async def test_the_participants_are_read_with_one_query_and_nothing_is_written(
        self, bot: Bot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for user in ("ann", "bob", "cat"):
            await notes(bot, {"user": user, **GROUP}, likes=["tea"])
        store = type(bot.running.database)
        reads: list[str] = []
        writes: list[str] = []
        read, write = store._read, store._write

        async def spy_read(self: Any, call: Any) -> Any:
            reads.append(call[0])
            return await read(self, call)

        async def spy_write(self: Any, calls: Any) -> Any:
            writes.extend(call[0] for call in calls)
            return await write(self, calls)

        monkeypatch.setattr(store, "_read", spy_read)
        monkeypatch.setattr(store, "_write", spy_write)
        for _ in range(3):
            assert set(await participants(bot, **ANN, **GROUP)) == {"Ann", "Bob", "Cat"}
        assert len([sql for sql in reads if "FROM bio" in sql]) == 3
        assert not [sql for sql in writes if "bio" in sql]

        await bot.clock.advance(60)
        await plugin(bot)._note_accesses()  # in case it was not yet its time; else it is on its way
        async with asyncio.timeout(PATIENCE):
            while not all(bio.last_accessed for bio in (await bios(bot)).values()):
                await bot.clock.advance(0)
        assert len([sql for sql in writes if "bio" in sql]) == 3
        assert {bio.last_accessed for bio in (await bios(bot)).values()} == {bot.clock.now().replace(minute=0)}

    async def test_the_last_accesses_are_written_when_rekku_ends(self, bot: Bot) -> None:
        await notes(bot, ANN, likes=["tea"])
        await participants(bot, **ANN)
        assert (await the_bio(bot)).last_accessed is None
        await bot.restart()
        assert (await the_bio(bot)).last_accessed == bot.clock.now()

    @unlimited
    async def test_what_a_prompt_tells_is_bounded_and_the_newest(self, bot: Bot) -> None:
        for start in range(0, 100, 10):
            await notes(bot, ANN, information=[f"fact {n:03} {'x' * 100}" for n in range(start, start + 10)])
        (told,) = (await participants(bot, **ANN)).values()
        assert [fact[:8] for fact in told["information"]] == [f"fact {n:03}" for n in range(94, 100)]
        assert told["more"] == "by bio_full_request"


async def test_forgetting_a_person_takes_their_bio_and_no_other(bot: Bot) -> None:
    await notes(bot, ANN, likes=["tea", "rum"])
    await notes(bot, BOB, likes=["beer"])
    assert "2 facts in a bio" in (await bot.hears("/forgetme", **ANN))[0]
    assert len(await bios(bot)) == 2
    assert "2 facts in a bio" in (await bot.hears("/forgetme yes", **ANN))[0]
    assert [fact.text for fact in (await the_bio(bot)).facts["likes"]] == ["beer"]
    assert await participants(bot, **ANN) == {}
