"""What the model asks for is checked, done, and told back."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from rekku.core.core_initializer import PLUGIN_REGISTRY, available_actions
from rekku.core.errors import ActionError
from rekku.testing import Bot
from tests.road.doers import Doer, add, drop_in
from tests.road.words import action, answered, reply, say, texts, until

pytestmark = [
    pytest.mark.sqlite_only,
    pytest.mark.settings(REKKU_PLUGINS="message_plugin,time_plugin,my_action_plugin,sample,dice"),
]

LOADER = Path(__file__).parent.parent / "loader"
SAMPLE = (LOADER / "sample_plugin.py.txt").read_text()
DICE = (LOADER / "dice_plugin.py.txt").read_text()


def problems(bot: Bot, number: int = -1) -> list[str]:
    """What the model was told is wrong."""
    return [problem for error in answered(bot, number)["errors"] for problem in error["problems"]]


async def test_the_documents_sample_plugin_works_as_a_file_and_goes_with_it(bot: Bot) -> None:
    file = bot.home / "plugins" / "my_action_plugin.py"
    file.write_text(SAMPLE)
    await until(bot, lambda: "my_action" in available_actions)

    bot.model_says(reply(action("my_action")), reply(action("my_action", value="x"), action("message", text="Done.")))
    assert await bot.hears("do it") == ["Done."]
    assert "- my_action: Send a value to MyActionPlugin." in bot.engine.prompts[0]
    assert '"value": "string, required: Value to echo"' in bot.engine.prompts[0].replace('":"', '": "')
    assert problems(bot) == ["payload.value is required"]

    file.unlink()
    await until(bot, lambda: "my_action" not in available_actions)
    bot.model_says(reply(action("my_action", value="x")), say("I cannot."))
    assert await bot.hears("again") == ["I cannot."]
    assert "- my_action" not in bot.engine.prompts[2]
    assert "'my_action' is no action" in problems(bot)[0]


async def test_the_sample_plugin_is_executed(bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    await drop_in(bot, "plugins/sample.py", SAMPLE.replace("...  # perform work", 'print("got", payload["value"])'))
    bot.model_says(reply(action("my_action", value="x"), action("message", text="Done.")))
    assert await bot.hears("do it") == ["Done."]
    assert capsys.readouterr().out == "got x\n"


def roll(sides: object) -> str:
    return f'{{"actions": [{{"type": "roll_dice", "payload": {{"sides": {sides}}}}}]}}'


@pytest.mark.parametrize("sides", ["1", "101", '"six"', "null"])
async def test_a_bad_die_goes_back_to_the_model_and_is_rolled_once(bot: Bot, sides: str) -> None:
    await drop_in(bot, "plugins/dice.py", DICE)
    bot.model_says(roll(sides), roll(20), "Done.")

    assert await bot.hears("roll") == ["Done."]
    assert "payload.sides must be a whole number from 2 to 100" in bot.engine.prompts[1]
    assert len(PLUGIN_REGISTRY["dice"].rolls) == 1


async def test_outputs_go_back_to_the_model_which_acts_again(bot: Bot) -> None:
    look = add(bot, Doer("look", does=lambda payload: {"seen": payload["at"]}))
    bot.model_says(
        reply(action("look", at="sky")), reply(action("look", at="sea")), say("The sky and the sea are blue.")
    )
    assert await bot.hears("look around") == ["The sky and the sea are blue."]
    assert look.done == [{"at": "sky"}, {"at": "sea"}]
    assert answered(bot, 1) == {"outputs": [{"action": "look", "output": {"seen": "sky"}}]}
    roles = [m["role"] for m in bot.engine.messages[2]]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]


async def test_a_message_has_no_output_so_the_model_is_asked_once(bot: Bot) -> None:
    bot.model_says(say("hi"))
    await bot.hears("hello")
    assert len(bot.engine.prompts) == 1


async def test_actions_are_done_in_the_order_in_which_they_were_asked_for(bot: Bot) -> None:
    order: list[str] = []
    for name in ("b", "a", "c"):
        add(bot, Doer(name, does=partial(_note, order, name)))
    bot.model_says(reply(action("b"), action("a"), action("c"), action("b", again=1), action("message", text="ok")))
    await bot.hears("go")
    assert order == ["b", "a", "c", "b"]


async def test_an_unknown_action_is_answered_with_those_that_there_are(bot: Bot) -> None:
    bot.model_says(reply(action("fly")), say("I cannot fly."))
    assert await bot.hears("fly") == ["I cannot fly."]
    (problem,) = problems(bot)
    assert problem.startswith("'fly' is no action; the actions are message")


async def test_missing_fields_are_answered_by_the_core_and_the_plugin_is_not_asked(bot: Bot) -> None:
    doer = add(bot, Doer(required_fields=["one", "two"], checks=lambda _: ["never asked"]))
    bot.model_says(reply(action("do_it", two=2)), say("sorry"))
    await bot.hears("go")
    assert problems(bot) == ["payload.one is required"]
    assert doer.checked == []


async def test_type_problems_and_the_plugins_problems_are_told_together(bot: Bot) -> None:
    told = {"count": {"type": "integer"}, "colour": {"enum": ["red", "blue"]}, "on": {"type": ["boolean", "null"]}}
    doer = add(bot, Doer(required_fields=["count"], told=told, checks=lambda _: ["payload.count is odd"]))
    bot.model_says(reply(action("do_it", count="3", colour="green", on=1)), say("sorry"))
    await bot.hears("go")
    assert problems(bot) == [
        "payload.count must be a whole number",
        "payload.colour must be one of red, blue",
        "payload.on must be true or false or null",
        "payload.count is odd",
    ]
    assert doer.done == []


async def test_a_validator_that_raises_means_invalid(bot: Bot) -> None:
    doer = add(bot, Doer(checks=lambda payload: payload["not there"]))
    bot.model_says(reply(action("do_it")), say("sorry"))
    assert await bot.hears("go") == ["sorry"]
    assert problems(bot) == ["do_it could not be checked (KeyError)"]
    assert doer.done == []


async def test_a_validator_that_trips_over_a_wrong_type_adds_nothing_to_it(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    told = {"word": {"type": "string"}}
    doer = add(bot, Doer(required_fields=["word"], told=told, checks=lambda payload: [payload["word"].strip()]))
    bot.model_says(reply(action("do_it", word=5)), say("sorry"))
    assert await bot.hears("go") == ["sorry"]
    assert problems(bot) == ["payload.word must be a text"]
    assert doer.done == []
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_what_an_action_says_went_wrong_reaches_the_model_word_for_word(bot: Bot) -> None:
    def refuse(_: object) -> None:
        raise ActionError("the door is locked", "the key is lost")

    add(bot, Doer(does=refuse))
    bot.model_says(reply(action("do_it")), say("The door is locked."))
    assert await bot.hears("open") == ["The door is locked."]
    assert problems(bot) == ["the door is locked", "the key is lost"]


async def test_an_action_that_breaks_hurts_nobody_else(bot: Bot) -> None:
    good = add(bot, Doer("good"))
    add(bot, Doer("bad", does=lambda payload: payload["not there"]))
    bot.model_says(reply(action("bad"), action("good")), say("One of them broke."))
    assert await bot.hears("go") == ["One of them broke."]
    assert good.done == [{}]
    assert problems(bot) == ["bad failed: KeyError: 'not there'"]


async def test_execute_action_is_preferred_and_knows_the_conversation(bot: Bot) -> None:
    seen: list[Any] = []

    class Executor:
        def get_supported_actions(self) -> dict[str, Any]:
            return {"greet": {"description": "Greet."}}

        async def execute_action(self, action: Any, context: Any, bot: Any, message: Any) -> None:
            seen.extend([action, context["chat_id"], context["role"], message.text])
            await bot.send_message(context["chat_id"], text="from the action")

        async def handle_custom_action(self, name: str, payload: Any) -> None:
            raise AssertionError("execute_action is there")

    bot.add(Executor())
    bot.model_says(reply(action("greet", n=1)))
    assert await bot.hears("greet me", user="bob") == ["from the action"]
    assert seen == [{"type": "greet", "payload": {"n": 1}}, "bob", "unknown", "greet me"]


async def test_what_an_action_sent_before_it_failed_is_not_sent(bot: Bot) -> None:
    async def send_and_fail(_: object) -> None:
        await doer.host.send("half done")
        raise ActionError("then it broke")

    doer = add(bot, Doer(does=send_and_fail))
    bot.model_says(reply(action("do_it")), say("It broke."))
    assert await bot.hears("go") == ["It broke."]


async def test_outputs_of_any_kind_and_size_reach_the_model_and_are_kept(bot: Bot) -> None:
    outputs = {"long": "word " * 20_000, "strange": {1: object, "bytes": b"\xff"}, "half": "\ud83d", "false": False}
    for name, output in outputs.items():
        add(bot, Doer(name, does=partial(_give, output)))
    bot.model_says(reply(*(action(name) for name in outputs)), say("all seen"))
    assert await bot.hears("go") == ["all seen"]
    told = {entry["action"]: entry["output"] for entry in answered(bot)["outputs"]}
    assert told.keys() == outputs.keys()
    assert len(told["long"]) <= 20_000
    assert told["long"].endswith("[…]")
    assert told["false"] is False


async def test_native_tool_calls_are_accepted(bot: Bot) -> None:
    doer = add(bot, Doer(quotable=True))
    call = '{"tool_calls": [{"id": "1", "function": {"name": "do_it", "arguments": "{\\"n\\": 1}"}}]}'
    bot.model_says(call, say("done"))
    await bot.hears("go")
    assert doer.done == [{"n": 1}]
    assert texts(bot)


def _note(order: list[str], name: str, _: object) -> None:
    order.append(name)


def _give(output: object, _: object) -> object:
    return output
