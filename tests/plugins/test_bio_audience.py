"""What is private of a person is shown only where it may be heard, whatever anyone tries."""

import itertools
import json
from typing import Any

import pytest

from rekku.core.audience import Audience, Privacy
from rekku.core.message import Conversation, Errand, Message, User
from rekku.core.principal import TRAINER_PERSON
from rekku.testing import Bot, MemoryInterface
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
    problems,
    unlimited,
)
from tests.road.words import action, answered, reply

SECRET = "plays the tuba"
FACT = {"information": [SECRET]}
ROOM = {"user": "ann", **GROUP}
BOB_IN_ROOM = {"user": "bob", **GROUP}
pytestmark = [alone, unlimited, pytest.mark.sqlite_only]  # the filter is ours; test_bio_manager.py covers storing


async def everything_told(bot: Bot, told: dict[str, Any]) -> str:
    """All that Rekku can be brought to tell in a chat about Ann: in the prompt, by the action, by the commands."""
    found: list[Any] = [await participants(bot, **told)]
    for name in ("", "ann", "memory:ann", "@ann", "Ann", "snuggles"):
        payload = {"person": name} if name else {}
        bot.model_says(reply(action("bio_full_request", **payload)), "Well.")
        await bot.hears("what do you know?", **told)
        found.append(answered(bot))
    found.append(await bot.hears("/bio", **told))
    return json.dumps(found)


async def test_what_was_told_alone_is_told_to_that_person_alone(bot: Bot) -> None:
    await notes(bot, ANN, **FACT, known_as=["Snuggles"])
    await notes(bot, ROOM, likes=["tea"])
    await notes(bot, BOB_IN_ROOM, likes=["beer"])

    assert SECRET in await everything_told(bot, ANN)
    for told in (ROOM, BOB, BOB_IN_ROOM, OWNER, {"user": "owner", **GROUP}):
        text = await everything_told(bot, told)
        assert SECRET not in text, told
        assert "Snuggles" not in text, told


async def test_what_was_told_in_a_group_is_told_in_that_group_and_to_who_told_it(bot: Bot) -> None:
    await notes(bot, ROOM, **FACT)
    assert SECRET in await everything_told(bot, ROOM)
    assert SECRET in await everything_told(bot, BOB_IN_ROOM)
    assert SECRET in await everything_told(bot, ANN)
    for told in (
        BOB,
        {"user": "ann", "chat": "hall", "direct": False},
        {"user": "bob", "chat": "hall", "direct": False},
    ):
        assert SECRET not in await everything_told(bot, told), told


async def test_a_group_of_the_same_name_elsewhere_is_another_group(bot: Bot) -> None:
    bot.add_interface(MemoryInterface("other"))
    await notes(bot, ROOM, **FACT)
    assert SECRET not in await everything_told(bot, {"user": "bob", "interface": "other", **GROUP})


async def test_what_is_public_is_told_everywhere(bot: Bot) -> None:
    await notes(bot, ANN, **FACT, privacy="public")
    for told in (ANN, ROOM, BOB, BOB_IN_ROOM, OWNER):
        assert SECRET in json.dumps(await known(bot, told, person="ann")), told


async def test_what_the_owner_told_about_somebody_is_not_told_to_them(bot: Bot) -> None:
    await notes(bot, ANN, likes=["tea"])
    await notes(bot, OWNER, person="ann", information=["gets a surprise party"], feelings={"pity": 3})
    for told in (ANN, ROOM, BOB):
        text = await everything_told(bot, told)
        assert "party" not in text, told
        assert "pity" not in text, told
    assert "party" in json.dumps(await known(bot, OWNER, person="ann"))
    assert "tea" not in json.dumps(await known(bot, OWNER, person="ann"))


async def test_nobody_makes_public_or_takes_out_what_they_were_not_told(bot: Bot) -> None:
    await notes(bot, ANN, likes=["tea"])
    await notes(bot, OWNER, person="ann", information=["gets a surprise party"])
    await notes(bot, ANN, privacy="public")
    assert await bot.hears("/bio public", **ANN) == ["What I know about you is public now: I may tell it to anybody."]
    assert "party" not in await everything_told(bot, BOB)
    assert "has no information" in await problems(bot, ANN, remove={"information": ["gets a surprise party"]})
    assert await bot.hears("/bio remove gets a surprise party", **ANN) == [
        "I know no such thing about you: gets a surprise party"
    ]
    assert "party" in json.dumps(await known(bot, OWNER, person="ann"))


async def test_privacy_is_kept_by_later_updates(bot: Bot) -> None:
    await notes(bot, ROOM, **FACT, privacy="private")
    await notes(bot, ROOM, **FACT, likes=["tea"])
    text = await everything_told(bot, ROOM)
    assert SECRET not in text
    assert "tea" in text
    assert SECRET in await everything_told(bot, ANN)


async def test_a_new_value_under_an_old_key_keeps_the_privacy_too(bot: Bot) -> None:
    await notes(bot, ANN, contacts={"phone": "555 1"})
    await notes(bot, ROOM, contacts={"phone": "555 2"})
    assert "555" not in await everything_told(bot, BOB_IN_ROOM)
    assert "555 2" in await everything_told(bot, ANN)


