"""What arrives from Telegram: what counts as said, by whom, and where."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rekku.core.message import Choice, Conversation
from rekku.store.schema import HISTORY
from rekku.testing import bot_at
from tests.interface.on_telegram import ALONE, OnTelegram, calls, given, owner_menu
from tests.interface.suite import GROUP, PNG, asked
from tests.interface.telegram import Telegram, account, number
from tests.interface.world import Talk

ORIGINS: Sequence[dict[str, Any]] = (
    {"type": "user", "date": 1, "sender_user": account("mallory")},
    {"type": "hidden_user", "date": 1, "sender_user_name": "Mallory"},
    {"type": "channel", "date": 1, "message_id": 1, "chat": {"id": -5, "type": "channel", "title": "Mallory"}},
)
STICKER = {"type": "regular", "is_animated": False, "is_video": False, "file_id": "s", "file_unique_id": "s"}
WORDLESS: Mapping[str, dict[str, Any]] = {
    "[sticker 😺]": {"sticker": {**STICKER, "emoji": "😺", "width": 1, "height": 1}},
    "[location 45.50000, 9.20000]": {"location": {"latitude": 45.5, "longitude": 9.2}},
    "[contact Bob +39 1]": {"contact": {"phone_number": "+39 1", "first_name": "Bob"}},
}


def picture(world: Telegram, name: str, **more: Any) -> dict[str, Any]:
    """A message of Ann's with a picture."""
    world.server.files[name] = PNG
    photo = [{"file_id": name, "file_unique_id": name, "width": 1, "height": 1}]
    return world.message("", user="ann") | {"photo": photo} | more


def said(talk: Talk) -> dict[str, Any]:
    """What the model was told last of a message."""
    payload: dict[str, Any] = asked(talk.bot)["input"]["payload"]
    return payload


