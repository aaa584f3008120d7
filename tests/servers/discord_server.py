"""Discord on loopback: the gateway and as much of the REST API as a bot needs; people write, and Rekku answers.

Fields are those of the developer documentation (docs.discord.com); what is sent and answered is held against Discord's
own description where that is at hand.
"""

import asyncio
import contextlib
import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import WSMsgType, web

from tests.servers.discord_description import FILE, Description
from tests.servers.listening import Listening

TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GabcdE.a-secret-that-nobody-may-see-1234567"
ME = "123456789012345678"
GUILD, GROUP = "200000000000000001", "200000000000000002"
API = "/api/v10"
JOINED = "2026-01-01T00:00:00+00:00"
EPOCH = 1_420_070_400_000
HELLO, DISPATCH, ACK = 10, 0, 11


class DiscordServer(Listening):
    """The server. `messages` are all messages by channel; what it does wrong can be chosen."""

    def __init__(self) -> None:
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.channels: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.calls: list[tuple[str, str]] = []
        self.nonces: dict[str, dict[str, Any]] = {}
        self.knows_nonces = True
        self.menu: list[dict[str, Any]] = []
        self.failures: list[tuple[int, dict[str, Any], dict[str, str]]] = []
        self.let_through = 0
        self.loses = 0
        self.hangs_up: list[str] = []
        self.forgets = False
        self.intents = True
        self.gateway_down = False
        self.online = asyncio.Event()
        self.sessions = 0
        self.pressed: dict[str, Any] = {}
        self.resumed = 0
        self.description = Description() if FILE.exists() else None
        self._events: list[dict[str, Any]] = []
        self._sockets: set[web.WebSocketResponse] = set()
        self._transports: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self._number = 0
        self.channels[GROUP] = {
            "id": GROUP, "type": 0, "name": "group", "guild_id": GUILD, "position": 0, "permission_overwrites": [],
            "nsfw": False, "parent_id": None, "topic": None, "last_message_id": None, "flags": 0,
            "rate_limit_per_user": 0,
        }  # fmt: skip

    def application(self) -> web.Application:
        """The gateway, the calls, the files."""
        app = web.Application(client_max_size=60_000_000)
        app.router.add_get("/", self._gateway)
        app.router.add_get("/files/{name}", self._file)
        app.router.add_route("*", API + "/{path:.*}", self._door)
        return app

    async def down(self) -> None:
        """Hang up on everybody, and listen no more."""
        await self.drop_gateway()
        await super().down()

    async def drop_gateway(self) -> None:
        """Break the gateway's connections, as a lost network does."""
        self.online.clear()
        for socket in list(self._sockets):
            self._sockets.discard(socket)
            if (transport := self._transports.pop(socket, None)) is not None:
                transport.abort()

    def number(self) -> str:
        """A new id, larger than all before it."""
        self._number += 1
        now = int(datetime.now(UTC).timestamp() * 1000) - EPOCH
        return str((now << 22) + self._number)

    async def happens(self, kind: str, data: dict[str, Any]) -> None:
        """An event that the bot is told of, now if it is connected, else when it resumes."""
        event = {"op": DISPATCH, "t": kind, "s": len(self._events) + 1, "d": data}
        self._events.append(event)
        for socket in list(self._sockets):
            with contextlib.suppress(ConnectionError):  # it will resume
                await socket.send_json(event)

    def put(self, channel: str, author: dict[str, Any], content: str, **more: Any) -> dict[str, Any]:
        """A message stands in a channel."""
        message = {
            "id": self.number(), "channel_id": channel, "author": author, "content": content, "type": 0,
            "timestamp": datetime.now(UTC).isoformat(), "edited_timestamp": None, "tts": False, "pinned": False,
            "mention_everyone": False, "mentions": [], "mention_roles": [], "attachments": [], "embeds": [],
            "components": [], "flags": 0, "edits": 0, **more,
        }  # fmt: skip
        self.messages.setdefault(channel, []).append(message)
        self.channels[channel]["last_message_id"] = message["id"]
        return message

    def find(self, message_id: str) -> dict[str, Any]:
        """Any message."""
        return next(m for some in self.messages.values() for m in some if m["id"] == message_id)

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        if self.gateway_down:
            return web.Response(status=503)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert request.transport is not None
        self._transports[socket] = request.transport
        await socket.send_json({"op": HELLO, "d": {"heartbeat_interval": 41_250}})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            told = json.loads(message.data)
            match told["op"]:
                case 1:  # a heartbeat
                    await socket.send_json({"op": ACK})
                case 2:  # identify
                    if told["d"]["token"] != TOKEN or not self.intents:
                        await socket.close(code=4014 if told["d"]["token"] == TOKEN else 4004)
                        break
                    await self._identified(socket)
                case 6 if self.forgets:  # resume, of what is not known any more
                    self.forgets = False
                    await socket.send_json({"op": 9, "d": False})
                case 6:  # resume
                    await self._resume(socket, told["d"]["seq"])
        self._sockets.discard(socket)
        return socket

    async def _identified(self, socket: web.WebSocketResponse) -> None:
        self.sessions += 1
        self._events = []
        ready = {
            "v": 10, "user": me(), "guilds": [{"id": GUILD, "unavailable": True}], "session_id": f"s{self.sessions}",
            "resume_gateway_url": f"ws://127.0.0.1:{self.port}/", "application": {"id": ME, "flags": 0},
        }  # fmt: skip
        everyone = {
            "id": GUILD, "name": "@everyone", "permissions": "0", "position": 0, "color": 0, "hoist": False,
            "managed": False, "mentionable": False, "flags": 0,
        }  # fmt: skip
        own = {"user": me(), "roles": [], "joined_at": JOINED, "deaf": False, "mute": False, "flags": 0}
        guild = {
            "id": GUILD, "name": "Guild", "owner_id": "1", "roles": [everyone], "members": [own], "member_count": 2,
            "channels": [c for c in self.channels.values() if c["type"] == 0],
            "threads": [c for c in self.channels.values() if c["type"] == 11],
            "emojis": [], "features": [], "verification_level": 0, "mfa_level": 0, "premium_tier": 0, "large": False,
            "default_message_notifications": 0, "explicit_content_filter": 0, "system_channel_flags": 0,
            "preferred_locale": "en-US", "nsfw_level": 0,
        }  # fmt: skip
        await self._tell(socket, "READY", ready)
        await self._tell(socket, "GUILD_CREATE", guild)
        self._sockets.add(socket)
        self.online.set()

    async def _tell(self, socket: web.WebSocketResponse, kind: str, data: dict[str, Any]) -> None:
        self._events.append({"op": DISPATCH, "t": kind, "s": len(self._events) + 1, "d": data})
        await socket.send_json(self._events[-1])

    async def _resume(self, socket: web.WebSocketResponse, sequence: int) -> None:
        self.resumed += 1
        for event in self._events[sequence:]:
            await socket.send_json(event)
        await self._tell(socket, "RESUMED", {})
        self._sockets.add(socket)
        self.online.set()

    async def _file(self, request: web.Request) -> web.Response:
        self._may_hang_up(request)
        return web.Response(body=self.files[request.match_info["name"]])

    async def _door(self, request: web.Request) -> web.StreamResponse:
        """A call: is it allowed, is it as described, is the answer?"""
        path, method = "/" + request.match_info["path"], request.method
        self.calls.append((method, path))
        self._may_hang_up(request)
        interaction = path.startswith(("/interactions/", "/webhooks/"))
        if request.headers.get("Authorization") != f"Bot {TOKEN}" and not interaction:
            return _json({"message": "401: Unauthorized", "code": 0}, 401, {})
        body, files = await _given(request)
        if self.description is not None:
            self.description.asked(method, path, body)
        status, answer, headers = await self._answer(method, path, body, files, dict(request.query))
        if self.description is not None and status != 429:
            self.description.answered(method, path, status, answer)
        if method == "POST" and path.endswith("/messages") and self.loses and status == 200:
            self.loses -= 1
            assert request.transport is not None
            request.transport.abort()
        if status == 204:
            return web.Response(status=204, headers=headers)
        return _json(answer, status, headers)

    def _may_hang_up(self, request: web.Request) -> None:
        """Break the connection, if that is chosen for such a call (by its method and the end of its path)."""
        for told in self.hangs_up:
            method, end = told.split()
            if request.method == method and request.path.endswith(end):
                self.hangs_up.remove(told)
                assert request.transport is not None
                request.transport.abort()
                raise web.HTTPServiceUnavailable

    async def _answer(
        self, method: str, path: str, body: Any, files: list[tuple[str, bytes]], query: dict[str, str]
    ) -> tuple[int, Any, dict[str, str]]:
        from tests.servers.discord_calls import answer

        if method == "POST" and path.endswith("/messages"):
            if self.let_through:
                self.let_through -= 1
            elif self.failures:
                return self.failures.pop(0)
        status, told = await answer(self, method, path.strip("/").split("/"), body, files, query)
        return status, told, {}


def _json(body: Any, status: int, headers: dict[str, str]) -> web.Response:
    """An answer with exactly the type that Discord gives it: the library looks at it."""
    return web.Response(
        body=json.dumps(body).encode(), status=status, headers={**headers, "Content-Type": "application/json"}
    )


def me() -> dict[str, Any]:
    """The bot's own account."""
    return account("Rekku", number=ME, bot=True)


def account(name: str, *, number: str, bot: bool = False) -> dict[str, Any]:
    """An account as Discord tells of it."""
    return {
        "id": number, "username": name.lower(), "global_name": name, "discriminator": "0", "avatar": None, "bot": bot,
        "public_flags": 0, "flags": 0, "primary_guild": None,
    }  # fmt: skip


async def _given(request: web.Request) -> tuple[Any, list[tuple[str, bytes]]]:
    """The JSON of a call, and its files."""
    if request.content_type == "application/json":
        text = await request.text()
        return (json.loads(text) if text else None), []
    if request.content_type != "multipart/form-data":
        return None, []
    body: Any = None
    files = []
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            files.append((value.filename, value.file.read()))
        elif name == "payload_json":
            assert isinstance(value, str)
            body = json.loads(value)
    return body, files
