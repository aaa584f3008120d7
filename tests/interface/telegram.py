"""Telegram as its people see it."""

import asyncio
import time
from collections.abc import Collection, Sequence
from typing import Any

from rekku.testing import Bot
from tests.interface.world import EVERYTHING, File, Shown
from tests.servers.telegram_server import ME, TOKEN, TelegramServer

GROUP = -1001234
QUOTED = ("message_id", "date", "chat", "from", "text", "forward_origin")
"""What is told of a message that is replied to."""


class Telegram:
    """A server of the Bot API, and people with accounts there. Topic ids are numbers: "t1" is 71."""

    interface = "telegram_bot"
    owner = "owner"
    can: Collection[str] = EVERYTHING - {"keys"}
    secret = TOKEN
    max_length = 4096

    def __init__(self) -> None:
        self.server = TelegramServer()
        self.settings: dict[str, str] = {}
        self.written: dict[str, dict[str, Any]] = {}
        self.last: dict[str, Any] = {}

    @property
    def pings(self) -> list[str]:
        """A bot's message calls whom an entity mentions; `@everyone` is nobody on Telegram."""
        kinds = ("mention", "text_mention")
        messages = [m for some in self.server.messages.values() for m in some]
        return [e["type"] for m in messages for e in m.get("entities", ()) if e["type"] in kinds]

    async def open(self) -> None:
        await self.server.up()
        self.settings = {
            "BOTFATHER_TOKEN": TOKEN,
            "TELEGRAM_API_URL": self.server.url,
            "TRAINER_IDS": f"telegram_bot:{number(self.owner)}",
        }

    async def close(self) -> None:
        await self.server.down()

    async def attach(self, bot: Bot) -> None:
        async with asyncio.timeout(20):
            await self.server.asked.wait()

    async def says(
        self,
        text: str,
        *,
        user: str = "ann",
        chat: str = "",
        thread: str = "",
        reply_to: str = "",
        mention: bool = False,
        files: Sequence[File] = (),
        bot: bool = False,
        **more: Any,
    ) -> str:
        message = self.message(text, user=user, chat=chat, thread=thread, mention=mention, bot=bot) | more
        if reply_to:
            quoted = self.written.get(reply_to) or self.server.find(int(reply_to))
            message["reply_to_message"] = {k: v for k, v in quoted.items() if k in QUOTED}
        for kind, name, mime, data in files:
            self.server.files[name] = data
            file = {"file_id": name, "file_unique_id": name, "file_size": len(data), "width": 1, "height": 1}
            field = {"image": "photo", "audio": "voice"}.get(kind, "document")
            message[field] = (
                [file] if field == "photo" else file | {"duration": 1, "mime_type": mime, "file_name": name}
            )
            message["caption"] = message.pop("text", "")
        self.written[str(message["message_id"])] = self.last = message
        self.server.happens("message", message)
        return str(message["message_id"])

    def message(
        self,
        text: str,
        *,
        user: str = "ann",
        chat: str = "",
        thread: str = "",
        mention: bool = False,
        bot: bool = False,
    ) -> dict[str, Any]:
        """A message as Telegram tells of it."""
        if mention:
            text = f"@{ME['username']} {text}"
        message: dict[str, Any] = {
            "message_id": self.server.number(),
            "date": int(time.time()),
            "chat": self.chat(chat, user),
            "from": account(user, bot=bot),
            "text": text,
            "entities": _entities(text),
        }
        if thread:
            message |= {"message_thread_id": topic(thread), "is_topic_message": True}
        return message

    def chat(self, chat: str, user: str) -> dict[str, Any]:
        """A chat: the user's direct one, or the group."""
        if chat and chat != user:
            return {"id": GROUP, "type": "supergroup", "title": "Group", "is_forum": True}
        return {"id": number(user), "type": "private", "first_name": user.capitalize(), "username": user}

    async def edits(self, message_id: str, text: str) -> None:
        edited = self.written[message_id] | {"text": text, "edit_date": int(time.time()), "entities": []}
        self.server.happens("edited_message", edited)

    async def presses(self, shown: Shown, label: str, *, user: str) -> None:
        message = self.server.find(int(shown.id))
        buttons = [button for row in message["reply_markup"]["inline_keyboard"] for button in row]
        query = {
            "id": str(self.server.number()),
            "from": account(user),
            "chat_instance": "1",
            "message": {k: message[k] for k in ("message_id", "date", "text")} | {"chat": self.chat("", user)},
            "data": next(button["callback_data"] for button in buttons if button["text"] == label),
        }
        self.server.happens("callback_query", query)

    async def reacts(self, shown: Shown, emoji: str, *, user: str) -> None:
        reaction = {
            "chat": self.chat("", user),
            "message_id": int(shown.id),
            "user": account(user),
            "date": int(time.time()),
            "old_reaction": [],
            "new_reaction": [{"type": "emoji", "emoji": emoji}],
        }
        self.server.happens("message_reaction", reaction)

    def shown(self, chat: str = "ann", thread: str = "") -> list[Shown]:
        where = str(GROUP if chat == "group" else number(chat))
        wanted = str(topic(thread)) if thread else ""
        return [_shown(m) for m in self.server.messages.get(where, []) if m["thread"] == wanted]

    def typed(self, chat: str = "ann") -> bool:
        return any(m == "sendChatAction" and g["chat_id"] == str(number(chat)) for m, g in self.server.calls)

    def commands(self) -> Collection[str]:
        for method, given in reversed(self.server.calls):
            if method == "setMyCommands" and "scope" in given:
                return [command["command"] for command in given["commands"]]
        return []

    async def redelivers(self) -> None:
        self.server.happens("message", self.last)

    async def cuts(self) -> None:
        await self.server.down()

    async def mends(self) -> None:
        await self.server.up()

    def limits(self, seconds: float, after: int = 0) -> None:
        self.server.let_through = after
        self.server.failures.append((429, "Too Many Requests: retry after", {"retry_after": int(seconds)}))

    def loses_answer(self) -> None:
        self.server.loses.append("sendMessage")

    def refuses(self) -> None:
        self.server.failures.append((403, "Forbidden: bot was blocked by the user", {}))


def number(user: str) -> int:
    """The id of a person."""
    return 1000 + sum(ord(char) << 4 * at for at, char in enumerate(user)) % 1_000_000


def topic(thread: str) -> int:
    """The id of a topic."""
    return 70 + int(thread.lstrip("t"))


def account(user: str, *, bot: bool = False) -> dict[str, Any]:
    """An account as Telegram tells of it."""
    return {"id": number(user), "is_bot": bot, "first_name": user.capitalize(), "username": user}


def _entities(text: str) -> list[dict[str, Any]]:
    found, at = [], 0
    for word in text.split(" "):
        kind = "mention" if word.startswith("@") else "bot_command" if word.startswith("/") and at == 0 else ""
        if kind:
            found.append({"type": kind, "offset": at, "length": len(word)})
        at += len(word) + 1
    return found


def _shown(message: dict[str, Any]) -> Shown:
    files: tuple[tuple[str, str, bytes], ...] = ()
    if "data" in message:
        field, name, data = message["data"]
        files = (({"photo": "image", "voice": "audio"}.get(field, field), name, data),)
    buttons = (message.get("reply_markup") or {}).get("inline_keyboard", [])
    return Shown(
        str(message["message_id"]),
        message.get("text", ""),
        message["thread"],
        str(message["reply_to"]),
        files,
        message["edits"],
        message.get("entities"),
        tuple(button["text"] for row in buttons for button in row),
    )
