"""What is Telegram's alone: albums, topics, web hooks, its way to count, its ways to say no."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from rekku.interface._telegram_bot.formatting import Stretch, formatted, utf16
from rekku.testing import bot_at
from tests.interface.on_telegram import ALONE, OnTelegram
from tests.interface.suite import GROUP, PNG, asked, health
from tests.interface.telegram import GROUP as GROUP_ID
from tests.interface.telegram import Telegram, account
from tests.interface.world import Talk

SECRET = "X-Telegram-Bot-Api-Secret-Token"


def test_markdown_becomes_entities_that_count_as_telegram_counts() -> None:
    text, stretches = formatted("😀 **bold _both_** and `code`\n\n> quoted\n\n```py\nprint(1)\n```")

    assert text == "😀 bold both and code\n\nquoted\n\nprint(1)"
    assert stretches == [
        Stretch("italic", 8, 4),
        Stretch("bold", 3, 9),
        Stretch("code", 17, 4),
        Stretch("blockquote", 23, 6),
        Stretch("pre", 31, 8, "py"),
    ]
    assert utf16(text) == 39


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# Title\ntext", "Title\n\ntext"),
        ("- one\n- two\n  - deep\n\nafter", "• one\n• two\n  • deep\n\nafter"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a | b\n1 | 2"),
        ("one\ntwo", "one\ntwo"),
        ("<b>no html</b> &amp; *stars", "<b>no html</b> &amp; *stars"),
        ("snake_case_name 2*3*4", "snake_case_name 234"),
        ("", ""),
    ],
)
def test_what_telegram_has_no_form_for_stays_readable(markdown: str, text: str) -> None:
    assert formatted(markdown)[0] == text


async def hooked(world: Telegram, bot_home: Path) -> dict[str, str]:
    """The settings of a web hook on a free port."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    hook = {"TELEGRAM_WEBHOOK_URL": f"http://127.0.0.1:{port}/tg", "TELEGRAM_WEBHOOK_LISTEN": f"127.0.0.1:{port}"}
    return {**ALONE, **world.settings, **hook}


