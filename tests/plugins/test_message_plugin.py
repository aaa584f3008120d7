"""`message_plugin`: words, files, replies and reactions, here and in other chats."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rekku.core.message import Attachment
from rekku.testing import Bot, MemoryInterface
from tests.road.words import action, answered, reply, say, texts

CAT = Attachment("image", "cat.png", "image/png", b"meow")


class Reacting(MemoryInterface):
    """A chat with reactions; `reactions` are those that Rekku put, with the message."""

    def __init__(self) -> None:
        super().__init__("reacting", frozenset())
        self.reactions: list[tuple[str, str]] = []

    async def react(self, payload: Mapping[str, Any]) -> None:
        self.reactions.append((payload["message_id"], payload["emoji"]))


def files(bot: Bot, chat: str = "owner") -> list[Attachment]:
    """The files that stand in a chat."""
    return [file for m in bot.interface.sent if m.chat == chat for file in m.payload["attachments"]]


def put(bot: Bot, name: str, data: bytes) -> Path:
    """A file in Rekku's folder."""
    file = bot.home / "files" / name
    file.write_bytes(data)
    return file


async def test_the_owner_asks_for_a_file_and_gets_it(bot: Bot) -> None:
    put(bot, "plot.png", b"a plot")
    bot.model_says(say("Here is your plot.", files=["plot.png"]))

    assert await bot.hears("Send me the plot.") == ["Here is your plot.", ""]
    assert files(bot) == [Attachment("image", "plot.png", "image/png", b"a plot")]


async def test_a_name_that_is_not_there_goes_back_to_the_model_with_what_is(bot: Bot) -> None:
    put(bot, "plot.png", b"a plot")
    bot.model_says(say("Here.", files=["plto.png"]), say("Here.", files=["plot.png"]))

    assert await bot.hears("Send me the plot.") == ["Here.", ""]
    assert "there is no file 'plto.png' in your folder; it holds 'plot.png'" in str(answered(bot))


@pytest.mark.parametrize(
    "name", ["../persona.md", "/etc/passwd", "link", "folder", "pipe", "../files/../data", "\0", ""]
)
async def test_no_name_and_no_link_leads_out_of_the_folder(bot: Bot, name: str) -> None:
    folder = bot.home / "files"
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "folder").symlink_to(bot.home)
    os.mkfifo(folder / "pipe")
    bot.model_says(say("Here.", files=[name]), "There is none.")

    assert await bot.hears("Send it.") == ["There is none."]
    assert f"there is no file {name!r}" in str(answered(bot).get("errors")).replace("\\\\", "\\")
    assert files(bot) == []


async def test_a_file_that_is_too_large_is_not_sent(bot: Bot) -> None:
    with put(bot, "film.mp4", b"").open("wb") as film:
        film.truncate(20_000_001)
    bot.model_says(say("Here.", files=["film.mp4"]), "It is too large.")

    assert await bot.hears("Send it.") == ["It is too large."]
    assert "larger than 20 MB" in str(answered(bot))


async def test_other_people_get_no_file_of_the_folder(bot: Bot) -> None:
    put(bot, "plot.png", b"a plot")
    bot.model_says(say("Here.", files=["plot.png"]), "I have none for you.")

    assert await bot.hears("Send me the plot.", user="ann") == ["I have none for you."]
    assert "no file 'plot.png' came with the message" in str(answered(bot))
    assert "plot.png" not in str(answered(bot)).replace("no file 'plot.png'", ""), "nor what the folder holds"


async def test_files_of_the_folder_stay_in_the_chat_where_they_are_asked_for(bot: Bot) -> None:
    put(bot, "plot.png", b"a plot")
    bot.model_says("Hello.", say("Here.", target="ann", files=["plot.png"]), "I may not.")
    await bot.hears("hi", user="ann")

    assert await bot.hears("Send Ann the plot.") == ["I may not."]
    assert files(bot, "ann") == []


async def test_what_came_with_a_message_can_be_sent_on(bot: Bot) -> None:
    bot.model_says("Hello.", reply(action("message", target="ann", text="From the boss.", files=["cat.png"])))
    await bot.hears("hi", user="ann")
    await bot.hears("Send this to Ann.", attachments=(CAT,))

    assert texts(bot, "ann") == ["Hello.", "From the boss.", ""]
    assert files(bot, "ann") == [CAT]


async def test_a_reply_quotes_its_message(bot: Bot) -> None:
    bot.model_says(say("That one.", reply_to="m7"))
    await bot.hears("Which?", message_id="m7")

    assert bot.interface.sent[-1].payload["reply_to"] == "m7"


async def test_a_reaction_stands_under_the_message_that_is_answered(bot: Bot) -> None:
    chat = Reacting()
    bot.add_interface(chat)
    bot.model_says(reply(action("react", emoji="👍"), action("message", text="Good.")))
    await bot.tell("I did it!", interface="reacting", user="ann", message_id="m1")

    assert chat.reactions == [("m1", "👍")]


async def test_where_there_are_no_reactions_the_model_is_told(bot: Bot) -> None:
    bot.model_says(reply(action("react", emoji="👍")), "Good.")

    assert await bot.hears("I did it!") == ["Good."]
    assert "this chat has no reactions" in str(answered(bot))


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({"text": " "}, "payload.text is empty"),
        ({"text": "x", "files": "cat.png"}, "payload.files must be a list"),
        ({"text": "x", "files": [1]}, "payload.files must be a list of names"),
        ({"text": "x", "files": ["a"] * 6}, "payload.files may hold 5 names"),
    ],
)
async def test_what_cannot_be_sent_goes_back_to_the_model(bot: Bot, payload: dict[str, Any], problem: str) -> None:
    bot.model_says(reply(action("message", **payload)), "Well.")

    assert await bot.hears("go") == ["Well."]
    assert problem in str(answered(bot))
