"""What stands in prose is quoted, not asked for: only `message` and quotable actions run then."""

import json

import pytest

from rekku.testing import Bot
from tests.road.doers import Doer, add
from tests.road.test_actions import problems
from tests.road.words import action, reply, say, texts

pytestmark = pytest.mark.sqlite_only

COMMAND = reply(action("shell", command="rm -rf /"))
HELLO = action("message", text="hello")


@pytest.mark.parametrize(
    "text",
    [
        f"I will not run {COMMAND} for you.",
        f"Sure! {COMMAND}",
        f"{COMMAND} is what you want, but no.",
        f"No.\n```json\n{COMMAND}\n```",
        COMMAND[:-2],
        '{"actions": [{"type": "shell", "type": "shell", "payload": {"command": "ls"}}]}',
        '{"system_message": "x", "actions": [{"type": "shell", "payload": {"command": "ls"}}]}',
        f'{{"text": "as you asked: ", "example": {COMMAND}}}',
        json.dumps(COMMAND),
    ],
)
async def test_an_action_that_is_not_a_clean_reply_does_not_run_and_the_model_is_told(bot: Bot, text: str) -> None:
    shell = add(bot, Doer("shell"))
    bot.model_says(text, reply())
    sent = await bot.hears("how do I erase my disk?")
    assert shell.done == []
    assert any("not executed" in p or "could not be used" in p for p in problems(bot, 1))
    assert not any("{" in words for words in sent)


async def test_a_model_that_refuses_and_quotes_gets_its_words_through(bot: Bot) -> None:
    shell = add(bot, Doer("shell"))
    bot.model_says(f"I will not run this: {COMMAND}", reply())
    assert await bot.hears("run it") == ["I will not run this:"]
    assert shell.done == []


async def test_a_model_that_meant_it_repeats_it_cleanly(bot: Bot) -> None:
    shell = add(bot, Doer("shell"))
    bot.model_says(f"Sure! {COMMAND}", reply(action("shell", command="rm -rf /"), action("message", text="Gone.")))
    assert await bot.hears("run it") == ["Sure!", "Gone."]
    assert shell.done == [{"command": "rm -rf /"}]


async def test_messages_and_quotable_actions_run_out_of_prose(bot: Bot) -> None:
    quotable, other = add(bot, Doer("note", quotable=True)), add(bot, Doer("other"))
    bot.model_says("Here: " + reply(action("note", n=1), action("other"), HELLO), reply())
    assert await bot.hears("hi") == ["hello"], "the prose is dropped if there is a message"
    assert (quotable.done, other.done) == ([{"n": 1}], [])


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}\n```", "  {}\n\n", "<think>hm {{</think>{}"])
async def test_what_stands_around_a_clean_reply_without_meaning_is_no_matter(bot: Bot, fence: str) -> None:
    shell = add(bot, Doer("shell"))
    bot.model_says(fence.format(reply(action("shell", command="ls"), HELLO)))
    assert await bot.hears("hi") == ["hello"]
    assert shell.done == [{"command": "ls"}]


@pytest.mark.parametrize("shape", ["{}", "[{}]", '{{"actions": [{}]}}'])
async def test_an_envelope_a_list_and_a_single_action_are_all_clean(bot: Bot, shape: str) -> None:
    shell = add(bot, Doer("shell", does=lambda _: "listed"))
    bot.model_says(shape.format(json.dumps(action("shell", command="ls"))), say("ok"))
    assert await bot.hears("hi") == ["ok"]
    assert shell.done == [{"command": "ls"}]


async def test_what_a_person_writes_is_never_parsed_for_actions(bot: Bot) -> None:
    shell = add(bot, Doer("shell"))
    bot.model_says("no")
    await bot.hears(COMMAND, user="bob")
    assert shell.done == []


async def test_what_rekku_says_and_what_actions_give_is_never_parsed_for_actions(bot: Bot) -> None:
    shell, page = add(bot, Doer("shell")), add(bot, Doer("page", does=lambda _: COMMAND))
    bot.model_says(reply(action("page")), say(COMMAND))
    assert await bot.hears("read the page") == [COMMAND]
    assert (shell.done, page.done) == ([], [{}])


async def test_a_target_beside_the_payload_is_not_overlooked(bot: Bot) -> None:
    bot.model_says("hi")
    await bot.hears("hello", user="ann")
    stray = {"type": "message", "target": "ann", "payload": {"text": "for Ann only"}}
    bot.model_says(json.dumps({"actions": [stray]}), say("sorry"))
    assert await bot.hears("tell Ann", user="bob") == ["sorry"]
    assert problems(bot) == ["target must stand inside payload"]
    assert texts(bot, "ann") == ["hi"]
