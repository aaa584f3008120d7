"""Whoever asked is told of every finished turn, at least once, and what the model wrote beside its actions."""

import asyncio
from typing import Any

from rekku.core.principal import Role
from rekku.core.turn import Outcome, Turn
from rekku.store.schema import INBOX
from rekku.testing import Bot
from tests.road.doers import Doer, add
from tests.road.words import action, reply, rows, say, texts, until


class Diary:
    """Wants two fields, and keeps every turn; `held` stops it before it has."""

    def __init__(self) -> None:
        self.begun = 0
        self.turns: list[Turn] = []
        self.held = False

    def get_reply_fields(self) -> dict[str, Any]:
        return {
            "mood": {"type": "string", "description": "How you feel."},
            "thoughts": {"type": "array", "items": {"type": "string"}},
        }

    async def on_turn_end(self, turn: Turn) -> None:
        self.begun += 1
        if self.held:
            await asyncio.Event().wait()
        self.turns.append(turn)


async def test_the_fields_are_offered_and_arrive_in_the_finished_turn(bot: Bot) -> None:
    diary = bot.add(Diary())
    add(bot, Doer("look", does=lambda _: "blue"))
    bot.model_says(
        reply(action("look", at="sky"), mood="curious", unknown="x"),
        reply(action("message", text="Blue."), mood="calm"),
    )
    assert await bot.hears("what colour is the sky?", user="bob") == ["Blue."]

    assert '- mood: {"type":"string","description":"How you feel."}' in bot.engine.prompts[0]
    schema = bot.engine.calls[0].schema
    assert schema is not None
    assert {"mood", "thoughts", "actions"} == set(schema["properties"])
    (turn,) = diary.turns
    assert turn.fields == {"mood": "calm"}
    assert turn.replies == ("Blue.",)
    assert turn.outcome is Outcome.ANSWERED
    assert [(d.action, d.status, d.output) for d in turn.deeds] == [("look", "done", "blue"), ("message", "done", None)]
    assert [m.text for m in turn.messages] == ["what colour is the sky?"]
    assert (turn.principal.role, turn.principal.user_id) == (Role.UNKNOWN, "bob")
    assert (turn.conversation.chat_id, turn.engine, turn.model) == ("bob", "scripted", "scripted-1")
    assert turn.prompt_tokens > 0
    assert turn.completion_tokens > 0


async def test_plain_words_are_a_turn_too_and_fields_beside_words_arrive(bot: Bot) -> None:
    diary = bot.add(Diary())
    bot.model_says("just words", '{"text": "hi", "mood": "glad"}')
    await bot.hears("hello")
    assert await bot.hears("hello") == ["hi"]
    assert [turn.replies for turn in diary.turns] == [("just words",), ("hi",)]
    assert [dict(turn.fields) for turn in diary.turns] == [{}, {"mood": "glad"}]


async def test_it_is_told_again_after_a_restart_in_the_middle(bot: Bot) -> None:
    diary = bot.add(Diary())
    diary.held = True
    bot.model_says(reply(action("message", text="hi"), mood="glad"))
    await bot.send("hello", user="bob")
    await until(bot, lambda: diary.begun == 1)
    assert [row.status for row in await rows(bot, INBOX)] == ["ending"]
    await bot.stop()
    diary.held = False
    await bot.start()
    await until(bot, lambda: diary.turns)
    (turn,) = diary.turns
    assert (turn.fields, turn.replies, turn.outcome) == ({"mood": "glad"}, ("hi",), Outcome.ANSWERED)
    assert [(d.action, d.status) for d in turn.deeds] == [("message", "done")]
    assert [m.text for m in turn.messages] == ["hello"]
    await until(bot, lambda: bot.running.road.inbox.running == 0)
    assert texts(bot, "bob") == ["hi"]
    assert [row.status for row in await rows(bot, INBOX)] == ["done"]
    await bot.restart()
    await bot.clock.advance(1)
    assert len(diary.turns) == 1, "and not a third time"


async def test_a_hook_that_raises_hurts_nobody(bot: Bot) -> None:
    class Broken:
        async def on_turn_end(self, turn: Turn) -> None:
            raise KeyError("no")

    class Blocking:
        def on_turn_end(self, turn: Turn) -> None:
            raise SystemExit(1)

    bot.add(Broken())
    bot.add(Blocking())
    diary = bot.add(Diary())
    bot.model_says("hi", "hi again")
    assert await bot.hears("hello") == ["hi"]
    assert await bot.hears("hello") == ["hi again"]
    assert len(diary.turns) == 2


async def test_the_person_has_the_answer_while_the_hook_still_runs(bot: Bot) -> None:
    diary = bot.add(Diary())
    diary.held = True
    bot.model_says("hi")
    await bot.send("hello")
    await until(bot, lambda: texts(bot) == ["hi"])
    assert diary.turns == []


async def test_a_turn_that_failed_is_told_as_failed(bot: Bot) -> None:
    diary = bot.add(Diary())
    add(bot, Doer(checks=lambda _: ["never right"]))
    bot.model_says(*(reply(action("do_it", n=n)) for n in range(3)))
    await bot.tell("go")
    (turn,) = diary.turns
    assert turn.outcome is Outcome.FAILED
    assert turn.replies == ("I could not do that: never right",)
    assert [d.status for d in turn.deeds] == ["refused"] * 3


async def test_a_burst_is_one_turn(bot: Bot) -> None:
    diary = bot.add(Diary())
    bot.engine.gate = asyncio.Event()
    bot.model_says("first", "the rest")
    receipts = [await bot.send("one")]
    await until(bot, lambda: bot.engine.prompts)
    receipts += [await bot.send(text) for text in ("two", "three")]
    bot.engine.gate.set()
    for receipt in receipts:
        await receipt.outcome()
    assert [[m.text for m in turn.messages] for turn in diary.turns] == [["one"], ["two", "three"]]


async def test_what_a_hook_sends_is_sent(bot: Bot) -> None:
    class Polite(Doer):
        async def on_turn_end(self, turn: Turn) -> None:
            await self.host.send("By the way: good night.", turn.conversation)

    add(bot, Polite())
    bot.model_says(say("hi"))
    await bot.tell("hello")
    await until(bot, lambda: texts(bot) == ["hi", "By the way: good night."])