class TestHearing(OnTelegram):
    """What it hears."""

    async def test_an_album_that_arrives_bit_by_bit_is_one_message(self, talk: Talk, world: Telegram) -> None:
        talk.bot.model_says("Two cats.")
        world.server.happens("message", picture(world, "one.png", media_group_id="g", caption="cats"))
        await given(world)
        assert world.server.confirmed <= world.server.given
        world.server.happens("message", picture(world, "two.png", media_group_id="g"))
        await talk.until(lambda: talk.texts() == ["Two cats."])

        assert (said(talk)["text"], len(said(talk)["attachments"])) == ("cats", 2)

    async def test_what_the_owner_passes_on_is_somebody_elses(self, talk: Talk, world: Telegram) -> None:
        for origin in ORIGINS:
            talk.bot.model_says("Mallory wants to see that list.")
            words = await talk.hears("/block_list", user="owner", forward_origin=origin)

            assert words == ["Mallory wants to see that list."]
            assert said(talk)["text"] == "[passes this on]"
            assert [(quote["from"], quote["text"]) for quote in said(talk)["reply_to"]] == [("Mallory", "/block_list")]

    async def test_a_reply_to_what_one_passed_on_brings_somebody_elses_words(self, talk: Talk, world: Telegram) -> None:
        talk.bot.model_says("Hm.", "No.")
        passed_on = await world.says("open the safe", user="owner", forward_origin=ORIGINS[0])
        await talk.until(lambda: talk.texts("owner"))
        world.written[passed_on]["forward_origin"] = ORIGINS[0]
        await talk.hears("do it", user="owner", reply_to=passed_on)

        assert [(quote["from"], quote["text"]) for quote in said(talk)["reply_to"]] == [("Mallory", "open the safe")]

    async def test_what_another_bot_writes_for_somebody_is_not_their_command(self, talk: Talk, world: Telegram) -> None:
        talk.bot.model_says("No.")
        await world.says("/block_list", user="owner", via_bot=account("gif", bot=True))
        await talk.until(lambda: talk.texts("owner"))

        assert talk.texts("owner") == ["No."]

    async def test_a_forwarded_mention_calls_nobody(self, talk: Talk, world: Telegram) -> None:
        await world.says("hello", chat=GROUP, mention=True, forward_origin=ORIGINS[0])
        talk.bot.model_says("Yes?")

        assert await talk.hears("hello", chat=GROUP, mention=True, user="bob") == ["Yes?"]

    async def test_a_reply_to_a_message_of_another_chat_brings_its_words(self, talk: Talk, world: Telegram) -> None:
        talk.bot.model_says("Hm.")
        quote = {"text": "the moon is green", "position": 0}
        await world.says("true?", external_reply={"origin": ORIGINS[2]}, quote=quote)
        await talk.until(talk.texts)

        assert [(one["from"], one["text"]) for one in said(talk)["reply_to"]] == [("Mallory", "the moon is green")]

    async def test_a_link_behind_a_word_is_seen(self, talk: Talk, world: Telegram) -> None:
        talk.bot.model_says("Careful.")
        link = {"type": "text_link", "offset": 8, "length": 4, "url": "https://evil.example"}
        await world.says("😀 your bank?", entities=[link])
        await talk.until(talk.texts)

        assert said(talk)["text"] == "😀 your bank (https://evil.example)?"

    async def test_what_is_no_text_is_told_in_words(self, talk: Talk, world: Telegram) -> None:
        for text, content in WORDLESS.items():
            talk.bot.model_says("I see.")
            await talk.hears("", **content)

            assert said(talk)["text"] == text

    async def test_a_picture_is_fetched_again_when_the_network_fails(self, talk: Talk, world: Telegram) -> None:
        talk.bot.model_says("A cat.")
        world.server.refusals["getFile"] = [(500, "Internal Server Error", {})]
        world.server.happens("message", picture(world, "cat.png"))
        await talk.until(talk.texts)

        assert len(said(talk)["attachments"]) == 1

    async def test_a_press_counts_however_late_telegram_hears_of_it(self, talk: Talk, world: Telegram) -> None:
        where = Conversation("telegram_bot", str(number("owner")))
        await talk.bot.running.road.voice.answer(where, "Well?", choices=[Choice("Who", "/block_list")])
        await talk.until(lambda: talk.texts("owner"))
        world.server.refusals["answerCallbackQuery"] = [(400, "Bad Request: query is too old", {})]
        await world.presses(world.shown("owner")[0], "Who", user="owner")
        await talk.until(lambda: talk.texts("owner")[1:] == ["Nobody is blocked."])
        await talk.until(lambda: not world.shown("owner")[0].choices)

    async def test_in_a_group_a_command_of_ours_needs_no_name(self, talk: Talk, world: Telegram) -> None:
        await owner_menu(talk, world)
        await world.says("/dance", chat=GROUP, user="owner")
        await world.says("/help@other_bot please", chat=GROUP, user="owner")

        assert await talk.hears("/block_list", chat=GROUP, user="owner") == ["Nobody is blocked."]

    async def test_a_reaction_belongs_to_the_topic_of_its_message(self, talk: Talk, world: Telegram) -> None:
        talk.bot.model_says("In the topic.", "Outside.", "Again in the topic.")
        await talk.hears("hi", chat=GROUP, thread="t1", mention=True)
        await talk.settled()
        shown = world.shown(GROUP, "t1")[0]
        reaction = {"message_id": int(shown.id), "user": account("ann"), "date": 1, "old_reaction": []}
        new = [{"type": "emoji", "emoji": "👍"}]
        world.server.happens("message_reaction", reaction | {"chat": world.chat(GROUP, "ann"), "new_reaction": new})
        await talk.kept("👍", table=HISTORY)
        await talk.hears("hi", chat=GROUP, mention=True)
        assert "reacted" not in json.dumps(asked(talk.bot))
        await talk.hears("and?", chat=GROUP, thread="t1", mention=True)

        assert "reacted with 👍" in json.dumps(asked(talk.bot)["context"]["history"], ensure_ascii=False)

    async def test_whoever_presses_start_is_told_their_id(self, talk: Talk) -> None:
        (text,) = await talk.hears("/start")

        assert f"telegram_bot:{number('ann')}" in text


class TestMenus(OnTelegram):
    """The menu of commands."""

    async def test_everybody_is_offered_their_own_and_the_owner_all(self, talk: Talk, world: Telegram) -> None:
        await owner_menu(talk, world)
        everybody, owner = calls(world, "setMyCommands")

        assert owner["scope"] == {"type": "chat", "chat_id": number("owner")}
        assert (
            {"help", "start"}
            <= {c["command"] for c in everybody["commands"]}
            < {c["command"] for c in owner["commands"]}
        )
        assert "block_list" not in {c["command"] for c in everybody["commands"]}

    async def test_an_owner_who_writes_for_the_first_time_gets_theirs(self, world: Telegram, bot_home: Path) -> None:
        world.server.refusals["setMyCommands"] = [None, (400, "Bad Request: chat not found", {})]
        async with bot_at(bot_home, {**ALONE, **world.settings}, interfaces=["telegram_bot"]) as bot:
            talk = Talk(world, bot)
            await owner_menu(talk, world)
            await talk.hears("/start", user="owner")
            await talk.until(lambda: len(calls(world, "setMyCommands")) == 4)

            assert "scope" in calls(world, "setMyCommands")[-1]
