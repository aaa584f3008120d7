"""A message comes in, words go out, in order, to the right people."""

import asyncio
import json

import pytest

from rekku.core.message import Attachment
from rekku.core.turn import Outcome
from rekku.store.schema import ATTACHMENTS, HISTORY, INBOX
from rekku.testing import Bot
from tests.road.words import action, asked, history, reply, rows, say, texts, until


async def test_a_message_action_is_said_in_the_chat_that_asked(bot: Bot) -> None:
    bot.model_says(say("hi"))
    assert await bot.hears("hello", user="bob") == ["hi"]
    assert [m.chat for m in bot.interface.sent] == ["bob"]


async def test_plain_words_are_a_reply(bot: Bot) -> None:
    bot.model_says("just words")
    assert await bot.hears("hello") == ["just words"]


async def test_a_prompt_tells_what_was_said_where_and_by_whom(bot: Bot) -> None:
    bot.model_says("ok")
    await bot.hears("hello", user="bob", message_id="77")
    said = asked(bot)["input"]
    assert said["type"] == "message"
    assert said["interface"] == "memory"
    assert said["payload"]["text"] == "hello"
    assert said["payload"]["timestamp"] == "2026-03-01T12:00:00+00:00"
    source = said["payload"]["source"]
    assert (source["chat_id"], source["message_id"], source["user"]["id"]) == ("bob", "77", "bob")


@pytest.mark.parametrize(
    "text",
    [
        reply(action("message", text="hi"), action("message", text="there")),
        "```json\n" + say("hi") + "\n```",
        "Sure! " + say("hi") + " Hope that helps.",
        '{"actions": [{"type": "message", "payload": {"text": "hi"}}',
        "<think>" + say("no") + "</think>" + say("hi"),
        '{"actions": [{"type": "nothing_known", "payload": {}}, {"type": "message", "payload": {"text": "hi"}}]}',
    ],
)
async def test_people_never_see_json(bot: Bot, text: str) -> None:
    bot.model_says(text, reply(), reply())
    sent = await bot.hears("hello")
    assert sent[0] == "hi"
    assert not any("{" in words or "type" in words for words in sent)


async def test_json_that_is_no_action_is_words(bot: Bot) -> None:
    bot.model_says('{"temperature": 21}')
    assert await bot.hears("as JSON please") == ['{"temperature": 21}']


