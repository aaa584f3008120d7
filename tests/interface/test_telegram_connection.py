"""The connection to Telegram: web hooks that are refused, changed and broken, and a kill at the worst moment."""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rekku.core.registry import Kind
from rekku.testing import bot_at
from tests.interface.on_telegram import ALONE, OnTelegram, calls
from tests.interface.suite import health
from tests.interface.telegram import Telegram
from tests.interface.world import Talk
from tests.servers.openai_server import OpenAIServer


def hook() -> Mapping[str, str]:
    """The settings of a web hook on a port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return {"TELEGRAM_WEBHOOK_URL": f"http://127.0.0.1:{port}/tg", "TELEGRAM_WEBHOOK_LISTEN": f"127.0.0.1:{port}"}


class TestConnecting(OnTelegram):
    """How it gets and keeps its connection."""

    async def test_calls_that_nobody_waits_for_any_more_use_up_no_connections(
        self, talk: Talk, world: Telegram
    ) -> None:
        component = talk.bot.running.registry.get(Kind.INTERFACE, "telegram_bot")
        assert component is not None
        for number_of_turns in range(24):
            for active in (True, False):
                for chat in range(8):
                    await component.instance.typing({"target": str(chat), "active": active})
                for _ in range(number_of_turns % 12):
                    await asyncio.sleep(0)
        talk.bot.model_says("Hello.")

        assert await talk.hears("hello") == ["Hello."]

    async def test_a_web_hook_of_another_program_is_taken_away(self, talk: Talk, world: Telegram) -> None:
        talk.step = 2.0
        world.server.conflict = "can't use getUpdates method while webhook is active"
        world.server.happens("something_new", {})  # the question that is open is answered, the next one is refused
        await talk.until(lambda: "a web hook of another program" in health(talk))
        talk.bot.model_says("Hello.")

        assert await talk.hears("hello") == ["Hello."]

    async def test_a_hook_is_set_again_and_again_until_telegram_takes_it(self, world: Telegram, bot_home: Path) -> None:
        world.server.refusals["setWebhook"] = [(502, "Bad Gateway", {}), (400, "Bad Request: bad webhook", {})]
        settings = {**ALONE, **world.settings, **hook()}
        async with bot_at(bot_home, settings, interfaces=["telegram_bot"]) as bot:
            talk = Talk(world, bot, step=2.0)
            await talk.until(lambda: "Telegram does not take TELEGRAM_WEBHOOK_URL" in health(talk))
            await talk.until(lambda: world.server.hook)
            await talk.until(lambda: health(talk) == "")

    async def test_a_hook_that_somebody_changed_is_set_again(self, world: Telegram, bot_home: Path) -> None:
        settings = {**ALONE, **world.settings, **hook()}
        async with bot_at(bot_home, settings, interfaces=["telegram_bot"]) as bot:
            talk = Talk(world, bot, step=5.0)
            await talk.until(lambda: world.server.hook)
            world.server.hook = {}
            await talk.until(lambda: world.server.hook)

            assert len(calls(world, "setWebhook")) == 2

    async def test_it_is_told_that_telegram_cannot_reach_the_hook(self, world: Telegram, bot_home: Path) -> None:
        settings = {**ALONE, **world.settings, **hook()}
        async with bot_at(bot_home, settings, interfaces=["telegram_bot"]) as bot:
            talk = Talk(world, bot, step=5.0)
            await talk.until(lambda: world.server.hook)
            await world.says("hello")
            later = int(bot.clock.now().timestamp()) + 60
            world.server.hook["failed"] = {"last_error_date": later, "last_error_message": "Connection refused"}
            await talk.until(lambda: "cannot bring messages to TELEGRAM_WEBHOOK_URL: Connection" in health(talk))
            world.server.updates.clear()
            await talk.until(lambda: health(talk) == "")

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"TELEGRAM_WEBHOOK_URL": "http://example.org/tg"}, "must begin with https://"),
            ({"TELEGRAM_WEBHOOK_LISTEN": "8443"}, "must be an address and a port"),
        ],
    )
    async def test_a_hook_that_cannot_be_is_told_at_once(
        self, world: Telegram, bot_home: Path, wrong: Mapping[str, str], words: str
    ) -> None:
        settings = {**ALONE, **world.settings, **hook(), **wrong}
        async with bot_at(bot_home, settings, interfaces=["telegram_bot"]) as bot:
            reasons = [report.reason for report in bot.running.loader.reports.values()]

            assert any(words in reason for reason in reasons)

    async def test_killed_before_it_can_confirm_it_answers_once(self, world: Telegram, tmp_path: Path) -> None:
        async with OpenAIServer(json.dumps({"actions": [{"type": "message", "payload": {"text": "Once."}}]})) as model:
            environ = {**world.settings, "OPENAI_BASE_URL": model.url, "REKKU_HOME": str(tmp_path / "home")}
            model.hold()
            async with rekku(environ) as process:
                world.server.holds_confirmations = True
                await world.says("hello")
                async with asyncio.timeout(20):
                    await world.server.confirming.wait()
                    await model.arrived.wait()
                process.send_signal(signal.SIGKILL)
                await process.wait()
            assert world.server.updates, "it was not confirmed, so Telegram brings it again"
            world.server.holds_confirmations = False
            model.release()
            async with rekku(environ):
                async with asyncio.timeout(20):
                    while world.server.updates or not world.shown():
                        world.server.changed.clear()
                        await world.server.changed.wait()

            assert [shown.text for shown in world.shown()] == ["Once."]
            assert len(model.requests) == 2


@asynccontextmanager
async def rekku(environ: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A `rekku run` of its own, with these settings and nothing else of ours; ended in the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "rekku",
        "run",
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "REKKU_PLUGINS": "message_plugin,telegram_bot,openai_chatgpt"}
        | dict(environ),
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(20):
            await process.wait()