async def test_a_bio_that_is_private_stays_so_for_what_is_told_later(bot: Bot) -> None:
    assert await bot.hears("/bio private", **ROOM) == [
        "What I know about you is private now: I tell it only to you, in our direct chat."
    ]
    await notes(bot, ROOM, **FACT)
    assert SECRET not in await everything_told(bot, ROOM)
    assert SECRET in await everything_told(bot, ANN)
    assert await bot.hears("/bio", **ROOM) == [
        "I know nothing about you that I may tell here.\nThere is more that I tell only in our direct chat."
    ]


async def test_whether_somebody_is_known_is_not_told_to_others(bot: Bot) -> None:
    await notes(bot, ANN, **FACT, known_as=["Snuggles"])
    for name in ("ann", "Snuggles", "nobody at all"):
        assert await known(bot, BOB, person=name) == {}
        assert "person" in bot.engine.prompts[-1]


async def test_who_wrote_in_the_group_just_before_has_heard_it(bot: Bot) -> None:
    await notes(bot, BOB_IN_ROOM, likes=["beer"])
    await notes(bot, ROOM, **FACT)
    assert SECRET in json.dumps(await known(bot, BOB, person="ann"))
    assert SECRET not in await everything_told(bot, OWNER)
    await bot.hears("/bio private", **ANN)
    assert SECRET not in await everything_told(bot, BOB)


async def test_what_is_told_privately_in_a_group_is_not_told_to_who_reads_along(bot: Bot) -> None:
    await notes(bot, BOB_IN_ROOM, likes=["beer"])
    await notes(bot, ROOM, **FACT, privacy="private")
    assert SECRET not in await everything_told(bot, BOB)
    await bot.hears("/bio chat", **ANN)
    assert SECRET not in json.dumps(await known(bot, BOB, person="ann"))


async def test_who_is_forgotten_has_heard_nothing(bot: Bot) -> None:
    await notes(bot, BOB_IN_ROOM, likes=["beer"])
    await notes(bot, ROOM, **FACT)
    await bot.hears("/forgetme yes", **BOB)
    (bio,) = [bio for bio in (await bios(bot)).values() if bio.facts["information"]]
    assert [fact.heard for fact in bio.facts["information"]] == [()]


async def test_being_mentioned_grants_nothing(bot: Bot) -> None:
    await notes(bot, ROOM, information=["told Bob about the tuba"])
    assert "tuba" not in await everything_told(bot, BOB)


async def test_the_owner_learns_that_something_is_left_out_and_sees_it_by_command(bot: Bot) -> None:
    await notes(bot, ANN, **FACT)
    assert await known(bot, OWNER, person="ann") == {
        "left_out": "1 facts are not for this chat; /people Ann tells the owner"
    }
    assert SECRET in (await bot.hears("/people ann", **OWNER))[0]
    assert SECRET not in (await bot.hears("/people ann", **OWNER, **GROUP))[0]
    assert await known(bot, BOB, person="ann") == {}


async def test_a_group_does_not_learn_whom_rekku_knows(bot: Bot) -> None:
    await notes(bot, ANN, **FACT)
    await notes(bot, {**ANN, **GROUP}, likes=["tubas"])
    assert await bot.hears("/people", **OWNER, **GROUP) == ["Others read along here. Ask me in a direct chat."]
    assert await bot.hears("/people ann", **OWNER, **GROUP) == [
        "Ann\nlikes: tubas\nOthers read along here. Ask me in a direct chat."
    ]


ROOMS = [
    Conversation("x", "room"),
    Conversation("x", "room", "1"),
    Conversation("x", "hall"),
    Conversation("y", "room"),
]
PEOPLE = ["ann", "bob", ""]


def test_the_rule_lets_nothing_through_that_it_should_not() -> None:
    for here, direct, who, privacy in itertools.product(ROOMS, (True, False), PEOPLE, Privacy):
        for place, present in itertools.product(ROOMS, PEOPLE[:2]):
            heard = Audience(here, direct, who).may_hear(privacy, (place,), (present,))
            if privacy is Privacy.PUBLIC:
                allowed = True
            elif direct:
                allowed = who == present
            else:
                same = (here.interface, here.chat_id) == (place.interface, place.chat_id)
                allowed = privacy is Privacy.CHAT and same and place.thread_id in ("", here.thread_id)
            assert heard is allowed, (here, direct, who, privacy, place, present)


def test_what_nobody_heard_anywhere_is_told_to_nobody() -> None:
    for here, direct, who in itertools.product(ROOMS, (True, False), PEOPLE):
        assert not Audience(here, direct, who).may_hear(Privacy.PRIVATE, (), ())
        assert not Audience(here, direct, who).may_hear(Privacy.CHAT, (), ())


async def test_a_reminder_of_the_owner_in_somebody_elses_chat_shows_nothing_of_the_owner(bot: Bot) -> None:
    await notes(bot, OWNER, information=["hides the keys under the mat"])
    bot.model_says("Hello Ann.")
    await bot.hears("hi", **ANN)
    errand = Errand("event", TRAINER_PERSON, "Water the plants.")
    there = Conversation("memory", "ann")
    bot.model_says(reply(action("bio_full_request")), reply(action("message", text="The plants!")))
    receipt = await bot.running.road.gate.receive(
        Message(there, User(""), "water the plants", bot.clock.now(), message_id="event:1", errand=errand)
    )
    await receipt.outcome()

    assert "under the mat" not in "".join(bot.engine.prompts[-2:])
