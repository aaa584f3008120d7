"""What fails is asked for again, what is done is not, and nobody is left without words."""

from typing import Any

import pytest

from rekku.core.errors import ActionError
from rekku.core.turn import Outcome
from rekku.testing import Bot
from tests.road.doers import Doer, add
from tests.road.test_actions import problems
from tests.road.words import action, answered, reply, say, texts

pytestmark = pytest.mark.sqlite_only


def picky() -> Doer:
    """Does only what is good."""
    return Doer("picky", checks=lambda payload: [] if payload.get("value") == "good" else ["payload.value is bad"])


async def test_only_the_failing_actions_are_asked_for_again_and_what_is_done_is_not_done_again(bot: Bot) -> None:
    good, fussy = add(bot, Doer("good")), add(bot, picky())
    bot.model_says(reply(action("good"), action("picky", value="bad")), reply(action("picky", value="good")), say("ok"))
    assert await bot.hears("go") == ["ok"]
    assert answered(bot, 1)["errors"] == [{"action": "picky", "problems": ["payload.value is bad"]}]
    assert "Repeat only the failing actions" in answered(bot, 1)["correct"]
    assert (good.done, fussy.done) == ([{}], [{"value": "good"}])


async def test_a_model_that_repeats_the_whole_reply_does_nothing_twice(bot: Bot) -> None:
    good, fussy = add(bot, Doer("good", does=lambda _: "output")), add(bot, picky())
    hello = action("message", text="working on it")
    bot.model_says(
        reply(hello, action("good"), action("picky", value="bad")),
        reply(hello, action("good"), action("picky", value="good")),
        reply(),
    )
    assert await bot.hears("go") == ["working on it"]
    assert (good.done, fussy.done) == ([{}], [{"value": "good"}])


async def test_the_same_action_is_done_again_when_nothing_had_failed(bot: Bot) -> None:
    roll = add(bot, Doer("roll", does=lambda _: "six"))
    look = add(bot, Doer("look", does=lambda _: "dice"))
    bot.model_says(reply(action("roll")), reply(action("look"), action("roll")), say("two sixes"))
    assert await bot.hears("roll, look, roll") == ["two sixes"]
    assert (len(roll.done), len(look.done)) == (2, 1)


@pytest.mark.parametrize(
    "retries",
    [pytest.param(n, marks=pytest.mark.settings(CORRECTOR_RETRIES=str(n))) for n in (0, 1, 3)],
)
async def test_out_of_retries_the_person_gets_words_and_the_owner_a_notice(bot: Bot, retries: int) -> None:
    bot.model_says("hi")
    await bot.hears("hello")
    fussy = add(bot, picky())
    bot.model_says(*(reply(action("picky", value=f"bad {n}")) for n in range(retries + 1)))
    assert await bot.hears("go", user="bob") == ["I could not do that: payload.value is bad"]
    assert len(fussy.checked) == retries + 1
    assert fussy.done == []
    (notice,) = texts(bot)[1:]
    assert notice.startswith("[notice] A model could not correct its actions in memory:bob")


async def test_two_retries_are_the_default(bot: Bot) -> None:
    fussy = add(bot, picky())
    bot.model_says(*(reply(action("picky", value=f"bad {n}")) for n in range(3)))
    assert await bot.tell("go") is Outcome.FAILED
    assert len(fussy.checked) == 3
    assert len(texts(bot)) == 1, "the owner reads the words, and needs no notice beside them"


async def test_a_model_that_gives_in_and_explains_is_no_failure(bot: Bot) -> None:
    add(bot, picky())
    bot.model_says(reply(action("picky")), say("I do not know which value."))
    assert await bot.tell("go") is Outcome.ANSWERED


async def test_a_reply_that_repeats_the_step_before_is_not_executed_again(bot: Bot) -> None:
    look = add(bot, Doer("look", does=lambda _: "nothing new"))
    bot.model_says(reply(action("look", at="sky")), reply(action("look", at="sky")), say("Nothing new."))
    assert await bot.hears("look") == ["Nothing new."]
    assert look.done == [{"at": "sky"}]


async def test_a_message_that_is_repeated_after_an_output_is_sent_once(bot: Bot) -> None:
    add(bot, Doer("look", does=lambda _: "blue"))
    bot.model_says(*[reply(action("message", text="I look."), action("look"))] * 2)
    assert await bot.hears("look") == ["I look."]


@pytest.mark.settings(MAX_STEPS="3")
async def test_a_turn_takes_so_many_steps_and_the_last_one_is_announced(bot: Bot) -> None:
    look = add(bot, Doer("look", does=lambda payload: payload["at"]))
    bot.model_says(*(reply(action("look", at=n)) for n in range(3)), say("I have looked three times."))
    assert await bot.hears("look") == ["I have looked three times."]
    assert len(look.done) == 3
    assert "note" not in answered(bot, 1)
    assert answered(bot, 2)["note"].startswith("This is your last reply")


@pytest.mark.settings(MAX_ACTIONS="2")
async def test_what_is_beyond_the_most_actions_is_left_out_and_the_model_is_told(bot: Bot) -> None:
    doer = add(bot, Doer())
    bot.model_says(reply(*(action("do_it", n=n) for n in range(5))), say("I did two of five."))
    assert await bot.hears("go") == ["I did two of five."]
    assert doer.done == [{"n": 0}, {"n": 1}]
    assert problems(bot) == ["one reply may ask for 2 actions; 3 more were left out"]


@pytest.mark.settings(MAX_SENDS="2")
async def test_a_turn_sends_so_many_messages(bot: Bot) -> None:
    bot.model_says(reply(*(action("message", text=str(n)) for n in range(4))), reply())
    assert await bot.hears("count") == ["0", "1"]
    assert problems(bot) == ["one turn may send 2 messages; this one was not sent"] * 2


async def test_who_sent_nothing_is_asked_for_words_once(bot: Bot) -> None:
    add(bot, Doer())
    bot.model_says(reply(action("do_it")), say("It is done."))
    assert await bot.hears("go") == ["It is done."]
    assert "Nothing was sent to the person yet" in answered(bot)["note"]


async def test_a_model_without_words_is_spoken_for(bot: Bot) -> None:
    doer, other = add(bot, Doer()), add(bot, Doer("other"))
    bot.model_says(reply(action("do_it"), action("other"), action("do_it", n=2)), reply(action("do_it", n=3)))
    assert await bot.hears("go") == ["Done: do_it, other."]
    assert (len(doer.done), len(other.done)) == (2, 1), "asked for words, the model cannot act any more"


async def test_a_model_that_says_nothing_at_all_is_spoken_for(bot: Bot) -> None:
    bot.model_says(reply(), reply())
    (words,) = await bot.hears("go")
    assert words.startswith("I have nothing to say to that")


@pytest.mark.parametrize("payload", [{"text": ""}, {"text": "  "}, {}, {"text": None}, {"text": 7}])
async def test_a_message_without_words_is_sent_back(bot: Bot, payload: dict[str, Any]) -> None:
    bot.model_says(reply(action("message", **payload)), say("words"))
    assert await bot.hears("hi") == ["words"]
    assert problems(bot)[0].startswith("payload.text")


async def test_a_failed_action_does_not_use_up_what_a_person_hears(bot: Bot) -> None:
    def fail(_: object) -> None:
        raise ActionError("no network")

    add(bot, Doer("post", does=fail))
    bot.model_says(*(reply(action("message", text=f"try {n}"), action("post", n=n)) for n in range(3)))
    assert await bot.hears("post it") == ["try 0", "try 1", "try 2", "I could not do that: no network"]
