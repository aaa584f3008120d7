"""One component that hangs, blocks or ends the process holds up nobody else."""

import asyncio
import sys
import threading
from typing import Any

import pytest

from rekku.core.turn import Outcome
from rekku.testing import Bot
from tests.road.doers import Doer, add
from tests.road.test_actions import problems
from tests.road.words import action, answered, asked, reply, say, until

pytestmark = pytest.mark.sqlite_only


async def test_an_action_that_hangs_is_stopped_and_the_model_is_told(bot: Bot) -> None:
    add(bot, Doer("hang", does=lambda _: asyncio.Event().wait(), timeout=0.05))
    bot.model_says(reply(action("hang")), say("It hangs."))
    assert await bot.hears("go") == ["It hangs."]
    assert problems(bot) == ["hang failed: it took longer than 0.05 seconds and was stopped"]


@pytest.mark.settings(ACTION_TIMEOUT="1")
async def test_an_action_that_sets_no_limit_has_the_settings_one(bot: Bot) -> None:
    add(bot, Doer("hang", does=lambda _: asyncio.Event().wait()))
    bot.model_says(reply(action("hang")), say("It hangs."))
    assert await bot.hears("go") == ["It hangs."]
    assert "longer than 1 seconds" in problems(bot)[0]


class Blocker:
    """Blocks its thread until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.began = threading.Event()

    def get_supported_actions(self) -> dict[str, Any]:
        return {"block": {"description": "Block."}}

    def handle_custom_action(self, name: str, payload: dict[str, Any]) -> str:
        self.began.set()
        self.released.wait(20)
        return "over"


async def test_a_plain_function_that_blocks_holds_up_no_other_conversation(bot: Bot) -> None:
    blocker = bot.add(Blocker())
    bot.model_says(reply(action("block")))
    receipt = await bot.send("block", user="ann")
    await until(bot, blocker.began.is_set)
    bot.model_says("hi bob", say("It is over."))
    assert await bot.hears("hello", user="bob") == ["hi bob"]
    blocker.released.set()
    assert await receipt.outcome() is Outcome.ANSWERED
    assert answered(bot)["outputs"] == [{"action": "block", "output": "over"}]


class Quitter:
    """Tries to end the process wherever it is asked something."""

    def get_supported_actions(self) -> dict[str, Any]:
        return {"quit": {"description": "Quit."}, "quit_later": {"description": "Quit later."}}

    def get_static_injection(self) -> dict[str, Any]:
        sys.exit("no facts")

    def validate_payload(self, name: str, payload: dict[str, Any]) -> list[str]:
        if payload:
            sys.exit("no validation")
        return []

    def handle_custom_action(self, name: str, payload: dict[str, Any]) -> None:
        sys.exit(3)

    async def on_turn_end(self, turn: object) -> None:
        raise SystemExit(4)


async def test_sys_exit_in_a_plugin_ends_nothing(bot: Bot) -> None:
    bot.add(Quitter())
    bot.model_says(reply(action("quit"), action("quit_later", now=True)), say("They failed."))
    assert await bot.hears("quit") == ["They failed."]
    first, second = problems(bot)
    assert first.startswith("quit failed: PluginError")
    assert second == "quit_later could not be checked (PluginError)"
    bot.model_says("still here")
    assert await bot.hears("hello") == ["still here"]


async def test_sys_exit_in_an_async_action_ends_nothing(bot: Bot) -> None:
    async def leave(_: object) -> None:
        sys.exit(3)

    add(bot, Doer("leave", does=leave))
    bot.model_says(reply(action("leave")), say("It failed."))
    assert await bot.hears("leave") == ["It failed."]


@pytest.mark.settings(INJECTION_TIMEOUT="2")
async def test_facts_that_come_late_or_break_are_left_out_and_the_others_are_there(bot: Bot) -> None:
    class Late:
        async def get_static_injection(self) -> dict[str, Any]:
            await asyncio.Event().wait()
            return {"late": 1}

    class Broken:
        def get_static_injection(self, message: object = None) -> dict[str, Any]:
            raise KeyError("no facts")

    class Odd:
        def get_static_injection(self) -> str:
            return "no dict"

    class Plain:
        def get_static_injection(self) -> dict[str, Any]:
            return {"plain": threading.current_thread() is not threading.main_thread()}

    class Whole:
        async def get_static_injection(self, message: Any, context_memory: Any) -> dict[str, Any]:
            return {"whole": [message.text, list(context_memory)]}

    class Short:
        async def get_static_injection(self, message: Any = None) -> dict[str, Any]:
            return {"short": message.user.name}

    for plugin in (Late(), Broken(), Odd(), Plain(), Whole(), Short()):
        bot.add(plugin)
    bot.model_says("ok")
    await bot.hears("hello")
    context = asked(bot)["context"]
    assert context.keys() == {"time", "plain", "whole", "short"}
    assert (context["plain"], context["whole"], context["short"]) == (True, ["hello", ["owner"]], "Owner")


async def test_an_object_that_json_cannot_hold_among_the_facts_does_not_break_the_turn(bot: Bot) -> None:
    class Strange:
        def get_static_injection(self) -> dict[str, Any]:
            return {"strange": {"set": {1}, "self": self.__class__, "half": "\ud83d", 5: float("nan")}}

    bot.add(Strange())
    bot.model_says("ok")
    assert await bot.hears("hello") == ["ok"]
    assert "strange" in asked(bot)["context"]
