"""Whole conversations with the two memories: a person's words, the model's JSON, what is kept, and the answer later."""

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from rekku.core.model_call import ChatMessages
from rekku.plugins import ai_diary
from rekku.testing import Bot
from tests.plugins.bios import bios
from tests.road.words import action, asked, reply, say

DAY = 24 * 3600.0


def tells(bot: Bot, answer: str, *deeds: dict[str, Any], **diary: Any) -> None:
    """The model's next reply: some deeds, an answer, and its diary entry."""
    bot.model_says(reply(*deeds, action("message", text=answer), diary={"emotions": [], "tags": [], **diary}))


def finds(pattern: str, answer: str) -> Any:
    """A model that answers with what it finds in its context, as `{}`; else it says that it does not know."""

    def reads(messages: ChatMessages) -> str:
        context = json.dumps(json.loads(messages[1]["content"])["context"], ensure_ascii=False)
        found = re.search(pattern, context)
        return say(answer.format(found.group(1)) if found else "I do not know.")

    return reads


async def small_talk(bot: Bot, lines: Sequence[str], user: str) -> None:
    """Days of other things, so that nothing of before stands in the history."""
    for line in lines:
        tells(bot, "I see.", summary=f"{user} said something everyday.", thought="Nothing new.")
        await bot.tell(line, user=user)
        bot.clock.jump(DAY)


EVERYDAY = [f"The tram was {minutes} minutes late today." for minutes in range(3, 17)]


@pytest.mark.settings(HISTORY_MESSAGES="6")
async def test_a_boat_is_remembered_after_weeks_and_the_owner_reads_about_it(bot: Bot) -> None:
    tells(
        bot,
        "Congratulations! What is she called?",
        action("bio_update", likes=["sailing"]),
        summary="Ann bought a small sailing boat in Genoa.",
        thought="She sounded proud.",
        emotions=[{"type": "joy", "intensity": 7}],
        tags=["boat"],
    )
    assert await bot.hears("I have bought a sailing boat in Genoa!", user="ann") == [
        "Congratulations! What is she called?"
    ]
    tells(bot, "A bird's name!", summary="The boat is called Albatross.", thought="A good name.", tags=["boat"])
    assert await bot.hears("Her name is Albatross.", user="ann") == ["A bird's name!"]
    await small_talk(bot, EVERYDAY, "ann")

    bot.model_says(finds(r"boat is called (\w+)", "It is the {}."))
    assert await bot.hears("What did I name my boat?", user="ann") == ["It is the Albatross."]
    assert asked(bot)["context"]["participants"] == [{"name": "Ann", "likes": ["sailing"]}]
    assert "Genoa" not in json.dumps(asked(bot)["context"]["history"])

    bot.model_says(finds(r"boat is called (\w+)", "It is the {}."))
    assert await bot.hears("What did Ann name her boat?", user="bob") == ["I do not know."]
    (page,) = await bot.hears("/diary search albatross boat")
    assert "What happened: The boat is called Albatross." in page
    assert (await bot.hears("/people ann"))[0].endswith("likes: sailing [private]")


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("said", "asks", "pattern", "answer"),
    [
        ("Mia nonna abita a Ferrara.", "Dove abita mia nonna?", r"abita a (\w+)", "A {}."),
        ("Meine Katze heißt Mirabelle.", "Wie heißt meine Katze?", r"Katze heißt (\w+)", "Sie heißt {}."),
        ("我弟弟在成都工作。", "我弟弟在哪里工作？", r"弟弟在(\w\w)工作", "他在{}工作。"),
        ("兄は札幌に住んでいます。", "兄はどこに住んでいる？", r"兄は(\w\w)に", "{}です。"),
    ],
)
async def test_what_was_said_weeks_ago_is_answered_in_its_language(
    bot: Bot, said: str, asks: str, pattern: str, answer: str
) -> None:
    bot.model_says(say("Ok."))
    await bot.tell(said, user="ann")
    await small_talk(bot, EVERYDAY, "ann")
    expected = answer.format(re.search(pattern, said).group(1))  # type: ignore[union-attr]
    bot.model_says(finds(pattern, answer))
    assert await bot.hears(asks, user="ann") == [expected]


@pytest.mark.sqlite_only
async def test_what_a_group_planned_is_known_to_who_was_there_and_to_nobody_else(bot: Bot) -> None:
    group = {"chat": "group", "direct": False}
    tells(bot, "Hello Bob!", summary="Bob came in.", thought="")
    await bot.tell("Good evening everybody", user="bob", **group)
    tells(bot, "A fine plan.", action("bio_update", information=["turns forty in May"]), summary="A party.", thought="")
    await bot.tell("My fortieth birthday party will be in the lighthouse.", user="ann", **group)

    question = "Where is Ann's birthday party?"
    for user, words in (("bob", "In the lighthouse."), ("ann", "In the lighthouse."), ("carl", "I do not know.")):
        bot.clock.jump(DAY)
        bot.model_says(finds(r"will be in the (\w+)", "In the {}."))
        assert await bot.hears(question, user=user) == [words], user
    bot.model_says(reply(action("bio_full_request", person="Ann")), finds("(lighthouse)", "Yes."))
    await bot.tell("How old is Ann?", user="bob")
    assert "turns forty in May" in json.dumps(bot.engine.messages[-1])


async def test_linked_accounts_are_one_listener_too_and_linking_twice_changes_nothing(bot: Bot) -> None:
    group = {"chat": "group", "direct": False}
    bot.model_says(say("Hello!"), reply(action("bio_update", likes=["rain"]), action("message", text="Noted.")))
    await bot.tell("Hello", user="bob", **group)
    await bot.tell("I like rain", user="ann", **group)
    (entry, _) = await ai_diary.get_recent_entries()
    ann, bob = entry["present"]

    for name in ("ai_diary", "bio_manager"):
        component = next(component for component in bot.running.registry if component.name == name)
        for _ in range(2):
            await component.members.call("merge_person", bob, "robert")
    (after, _) = await ai_diary.get_recent_entries()
    assert (after["present"], after["speakers"]) == ([ann, "robert"], [ann])
    assert await ai_diary.get_entries_with_person(bob) == []
    assert len(await ai_diary.get_entries_with_person("robert")) == 2
    assert [fact.heard for fact in (await bios(bot))[ann].facts["likes"]] == [("robert",)]