async def test_one_conversation_is_answered_in_order(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("to ann", "to bob", "to ann again")
    receipts = [await bot.send(f"I am {who}", user=who, chat="room", direct=False) for who in ("ann", "bob", "ann")]
    await until(bot, lambda: len(bot.engine.prompts) == 1)
    assert bot.running.road.inbox.running == 1
    bot.engine.gate.set()
    for receipt in receipts:
        assert await receipt.outcome() is Outcome.ANSWERED
    assert texts(bot, "room") == ["to ann", "to bob", "to ann again"]
    assert [asked(bot, n)["input"]["payload"]["text"] for n in range(3)] == ["I am ann", "I am bob", "I am ann"]


async def test_a_later_turn_sees_the_answer_to_an_earlier_one_but_not_messages_still_to_come(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("to ann", "to bob")
    receipts = [await bot.send(f"I am {who}", user=who, chat="room", direct=False) for who in ("ann", "bob")]
    bot.engine.gate.set()
    for receipt in receipts:
        await receipt.outcome()
    assert history(bot, 0) == []
    assert history(bot, 1) == [("Ann", "I am ann"), ("you", "to ann")]


async def test_different_conversations_are_answered_at_the_same_time(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("one", "two", "three")
    receipts = [await bot.send("hello", user=who) for who in ("ann", "bob", "eve")]
    await until(bot, lambda: len(bot.engine.prompts) == 3)
    bot.engine.gate.set()
    assert [await receipt.outcome() for receipt in receipts] == [Outcome.ANSWERED] * 3


async def test_threads_of_one_chat_are_conversations_of_their_own(bot: Bot) -> None:
    from rekku.core.message import Conversation, Message, User

    bot.engine.gate = asyncio.Event()
    bot.model_says("one", "two", "again")
    receipts = []
    for thread in ("7", "8"):
        message = Message(Conversation("memory", "forum", thread), User("ann"), "hello", bot.clock.now(), direct=False)
        receipts.append(await bot.running.road.gate.receive(message))
    await until(bot, lambda: len(bot.engine.prompts) == 2)
    bot.engine.gate.set()
    for receipt in receipts:
        await receipt.outcome()
    assert sorted(m.payload["thread_id"] for m in bot.interface.sent) == ["7", "8"]

    message = Message(Conversation("memory", "forum", "7"), User("ann"), "again", bot.clock.now(), direct=False)
    await (await bot.running.road.gate.receive(message)).outcome()
    assert len(history(bot)) == 2, "the other thread's words are not in this one's history"
    assert asked(bot)["input"]["payload"]["source"]["thread_id"] == "7"


async def test_a_burst_of_one_person_is_answered_together(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("first", "the rest")
    first = await bot.send("one")
    await until(bot, lambda: len(bot.engine.prompts) == 1)
    rest = [await bot.send(text) for text in ("two", "three")]
    bot.engine.gate.set()
    for receipt in (first, *rest):
        assert await receipt.outcome() is Outcome.ANSWERED
    assert texts(bot) == ["first", "the rest"]
    assert asked(bot)["input"]["payload"]["text"] == "two\nthree"
    assert history(bot) == [("Owner", "one"), ("you", "first")]


async def test_different_people_are_never_answered_as_one(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("first", *(["ok"] * 3))
    receipts = [await bot.send("start", user="ann", chat="room", direct=False)]
    await until(bot, lambda: len(bot.engine.prompts) == 1)
    for who, text in (("ann", "a1"), ("ann", "a2"), ("bob", "b1"), ("ann", "a3")):
        receipts.append(await bot.send(text, user=who, chat="room", direct=False))
    bot.engine.gate.set()
    for receipt in receipts:
        await receipt.outcome()
    sources = [asked(bot, n)["input"]["payload"] for n in range(1, 4)]
    assert [(p["source"]["user"]["id"], p["text"]) for p in sources] == [
        ("ann", "a1\na2"),
        ("bob", "b1"),
        ("ann", "a3"),
    ]


async def test_a_command_is_not_merged_into_a_burst(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("first", "rest")
    receipts = [await bot.send("one")]
    await until(bot, lambda: len(bot.engine.prompts) == 1)
    receipts.append(await bot.send("two"))
    assert await bot.tell("/help") is Outcome.COMMAND
    receipts.append(await bot.send("three"))
    bot.engine.gate.set()
    for receipt in receipts:
        await receipt.outcome()
    assert asked(bot)["input"]["payload"]["text"] == "two\nthree"


async def test_a_message_that_the_platform_delivers_again_changes_nothing(bot: Bot) -> None:
    picture = Attachment("image", "cat.png", "image/png", b"a cat")
    bot.model_says("nice cat")
    assert await bot.hears("look", message_id="5", attachments=(picture,)) == ["nice cat"]
    assert await bot.hears("look", message_id="5", attachments=(picture,)) == []
    await bot.restart()
    assert await bot.tell("look", message_id="5", attachments=(picture,)) is Outcome.IGNORED
    assert [row.text for row in await rows(bot, HISTORY)] == ["look", "nice cat"]
    assert len(await rows(bot, ATTACHMENTS)) == 1
    assert len(await rows(bot, INBOX)) == 1


async def test_the_same_message_id_in_another_chat_is_another_message(bot: Bot) -> None:
    bot.model_says("one", "two")
    assert await bot.hears("hello", user="ann", message_id="5") == ["one"]
    assert await bot.hears("hello", user="bob", message_id="5") == ["two"]


async def test_messages_without_an_id_are_all_different(bot: Bot) -> None:
    from rekku.core.message import Conversation, Message, User

    bot.model_says("one", "two")
    for _ in range(2):
        message = Message(Conversation("memory", "ann"), User("ann"), "hello", bot.clock.now())
        await (await bot.running.road.gate.receive(message)).outcome()
    assert texts(bot, "ann") == ["one", "two"]


async def test_history_is_there_after_a_restart_and_no_longer_than_the_setting(bot: Bot) -> None:
    for n in range(12):
        bot.model_says(f"answer {n}")
        await bot.hears(f"question {n}")
    await bot.restart()
    bot.model_says("last")
    await bot.hears("now")
    expected = [line for n in range(7, 12) for line in (("Owner", f"question {n}"), ("you", f"answer {n}"))]
    assert history(bot) == expected


async def test_what_actions_give_is_no_part_of_the_history(bot: Bot) -> None:
    class Oracle:
        def get_supported_actions(self) -> dict[str, object]:
            return {"look": {"description": "Look."}}

        async def handle_custom_action(self, name: str, payload: dict[str, object]) -> str:
            return "a secret number"

    bot.add(Oracle())
    bot.model_says(reply(action("look")), say("I looked."), say("again"))
    await bot.hears("look")
    await bot.hears("and now?")
    assert "a secret number" not in json.dumps(bot.engine.messages[2])