class TestTelegramAlone(OnTelegram):
    """Albums, topics, web hooks."""

    async def test_a_text_is_measured_in_utf16(self, talk: Talk) -> None:
        talk.bot.model_says("😀" * 3000)
        await talk.world.says("laugh")
        await talk.until(lambda: sum(len(text) for text in talk.texts()) == 3000)

        assert len(talk.texts()) == 2

    async def test_the_pictures_of_an_album_are_one_message(self, talk: Talk, world: Telegram) -> None:
        talk.bot.model_says("Two cats.")
        messages: list[dict[str, Any]] = []
        for name in ("one.png", "two.png"):
            world.server.files[name] = PNG
            photo = [{"file_id": name, "file_unique_id": name, "width": 1, "height": 1}]
            message = world.message("", user="ann") | {"photo": photo, "media_group_id": "g1"}
            messages.append(message | {"caption": "cats" if not messages else ""})
        for message in messages:
            world.server.updates.append({"update_id": world.server.number(), "message": message})
        world.server.happens("message", world.message("unrelated", user="bob") | {"chat": world.chat("group", "bob")})
        await talk.until(lambda: talk.texts() == ["Two cats."])

        said = asked(talk.bot)["input"]["payload"]
        assert said["text"] == "cats"
        assert len(said["attachments"]) == 2

    async def test_a_command_for_another_bot_is_not_ours(self, talk: Talk, world: Telegram) -> None:
        await world.says("/help@other_bot", chat=GROUP)
        await world.says("/status@rekku_test_bot", chat=GROUP, user="owner")
        await talk.until(lambda: talk.texts(GROUP))
        await talk.rest()

        assert len(talk.texts(GROUP)) == 1
        assert "sqlite" in talk.texts(GROUP)[0]

    async def test_an_administrator_who_hides_and_a_channel_are_nobody_else(self, talk: Talk, world: Telegram) -> None:
        hidden = {"id": GROUP_ID, "type": "supergroup", "title": "Group"}
        anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
        talk.bot.model_says("Hello.")
        message = world.message("rekku, hi", user="owner", chat=GROUP) | {"from": anonymous, "sender_chat": hidden}
        world.server.happens("message", message)
        await talk.until(lambda: talk.texts(GROUP) == ["Hello."])

        assert asked(talk.bot)["input"]["payload"]["source"]["user"]["id"] == f"chat{GROUP_ID}"
        assert "open_safe" not in talk.bot.engine.prompts[-1]

    async def test_a_group_that_has_moved_is_written_to_where_it_is_now(self, talk: Talk, world: Telegram) -> None:
        world.server.failures.append((400, "Bad Request: group upgraded", {"migrate_to_chat_id": -100999}))
        talk.bot.model_says("Here.")
        await world.says("where are you", chat=GROUP, mention=True)
        await talk.until(lambda: world.server.messages.get("-100999"))

        assert world.server.messages["-100999"][0]["text"] == "Here."

    async def test_formatting_that_telegram_refuses_is_left_out(self, talk: Talk, world: Telegram) -> None:
        world.server.failures.append((400, "Bad Request: can't parse entities", {}))
        talk.bot.model_says("**Bold** words.")
        await world.says("write")
        await talk.until(lambda: talk.texts() == ["**Bold** words."])

    async def test_a_file_that_is_too_large_is_named_and_the_message_is_answered(
        self, talk: Talk, world: Telegram
    ) -> None:
        talk.bot.model_says("Too large for me.")
        film = {"file_id": "x", "file_unique_id": "x", "file_size": 30_000_000, "width": 1, "height": 1, "duration": 9}
        world.server.happens("message", world.message("", user="ann") | {"video": film, "caption": "look"})
        await talk.until(lambda: talk.texts() == ["Too large for me."])

        assert "[video: video.mp4, too large to be fetched]" in asked(talk.bot)["input"]["payload"]["text"]

    async def test_what_was_not_confirmed_comes_again_after_a_kill_and_is_one_message(
        self, talk: Talk, world: Telegram
    ) -> None:
        talk.bot.model_says("Once.")
        await talk.hears("hello")
        (update,) = [u for u in world.server.updates if u["message"]["text"] == "hello"] or [
            {"update_id": world.server.confirmed - 1, "message": world.last}
        ]
        await talk.bot.stop()
        world.server.updates.insert(0, update)
        world.server.asked.clear()
        await talk.bot.start()
        await world.attach(talk.bot)
        await talk.rest()

        assert talk.texts() == ["Once."]

    async def test_a_wrong_token_is_told_once_and_not_asked_for_ever(self, world: Telegram, bot_home: Path) -> None:
        settings = {**ALONE, **world.settings, "BOTFATHER_TOKEN": "1:wrong"}
        async with bot_at(bot_home, settings, interfaces=["telegram_bot"]) as bot:
            talk = Talk(world, bot)
            await talk.until(lambda: "does not accept BOTFATHER_TOKEN" in health(talk))
            await talk.rest()

            assert world.server.calls == []

    async def test_another_program_with_the_same_token_is_told(self, talk: Talk, world: Telegram) -> None:
        talk.step = 1.0
        talk.bot.model_says("Hello.", "Now.")
        world.server.conflict = "terminated by other getUpdates request"
        await talk.hears("hello")
        await talk.until(lambda: "another program fetches" in health(talk))
        await world.says("still there?")
        world.server.conflict = ""
        await talk.until(lambda: talk.texts() == ["Hello.", "Now."])

        assert health(talk) == ""

    async def test_with_a_web_hook_telegram_brings_what_is_said(self, world: Telegram, bot_home: Path) -> None:
        async with bot_at(bot_home, await hooked(world, bot_home), interfaces=["telegram_bot"]) as bot:
            talk = Talk(world, bot)
            await talk.until(lambda: world.server.hook)
            bot.model_says("By hook.")
            await world.says("hello")
            assert await world.server.brings() == [200]
            await talk.until(lambda: talk.texts() == ["By hook."])

            assert health(talk) == ""
            assert all(method != "getUpdates" for method, _ in world.server.calls)

    async def test_nobody_else_can_bring_messages_to_the_hook(self, world: Telegram, bot_home: Path) -> None:
        async with bot_at(bot_home, await hooked(world, bot_home), interfaces=["telegram_bot"]) as bot:
            talk = Talk(world, bot)
            await talk.until(lambda: world.server.hook)
            update: dict[str, Any] = {"update_id": 1, "message": world.message("hi", user="owner")}
            async with aiohttp.ClientSession() as session:
                for headers in ({}, {SECRET: "guessed"}, {SECRET: "gu\u00e9\U0001f600"}):
                    async with session.post(world.server.hook["url"], json=update, headers=headers) as answer:
                        assert answer.status == 403
                secret = {SECRET: world.server.hook["secret_token"]}
                async with session.post(world.server.hook["url"], data=b"[]", headers=secret) as answer:
                    assert answer.status == 400
            await talk.rest()

            assert bot.engine.prompts == []

    async def test_who_presses_a_button_has_only_their_own_rights(self, talk: Talk, world: Telegram) -> None:
        from rekku.core.message import Choice, Conversation

        where = Conversation("telegram_bot", str(GROUP_ID))
        await talk.bot.running.road.voice.answer(where, "Well?", choices=[Choice("Who", "/block_list")])
        await talk.until(lambda: talk.texts(GROUP) == ["Well?"])
        message = world.server.find(int(world.shown(GROUP)[0].id))
        query = {"id": "9", "from": account("ann"), "chat_instance": "1", "data": "/block_list"}
        told = {k: message[k] for k in ("message_id", "date", "text")} | {"chat": world.chat(GROUP, "ann")}
        world.server.happens("callback_query", {**query, "message": told})
        await talk.until(lambda: len(talk.texts(GROUP)) == 2)

        assert "is for the role trainer" in talk.texts(GROUP)[1]
