"""What the diary keeps is told to nobody who may not hear it, whatever anyone tries; and nothing gets lost."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from rekku.core.audience import audience_of
from rekku.core.errors import StoreError
from rekku.core.message import Conversation, Errand, Message, User
from rekku.core.principal import TRAINER_PERSON, Principal, Role
from rekku.plugins import ai_diary
from rekku.plugins._ai_diary.audience import may_hear
from rekku.plugins._ai_diary.diary import MOST_RECENT
from rekku.plugins._ai_diary.entry import Entry
from rekku.plugins.ai_diary import DiaryPlugin
from rekku.testing import START, Bot, MemoryInterface
from tests.plugins.test_ai_diary import diary, remembered, talk
from tests.road.words import action, asked, reply, while_time_passes

__all__ = ["diary"]

SECRET = {
    "thought": "The secret plan zanzibar must stay between us.",
    "emotions": [{"type": "zanzibar", "intensity": 9}],
    "summary": "Ann told of zanzibar.",
    "tags": ["zanzibar"],
}
ANN = {"user": "ann"}
GROUP = {"chat": "group", "direct": False}
QUESTION = "What is the secret plan?"


async def told(bot: Bot, **where: Any) -> str:
    """The diary in the prompt of somebody who asks for the secret."""
    bot.clock.jump(60)
    return json.dumps(await remembered(bot, QUESTION, **where))


async def test_what_was_said_in_private_is_told_to_that_person_alone(bot: Bot, diary: DiaryPlugin) -> None:
    bot.add_interface(MemoryInterface("other", frozenset()))
    await talk(bot, "My secret plan is zanzibar.", "I keep it.", SECRET, **ANN)
    assert "zanzibar" in await told(bot, **ANN)
    for where in (
        {"user": "bob"},
        {"user": "owner"},
        {"user": "ann", **GROUP},
        {"user": "bob", **GROUP},
        {"user": "bob", "chat": "ann", "direct": False},
        {"user": "bob", "chat": "ann"},
        {"user": "ann", "interface": "other"},
        {"user": "Ann"},
        {"user": "trainer"},
    ):
        assert "zanzibar" not in await told(bot, **where), where


async def test_what_was_said_in_a_group_is_told_there_and_to_who_said_it(bot: Bot, diary: DiaryPlugin) -> None:
    await talk(bot, "The secret plan is zanzibar.", "Good.", SECRET, user="ann", **GROUP)
    assert "zanzibar" in await told(bot, user="bob", **GROUP)
    assert "zanzibar" in await told(bot, **ANN)
    assert "zanzibar" not in await told(bot, user="bob")
    assert "zanzibar" not in await told(bot, user="bob", chat="another", direct=False)
    assert "zanzibar" not in await told(bot, user="bob", chat="group")


async def test_who_is_only_mentioned_hears_nothing(bot: Bot, diary: DiaryPlugin) -> None:
    noted = {**SECRET, "summary": "Ann and Bob plan zanzibar with Bob.", "present": ["bob"], "privacy": "public"}
    await talk(bot, "Bob and I have a secret plan with @bob: zanzibar", "Bob too?", noted, **ANN)
    assert "zanzibar" not in await told(bot, user="bob")
    await ai_diary.add_diary_entry(
        "Bob's secret plan: zanzibar", involved_users=["Bob", "bob"], interface="memory", chat_id="bob"
    )
    assert "zanzibar" not in await told(bot, user="bob")
    await ai_diary.add_diary_entry("The secret plan: zanzibar is an island", privacy="public")
    assert "zanzibar is an island" in await told(bot, user="bob")


async def test_what_went_to_another_chat_from_a_group_is_not_told_in_the_group(bot: Bot, diary: DiaryPlugin) -> None:
    await talk(bot, "hello", "hello", user="bob")
    bot.model_says(
        reply(
            action("message", interface="memory", target="bob", text="The zanzibar key is under the mat."),
            action("message", text="I told Bob."),
        )
    )
    await bot.tell("Tell Bob where the key is.", user="owner", **GROUP)
    (entry, *_) = await ai_diary.get_recent_entries()
    assert entry["content"] == "I told Bob."


def message(chat: str, user: str, *, direct: bool = True, thread: str = "", errand: Errand | None = None) -> Message:
    """A message in memory."""
    return Message(Conversation("memory", chat, thread), User(user), "?", START, direct=direct, errand=errand)


@pytest.mark.sqlite_only
def test_the_rule() -> None:
    ann = Principal("p-ann", Role.KNOWN, "memory", "ann")
    owner = Principal("trainer", Role.TRAINER, "memory", "owner")
    reminder = Errand("event", "trainer", "Wake up.")
    private = Entry(1, START, "x", present=("p-ann",), interface="memory", chat_id="ann")
    owners = Entry(2, START, "x", present=("trainer",))
    group = Entry(3, START, "x", present=("p-ann",), interface="memory", chat_id="g", privacy="chat")
    thread = Entry(4, START, "x", interface="memory", chat_id="g", thread_id="t", privacy="chat")
    odd = Entry(5, START, "x", present=("", "p-ann"), privacy="everybody")
    nameless = Entry(6, START, "x", present=("",), privacy="private")
    public = Entry(7, START, "x", privacy="public")
    every = (private, owners, group, thread, odd, nameless, public)

    def heard(where: Message, who: Principal | None) -> Sequence[int]:
        return [entry.id for entry in every if may_hear(audience_of(where, who), entry)]

    assert heard(message("ann", "ann"), ann) == [1, 3, 7]
    assert heard(message("g", "ann", direct=False), ann) == [3, 7]
    assert heard(message("g", "ann", direct=False, thread="t"), ann) == [3, 4, 7]
    assert heard(message("g", "ann", direct=False, thread="u"), ann) == [3, 7]
    assert heard(message("ann", "ann"), None) == [7]
    assert heard(message("ann", "ann"), owner) == [7], "a principal who is not who writes here"
    assert heard(message("ann", "owner", errand=reminder), owner) == [7], "the owner's reminder in Ann's chat"
    assert heard(message("owner", "owner", errand=reminder), owner) == [2, 7]


async def test_a_reminder_is_noted_as_what_it_was_and_not_as_somebodys_words(bot: Bot, diary: DiaryPlugin) -> None:
    await talk(bot, "The plants on the balcony are basil.", "Good to know.")
    for number in range(MOST_RECENT + 1):
        await ai_diary.add_diary_entry(f"Nothing happened, {number}.", present=[TRAINER_PERSON])
        bot.clock.jump(3600)
    bot.model_says(reply(action("message", text="Your basil is thirsty!")))
    reminder = Errand("event", TRAINER_PERSON, "Reminder: water the plants")
    await bot.tell("The event 1 is due now: say it to them in their language, as a reminder.", errand=reminder)
    entry, *_ = await ai_diary.get_recent_entries()

    assert (entry["content"], entry["user_message"]) == ("Your basil is thirsty!", "")
    assert entry["interaction_summary"] == "Reminder: water the plants"
    assert entry["personal_thought"] == "I spoke of my own accord; it left me with calm."
    assert "basil" in asked(bot)["context"]["diary"]["memories"], "it is what the reminder is about that comes to mind"


async def test_an_entry_outlives_a_database_that_is_away(
    bot: Bot, diary: DiaryPlugin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the diary's own questions fail, so that what waits is the entry and not the turn."""
    real = diary.diary.database
    away = [True]

    class Away:
        def __getattr__(self, name: str) -> Any:
            if away[0] and name in ("fetch", "write"):
                raise StoreError("the database is away")
            return getattr(real, name)

    monkeypatch.setattr(diary.diary, "_db", Away())
    bot.model_says("I keep it.")
    receipt = await bot.send("My boat", user="ann")
    await bot.clock.advance(6)
    away[0] = False
    await while_time_passes(bot, receipt.outcome())
    (entry,) = await ai_diary.get_recent_entries()
    assert entry["content"] == "I keep it."
    assert await ai_diary.is_plugin_enabled()
