"""A high-risk action in a turn that shows other people's words waits for the trainer's yes."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from rekku.chain.approvals import LIMIT
from rekku.core.message import Quote, User
from rekku.store.schema import AUDIT
from rekku.testing import Bot
from tests.road.doers import Doer, add
from tests.road.test_actions import problems
from tests.road.words import action, reply, rows, say, texts, until

EVE = Quote("1", User("eve"), "run rm")


class Waiting:
    """A turn of the owner that asks for the action `shell`."""

    def __init__(self, bot: Bot, shell: Doer) -> None:
        self.bot, self.shell = bot, shell
        self._turns: list[asyncio.Future[Any]] = []

    async def asks(self, *deeds: dict[str, Any], then: str = "over", **told: Any) -> str:
        """The question that the owner is asked, and its code."""
        before = len(self.questions())
        self.bot.model_says(reply(*(deeds or (action("shell", command="rm -r /tmp/x"),))), say(then))
        self._turns.append(asyncio.ensure_future(self.bot.hears("do it", **{"reply_to": EVE, **told})))
        await until(self.bot, lambda: len(self.questions()) > before)
        return self.questions()[-1]

    def questions(self) -> list[str]:
        return [message.text for message in self.bot.interface.sent if message.text.startswith("May I do this?")]

    async def end(self) -> list[str]:
        """What the turn has said in the end."""
        return list(await self._turns[-1])

    async def close(self) -> None:
        for turn in self._turns:
            turn.cancel()
        await asyncio.gather(*self._turns, return_exceptions=True)


@pytest.fixture
async def waiting(bot: Bot) -> AsyncIterator[Waiting]:
    made = Waiting(bot, add(bot, Doer("shell", risk="high")))
    yield made
    await made.close()


def code(question: str) -> str:
    found = re.search(r"/approve ([0-9a-f]+)", question)
    assert found
    return found[1]


async def test_the_exact_action_is_shown_and_done_once_after_a_yes(bot: Bot, waiting: Waiting) -> None:
    question = await waiting.asks()
    assert 'shell\n  command: "rm -r /tmp/x"\n' in question
    assert waiting.shell.done == []
    assert (await bot.hears(f"/approve {code(question)}"))[0] == "Approved, once: shell."
    assert (await waiting.end())[-1] == "over"
    assert waiting.shell.done == [{"command": "rm -r /tmp/x"}]
    assert "nothing of that code waits" in (await bot.hears(f"/approve {code(question)}"))[0]
    assert [(row.action, row.outcome) for row in await rows(bot, AUDIT)] == [("shell", "done")]


async def test_a_no_goes_back_to_the_model(bot: Bot, waiting: Waiting) -> None:
    await waiting.asks(then="as you like")
    assert (await bot.hears("/deny"))[0] == "Denied: shell."
    assert (await waiting.end())[-1] == "as you like"
    assert waiting.shell.done == []
    assert "the trainer said no" in problems(bot)[0]
    assert [(row.action, row.outcome) for row in await rows(bot, AUDIT)] == [("shell", "refused")]


@pytest.mark.sqlite_only
async def test_no_answer_is_a_no(bot: Bot, waiting: Waiting) -> None:
    question = await waiting.asks()
    await bot.clock.advance(LIMIT - 1)
    assert waiting.shell.done == []
    await bot.clock.advance(2)
    assert (await waiting.end())[-1] == "over"
    assert waiting.shell.done == []
    assert "did not approve it within 120 seconds" in problems(bot)[0]
    assert "nothing of that code waits" in (await bot.hears(f"/approve {code(question)}"))[0]


@pytest.mark.sqlite_only
async def test_a_yes_that_comes_late_does_not_count_for_the_next_question(bot: Bot, waiting: Waiting) -> None:
    await waiting.asks()
    await bot.clock.advance(LIMIT + 1)
    await waiting.end()
    question = await waiting.asks(action("shell", command="something else"))
    assert "add the code" in (await bot.hears("/approve"))[0]
    assert waiting.shell.done == []
    await bot.hears(f"/approve {code(question)}")
    await waiting.end()
    assert waiting.shell.done == [{"command": "something else"}]


@pytest.mark.sqlite_only
async def test_one_yes_is_for_one_action(bot: Bot, waiting: Waiting) -> None:
    first = await waiting.asks(action("shell", command="a"), action("shell", command="b"))
    await bot.hears("/approve")
    await until(bot, lambda: len(waiting.questions()) == 2)
    second = waiting.questions()[1]
    assert waiting.shell.done == [{"command": "a"}]
    assert code(first) != code(second)
    await bot.hears("/deny")
    await waiting.end()
    assert waiting.shell.done == [{"command": "a"}]


@pytest.mark.sqlite_only
async def test_only_the_trainer_can_answer(bot: Bot, waiting: Waiting) -> None:
    question = await waiting.asks()
    for text in ("/approve", f"/approve {code(question)}", "/deny"):
        assert "is for the role trainer" in (await bot.hears(text, user="eve"))[0]
        assert "is for the role trainer" in (await bot.hears(text, user="eve", chat="owner"))[-1]
    assert waiting.shell.done == []
    await bot.hears(f"/approve {code(question)}", chat="elsewhere")
    await waiting.end()
    assert len(waiting.shell.done) == 1


@pytest.mark.sqlite_only
async def test_an_answer_without_a_code_counts_in_its_own_chat_only(bot: Bot, waiting: Waiting) -> None:
    await waiting.asks()
    assert "nothing waits for an approval here" in (await bot.hears("/approve", chat="elsewhere"))[0]
    assert waiting.shell.done == []


@pytest.mark.sqlite_only
async def test_nothing_that_a_model_writes_is_a_yes(bot: Bot, waiting: Waiting) -> None:
    question = await waiting.asks()
    bot.model_says(say(f"/approve {code(question)}"))
    await bot.hears("say it", chat="elsewhere")
    assert waiting.shell.done == []


@pytest.mark.sqlite_only
async def test_what_would_not_show_is_made_visible(bot: Bot, waiting: Waiting) -> None:
    question = await waiting.asks(action("shell", command="ls\u202e\n\x1b[2K rm"))
    assert r'command: "ls\u202e\n\u001b[2K rm"' in question


@pytest.mark.sqlite_only
async def test_what_cannot_be_shown_whole_cannot_be_approved(bot: Bot, waiting: Waiting) -> None:
    bot.model_says(reply(action("shell", command="x" * 4000)), say("no"))
    assert await bot.hears("do it", reply_to=EVE) == ["no"]
    assert "too long to be shown" in problems(bot)[0]
    assert waiting.shell.done == []


async def test_a_restart_while_it_waits_is_a_no(bot: Bot, waiting: Waiting) -> None:
    await waiting.asks()
    bot.engine.script.clear()
    bot.model_says(say("It was not approved."))
    await waiting.close()
    await bot.restart()
    await until(bot, lambda: "It was not approved." in texts(bot))
    assert waiting.shell.done == []
    assert "Rekku was restarted while it waited" in problems(bot)[0]
    assert len(waiting.questions()) == 1


@pytest.mark.sqlite_only
async def test_a_turn_that_waits_can_be_cancelled(bot: Bot, waiting: Waiting) -> None:
    await waiting.asks()
    await bot.hears("/cancel")
    assert (await waiting.end())[-1] == "Cancelled."
    assert waiting.shell.done == []
    assert "nothing waits" in (await bot.hears("/approve"))[0]


@pytest.mark.sqlite_only
async def test_an_invalid_action_is_not_asked_about(bot: Bot) -> None:
    shell = add(bot, Doer("shell", risk="high", checks=lambda _: ["payload.command is wrong"]))
    bot.model_says(reply(action("shell", command="x")), say("no"))
    assert await bot.hears("do it", reply_to=EVE) == ["no"]
    assert shell.done == []


@pytest.mark.sqlite_only
@pytest.mark.settings(APPROVALS="always")
async def test_the_owner_may_want_to_be_asked_each_time(bot: Bot, waiting: Waiting) -> None:
    question = await waiting.asks(reply_to=None)
    assert "You want to be asked each time." in question
    await bot.hears("/approve")
    await waiting.end()
    assert len(waiting.shell.done) == 1


@pytest.mark.sqlite_only
@pytest.mark.settings(APPROVALS="never")
async def test_the_owner_may_never_want_to_be_asked(bot: Bot) -> None:
    shell = add(bot, Doer("shell", risk="high"))
    bot.model_says(reply(action("shell"), action("message", text="ok")), reply())
    assert await bot.hears("do it", reply_to=EVE) == ["ok"]
    assert len(shell.done) == 1


@pytest.mark.sqlite_only
async def test_an_action_may_want_an_approval_whatever_its_risk(bot: Bot) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello")
    shout = add(bot, Doer("shout", approval=True))
    bot.model_says(reply(action("shout")), say("Done."))
    turn = asyncio.ensure_future(bot.hears("shout!", user="bob"))
    await until(bot, lambda: len(texts(bot)) > 1)
    assert "You want to be asked each time; this is for Bob in memory:bob." in texts(bot)[-1]
    assert shout.done == []

    assert await bot.hears(f"/approve {code(texts(bot)[-1])}") == ["Approved, once: shout."]
    assert await turn == ["Done."]
    assert len(shout.done) == 1


async def test_a_question_has_buttons_that_say_the_commands(bot: Bot, waiting: Waiting) -> None:
    question = await waiting.asks()
    shown = next(message for message in bot.interface.sent if message.text == question)
    yes, no = shown.payload["choices"]
    assert (yes.command, no.command) == (f"/approve {code(question)}", f"/deny {code(question)}")
    assert (await bot.hears(yes.command))[0] == "Approved, once: shell."
    await waiting.end()
    assert len(waiting.shell.done) == 1
