"""Telegram's Bot API on loopback, as much of it as a bot needs, and people who write to the bot.

Methods and fields are those of the Bot API reference (core.telegram.org/bots/api).
"""

import asyncio
import json
import time
from typing import Any

from aiohttp import ClientSession, web

from tests.servers.listening import Listening

TOKEN = "7654321:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
ME = {"id": 7654321, "is_bot": True, "first_name": "Rekku", "username": "rekku_test_bot"}
FILES = ("photo", "voice", "audio", "video", "animation", "document")
SENDS = ("sendMessage", *(f"send{field.capitalize()}" for field in FILES))

Refusal = tuple[int, str, dict[str, Any]]
"""A status, what the server says, and `parameters`."""


class TelegramServer(Listening):
    """The server. `messages` are those of the bot by chat, `given` is the last update that the bot has got.

    What it does wrong can be chosen: `failures` for what the bot sends next, whatever it is; `refusals` for the next
    calls of a method (None lets one through); `loses` for methods whose answer never arrives; `breaks` for methods
    whose call never arrives, though it was written; `holds_confirmations` for what the bot has taken and would confirm.
    """

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []
        self.confirmed = 0
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.files: dict[str, bytes] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.failures: list[Refusal] = []
        self.refusals: dict[str, list[Refusal | None]] = {}
        self.reads_entities = True
        self.loses: list[str] = []
        self.breaks: list[str] = []
        self.let_through = 0
        self.hook: dict[str, Any] = {}
        self.token = TOKEN
        self.conflict = ""
        self.given = 0
        self.holds_confirmations = False
        self.asked = asyncio.Event()
        self.gave = asyncio.Event()
        self.confirming = asyncio.Event()
        self.changed = asyncio.Event()
        self._news = asyncio.Event()
        self._number = 100

    def application(self) -> web.Application:
        """The methods, and the files."""
        app = web.Application(client_max_size=60_000_000)
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/{path:.*}", self._file)
        return app

    def number(self) -> int:
        self._number += 1
        return self._number

    def happens(self, kind: str, content: dict[str, Any]) -> None:
        """Something happens that the bot is told of."""
        self.updates.append({"update_id": self.number(), kind: content})
        self._news.set()

    async def brings(self) -> list[int]:
        """Bring all updates that wait to the web hook; the statuses that it answers."""
        statuses = []
        async with ClientSession() as session:
            for update in list(self.updates):
                headers = {"X-Telegram-Bot-Api-Secret-Token": self.hook["secret_token"]}
                async with session.post(self.hook["url"], json=update, headers=headers) as answer:
                    statuses.append(answer.status)
                    if answer.status == 200:
                        self.updates.remove(update)
        return statuses

    def find(self, message_id: int) -> dict[str, Any]:
        """A message of the bot's."""
        return next(m for some in self.messages.values() for m in some if m["message_id"] == message_id)

    async def _call(self, request: web.Request) -> web.Response:
        if request.match_info["token"] != self.token:
            return _no(401, "Unauthorized")
        method = request.match_info["method"]
        given = await _given(request)
        self.calls.append((method, given))
        if method in self.breaks:
            self.breaks.remove(method)
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if method in SENDS:
            if self.let_through:
                self.let_through -= 1
            elif self.failures:
                status, words, more = self.failures.pop(0)
                return _no(status, words, **more)
        if (refusals := self.refusals.get(method)) and (refusal := refusals.pop(0)):
            return _no(refusal[0], refusal[1], **refusal[2])
        if given.get("entities") and not self.reads_entities:
            return _no(400, "Bad Request: can't parse entities")
        handle = getattr(self, f"_{method}", self._send_file if method in SENDS else None)
        result = await handle(given) if handle else True
        if isinstance(result, web.Response):
            return result
        if method in self.loses:
            self.loses.remove(method)
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"ok": True, "result": result})

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["path"]])

    async def _getMe(self, given: dict[str, Any]) -> Any:
        return ME

    async def _getUpdates(self, given: dict[str, Any]) -> Any:
        if self.conflict:
            return _no(409, f"Conflict: {self.conflict}")
        if float(given.get("timeout", 0)):
            self.asked.set()
        offset = int(given.get("offset", 0))
        if self.holds_confirmations and any(update["update_id"] < offset for update in self.updates):
            self.confirming.set()
            await asyncio.Event().wait()  # until the bot hangs up
        self.confirmed = max(self.confirmed, offset)
        self.updates = [update for update in self.updates if update["update_id"] >= offset]
        self.changed.set()
        if not self.updates:
            self._news.clear()
            try:
                async with asyncio.timeout(float(given.get("timeout", 0))):
                    await self._news.wait()
            except TimeoutError:
                return []
        told = self.updates[:100]
        if told:
            self.given = told[-1]["update_id"]
            self.gave.set()
        return told

    async def _setWebhook(self, given: dict[str, Any]) -> Any:
        self.hook = given
        return True

    async def _deleteWebhook(self, given: dict[str, Any]) -> Any:
        self.hook = {}
        if "webhook" in self.conflict:
            self.conflict = ""
        return True

    async def _getWebhookInfo(self, given: dict[str, Any]) -> Any:
        waiting = {"pending_update_count": len(self.updates), "has_custom_certificate": False}
        return {"url": self.hook.get("url", ""), **waiting, **self.hook.get("failed", {})}

    async def _getFile(self, given: dict[str, Any]) -> Any:
        name = given["file_id"]
        return {"file_id": name, "file_unique_id": name, "file_path": name, "file_size": len(self.files[name])}

    async def _sendMessage(self, given: dict[str, Any]) -> Any:
        if len(given["text"].encode("utf-16-le")) // 2 > 4096:
            return _no(400, "Bad Request: message is too long")
        for entity in given.get("entities", ()):
            if entity["offset"] + entity["length"] > len(given["text"].encode("utf-16-le")) // 2:
                return _no(400, "Bad Request: entity is out of bounds")
        return self._put(given, text=given["text"], entities=given.get("entities", []))

    async def _send_file(self, given: dict[str, Any]) -> Any:
        ((field, (name, data)),) = given["files"].items()
        file = {"file_id": name, "file_unique_id": name, "file_size": len(data)}
        sizes = {"width": 1, "height": 1, "duration": 1}
        content: Any = [file | sizes] if field == "photo" else file | sizes
        return self._put(given, **{field: content, "data": (field, name, data)})

    async def _editMessageText(self, given: dict[str, Any]) -> Any:
        here = self.messages.get(str(given["chat_id"]), ())
        message = next((m for m in here if m["message_id"] == int(given["message_id"])), None)
        if message is None:
            return _no(400, "Bad Request: message to edit not found")
        if message["text"] == given["text"]:
            return _no(400, "Bad Request: message is not modified")
        message |= {"text": given["text"], "entities": given.get("entities", []), "edits": message["edits"] + 1}
        message["reply_markup"] = given.get("reply_markup")
        return _public(message)

    async def _editMessageReplyMarkup(self, given: dict[str, Any]) -> Any:
        message = self.find(int(given["message_id"]))
        message["reply_markup"] = given.get("reply_markup")
        return _public(message)

    async def _deleteMessage(self, given: dict[str, Any]) -> Any:
        chat = self.messages[str(given["chat_id"])]
        chat[:] = [message for message in chat if message["message_id"] != int(given["message_id"])]
        return True

    def _put(self, given: dict[str, Any], **content: Any) -> Any:
        chat = int(given["chat_id"])
        message = {
            "message_id": self.number(),
            "date": int(time.time()),
            "chat": {"id": chat, "type": "private" if chat > 0 else "supergroup", "title": "Group"},
            "from": ME,
            "edits": 0,
            "thread": str(given.get("message_thread_id", "")),
            "reply_to": given.get("reply_parameters", {}).get("message_id", ""),
            "reply_markup": given.get("reply_markup"),
            **content,
        }
        self.messages.setdefault(str(chat), []).append(message)
        self.changed.set()
        return _public(message)


def _public(message: dict[str, Any]) -> dict[str, Any]:
    own = ("edits", "thread", "reply_to", "data", "reply_markup")
    return {key: value for key, value in message.items() if key not in own}


def _no(status: int, words: str, **parameters: Any) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": words}
    if parameters:
        body["parameters"] = parameters
    return web.json_response(body, status=status)


async def _given(request: web.Request) -> dict[str, Any]:
    """What a call says: form fields, of which those that are no texts are JSON, and files."""
    given: dict[str, Any] = {}
    files: dict[str, tuple[str, bytes]] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files[name] = (value.filename, value.file.read())
        elif isinstance(value, str):
            given[name] = _value(name, value)
    return {**given, "files": files} if files else given


def _value(name: str, text: str) -> Any:
    structured = ("entities", "reply_parameters", "reply_markup", "commands", "scope", "reaction", "allowed_updates")
    return json.loads(text) if name in (*structured, "link_preview_options") else text
