"""A reply is shown while it is being written: one message that grows, and never JSON."""

import asyncio
import json
from itertools import pairwise

import pytest

from rekku.core.errors import EngineRefused
from rekku.core.turn import Outcome
from rekku.store.schema import OUTBOX
from rekku.testing import Bot, Sent
from tests.road.doers import Doer, add
from tests.road.gates import Paced
from tests.road.words import action, reply, rows, say, texts, until

pytestmark = pytest.mark.sqlite_only

STORY = "Once upon a time there was a cat. It slept, ate, and slept again; then it had a dream of mice. The end."


def grew(message: Sent, last: str) -> bool:
    """Whether a message became longer and longer, several times, and nothing else."""
    steps = message.texts
    assert steps[-1] == last
    assert all(later.startswith(earlier) for earlier, later in pairwise(steps)), steps
    return len(steps) >= 3


@pytest.mark.parametrize(
    "text",
    [
        STORY,
        say(STORY),
        json.dumps(json.loads(say(STORY)), indent=2),
        "```json\n" + say(STORY) + "\n```",
        "<think>{hm}</think>" + say(STORY),
        reply(action("message", text=STORY), mood="sleepy"),
    ],
)
async def test_one_message_grows_until_it_is_whole(bot: Bot, text: str) -> None:
    bot.engine.pieces, bot.engine.gate = 6, Paced(bot)
    bot.model_says(text)
    assert await bot.hears("tell me a story") == [STORY]
    assert grew(bot.interface.sent[0], STORY)
    assert [(row.status, row.text) for row in await rows(bot, OUTBOX)] == [("sent", STORY)]


async def test_escapes_and_emoji_never_show_half(bot: Bot) -> None:
    story = 'She said: "Hi!"\n' + "😀é\\" * 10
    bot.engine.pieces, bot.engine.gate = 6, Paced(bot)
    bot.model_says(say(story))
    assert await bot.hears("hello") == [story]
    assert grew(bot.interface.sent[0], story)


async def test_an_interface_that_cannot_edit_gets_one_message(bot: Bot) -> None:
    from rekku.testing import MemoryInterface

    class Plain(MemoryInterface):
        can_edit = False

    plain = bot.add_interface(Plain("plain", frozenset()))
    bot.engine.pieces = 8
    bot.model_says(say(STORY))
    assert await bot.hears("hello", interface="plain") == [STORY]
    assert plain.sent[0].texts == [STORY]


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "message", "payload": {"text": %s, "target": "room"}}',
        '{"type": "message", "payload": {"text": %s}, "target": "room"}',
        '{"payload": {"text": %s}, "type": "message", "target": "room"}',
    ],
)
async def test_what_turns_out_to_be_for_another_chat_is_taken_back(bot: Bot, text: str) -> None:
    await bot.tell("hm", user="ann", chat="room", direct=False, addressed=False)
    bot.engine.pieces = 8
    bot.model_says(text % json.dumps(STORY), say("ok"), say("ok"))
    await bot.hears("tell them a story")
    assert STORY not in texts(bot)
    assert "…" not in texts(bot)
    assert len(texts(bot)) <= 1


async def test_what_is_for_another_chat_from_the_start_is_never_shown_here(bot: Bot) -> None:
    await bot.tell("hm", user="ann", chat="room", direct=False, addressed=False)
    bot.engine.pieces = 8
    bot.model_says(reply(action("message", target="room", text=STORY), action("message", text="I told them.")))
    assert await bot.hears("tell them a story") == ["I told them."]
    assert not any(
        "Once" in seen for message in bot.interface.sent if message.chat == "owner" for seen in message.texts
    )


async def test_a_command_in_prose_is_not_shown(bot: Bot) -> None:
    add(bot, Doer("shell"))
    bot.engine.pieces = 8
    bot.model_says("I will surely not run this for you, dear: " + reply(action("shell", command="rm")), reply())
    await bot.hears("run it")
    (message,) = bot.interface.sent
    assert not any("{" in seen for seen in message.texts)


async def test_a_reply_that_breaks_off_becomes_the_words_of_the_deferral(bot: Bot) -> None:
    class Breaking:
        broken = True

        async def generate_response(self, messages: object):  # type: ignore[no-untyped-def]
            for at in range(0, 60, 5):
                yield STORY[at : at + 5]
                await asyncio.sleep(0.02)
                await Paced(bot).wait()
            if self.broken:
                raise EngineRefused("the line broke")

    from rekku.core.registry import Kind

    engine = Breaking()
    await bot.running.loader.adopt(Kind.ENGINE, "breaking", engine)
    await bot.running.road.engines.choose("breaking")
    assert await bot.tell("tell me a story", user="bob") is Outcome.DEFERRED
    (message,) = [m for m in bot.interface.sent if m.chat == "bob"]
    assert len(message.texts) >= 2
    assert message.text.startswith("I cannot think right now")
    engine.broken = False
    await bot.clock.advance(61)
    await until(bot, lambda: len(texts(bot, "bob")) == 2 and texts(bot, "bob")[1] == STORY[:60])


async def test_cancelling_turns_the_draft_into_the_answer(bot: Bot) -> None:
    bot.engine.pieces = 1
    bot.model_says(STORY * 20)
    receipt = await bot.send("tell me a long story", user="bob")
    await until(bot, lambda: bot.interface.sent)
    await bot.tell("/cancel", user="bob")
    assert await receipt.outcome() is Outcome.CANCELLED
    assert sorted(texts(bot, "bob")) == ["Cancelled.", "I have stopped."]


async def test_a_draft_that_a_restart_left_behind_becomes_the_answer(bot: Bot) -> None:
    bot.engine.pieces = 1
    bot.model_says(STORY * 20)
    await bot.send("tell me a long story", user="bob")
    await until(bot, lambda: bot.interface.sent)
    await bot.stop()
    bot.engine.pieces = 0
    bot.model_says("Once more: the end.")
    await bot.start()
    await until(bot, lambda: texts(bot, "bob") == ["Once more: the end."])
    assert [row.status for row in await rows(bot, OUTBOX)] == ["sent"]


async def test_each_step_of_a_turn_may_have_a_message_of_its_own(bot: Bot) -> None:
    add(bot, Doer("look", does=lambda _: "a cat"))
    bot.engine.pieces, bot.engine.gate = 6, Paced(bot)
    bot.model_says(reply(action("message", text=STORY), action("look")), say(STORY.upper()))
    assert await bot.hears("tell me a story") == [STORY, STORY.upper()]
    assert all(grew(message, message.text) for message in bot.interface.sent)


async def test_two_messages_of_one_reply_are_two_messages(bot: Bot) -> None:
    bot.engine.pieces = 8
    bot.model_says(reply(action("message", text=STORY), action("message", text="And again?")))
    assert await bot.hears("tell me a story") == [STORY, "And again?"]


async def test_a_quick_reply_is_simply_sent(bot: Bot) -> None:
    bot.model_says(say(STORY))
    await bot.hears("tell me a story")
    assert bot.interface.sent[0].texts == [STORY]
