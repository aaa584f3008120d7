"""Matrix as its people see it: accounts on a real homeserver, and a proxy before it that only Rekku goes through."""

import asyncio
import contextlib
import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web

from rekku.testing import Bot
from tests.interface.matrix_clients import Client, follow, seen
from tests.interface.world import EVERYTHING, File, Shown
from tests.servers.proxy import Proxy
from tests.servers.synapse import NAME, PASSWORD, Synapse

PEOPLE = ("ann", "bob", "owner", "robo")
KINDS = {"image": "m.image", "audio": "m.audio", "video": "m.video"}
_numbers, _keys = itertools.count(1), itertools.count(1)
_villages: dict[str, "Village"] = {}


@dataclass
class Village:
    """Accounts and rooms on one homeserver. All tests use the same: making them takes longer than most tests."""

    suffix: str
    tokens: dict[str, str] = field(default_factory=dict)
    rooms: dict[str, str] = field(default_factory=dict)


class Matrix:
    """A homeserver, and what happens on it from now on."""

    interface = "matrix_interface"
    owner = "owner"
    can: Collection[str] = EVERYTHING - {"buttons", "commands"}
    secret = PASSWORD
    max_length = 20_000

    def __init__(self, server: Synapse) -> None:
        self.server = server
        self.village = _villages.get(server.url) or Village(str(next(_numbers)))
        self.proxy = Proxy(server.url, self._judge)
        self.proxy.loses = self._is_lost
        self.proxy.rewrite = self._asked
        self.settings: dict[str, str] = {}
        self.clients: dict[str, Client] = {}
        self.threads: dict[str, str] = {}
        self.failures: list[tuple[int, dict[str, Any]]] = []
        self.let_through = 0
        self.losing = 0
        self.unwell: dict[str, list[tuple[int, dict[str, Any]] | None]] = {}
        self._places: list[str] = []
        self._again = False
        self._following: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self._written: dict[str, tuple[str, str]] = {}

    @property
    def pings(self) -> list[str]:
        """Whom Rekku's messages call: what they say they mention, or `@room` where they say nothing."""
        contents = [e["content"] for e in self._all()]
        said = [m for c in contents for m in c.get("m.mentions", {}).get("user_ids", [])]
        return said + ["@room" for c in contents if c.get("m.mentions", {"room": "@room" in c["body"]}).get("room")]

    @property
    def rooms(self) -> dict[str, str]:
        """The rooms: somebody's direct chat with Rekku, and the group."""
        return self.village.rooms

    def id(self, user: str) -> str:
        """Somebody's id."""
        return f"@{user}{self.village.suffix}:{NAME}"

    async def open(self) -> None:
        await self.proxy.up()
        self._session = aiohttp.ClientSession()
        if self.server.url not in _villages:
            await self._settle()
        self.clients = {user: Client(user, token) for user, token in self.village.tokens.items()}
        self.settings = {
            "MATRIX_HOMESERVER": self.proxy.url,
            "MATRIX_USER": self.id("rekku"),
            "MATRIX_PASSWORD": PASSWORD,
            "MATRIX_INVITES": "all",
            "TRAINER_IDS": f"matrix_interface:{self.id(self.owner)}",
        }
        rekku = self.id("rekku")
        followers = [self.clients[user] for user in ("ann", "bob", "owner")]
        for client in followers:
            client.since = (await self.call(client.user, "GET", "/sync?timeout=0"))["next_batch"]
        self._following = [
            asyncio.create_task(follow(client, rekku, self.call, self._downloaded)) for client in followers
        ]

    async def _settle(self) -> None:
        """Make the accounts and the rooms."""
        await self.server.register(f"rekku{self.village.suffix}")
        for user in PEOPLE:
            self.village.tokens[user] = await self.server.register(f"{user}{self.village.suffix}")
        self.clients = {user: Client(user, token) for user, token in self.village.tokens.items()}
        for user in ("ann", "bob", "owner"):
            self.rooms[user] = await self.make_room(user, [self.id("rekku")], is_direct=True)
        others = [self.id(user) for user in ("bob", "owner", "robo")]
        self.rooms["group"] = await self.make_room("ann", [self.id("rekku"), *others], name="Group")
        for user in ("bob", "owner", "robo"):
            await self.call(user, "POST", f"/join/{quote(self.rooms['group'])}", {})
        _villages[self.server.url] = self.village

    async def make_room(self, user: str, invited: Sequence[str], **more: Any) -> str:
        """A room of somebody's."""
        told = await self.call(user, "POST", "/createRoom", {"invite": invited, "preset": "private_chat", **more})
        return str(told["room_id"])

    async def close(self) -> None:
        for task in self._following:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.proxy.down()
        if self._session is not None:
            await self._session.close()

    async def attach(self, bot: Bot) -> None:
        async with asyncio.timeout(20):
            for user, room in self.rooms.items():
                asking = "ann" if user == "group" else user
                while self.id("rekku") not in await self.members(asking, room):
                    await bot.clock.advance(0.1)
            while not self._places:  # it has synchronised once, and asks for what is new
                await bot.clock.advance(0.1)
        self._places.clear()

    async def members(self, user: str, room: str) -> dict[str, Any]:
        """Who is in a room, as somebody sees it."""
        told = await self.call(user, "GET", f"/rooms/{quote(room)}/joined_members")
        members: dict[str, Any] = told["joined"]
        return members

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
        room = self.rooms[chat or user]
        content: dict[str, Any] = {"msgtype": "m.notice" if bot else "m.text", "body": text, "m.mentions": {}, **more}
        if mention:
            content["m.mentions"] = {"user_ids": [self.id("rekku")]}
        for kind, name, mime, data in files:
            url = await self._uploaded(user, mime, data)
            content |= {"msgtype": KINDS.get(kind, "m.file"), "url": url, "filename": name}
            content["info"] = {"mimetype": mime, "size": len(data)}
        if thread:
            root = await self.root(thread)
            content["m.relates_to"] = {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}
        if reply_to:
            content["m.relates_to"] = {"m.in_reply_to": {"event_id": reply_to}}
        event = await self.send(user, room, content)
        self._written[event] = (user, room)
        return event

    async def send(self, user: str, room: str, content: dict[str, Any], kind: str = "m.room.message") -> str:
        """Send an event as somebody; its id."""
        told = await self.call(user, "PUT", f"/rooms/{quote(room)}/send/{kind}/{next(_keys)}", content)
        return str(told["event_id"])

    async def root(self, thread: str) -> str:
        """The message that a thread hangs on."""
        if thread not in self.threads:
            content = {"msgtype": "m.text", "body": f"about {thread}", "m.mentions": {}}
            self.threads[thread] = await self.send("bob", self.rooms["group"], content)
        return self.threads[thread]

    async def edits(self, message_id: str, text: str) -> None:
        user, room = self._written[message_id]
        new = {"msgtype": "m.text", "body": text}
        relation = {"rel_type": "m.replace", "event_id": message_id}
        await self.send(user, room, {**new, "body": f"* {text}", "m.new_content": new, "m.relates_to": relation})

    async def reacts(self, shown: Shown, emoji: str, *, user: str) -> None:
        relation = {"rel_type": "m.annotation", "event_id": shown.id, "key": emoji}
        await self.send(user, self.rooms[user], {"m.relates_to": relation}, "m.reaction")

    def shown(self, chat: str = "ann", thread: str = "") -> list[Shown]:
        client = self.clients["ann" if chat == "group" else chat]
        events = client.events.get(self.rooms[chat], [])
        return [shown for shown in seen(events, self.threads) if shown.thread == thread]

    def typed(self, chat: str = "ann") -> bool:
        return self.rooms[chat] in self.clients[chat].typed

    async def redelivers(self) -> None:
        self._again = True
        await self.send("bob", self.rooms["group"], {"msgtype": "m.text", "body": "nothing", "m.mentions": {}})

    async def cuts(self) -> None:
        await self.proxy.down()

    async def mends(self) -> None:
        await self.proxy.up()

    def limits(self, seconds: float, after: int = 0) -> None:
        self.let_through = after
        body = {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": int(seconds * 1000)}
        self.failures.append((429, body))

    def loses_answer(self) -> None:
        self.losing += 1

    def is_unwell(self, part: str, *answers: tuple[int, dict[str, Any]] | None) -> None:
        """The next requests whose path has this part are answered so, or (None) their connection breaks."""
        self.unwell[part] = list(answers)

    def refuses(self) -> None:
        self.failures.append((403, {"errcode": "M_FORBIDDEN", "error": "You cannot send in this room"}))

    async def call(self, user: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """A call of the client-server API, as somebody."""
        assert self._session is not None
        url = f"{self.server.url}/_matrix/client/v3{path}"
        headers = {"Authorization": f"Bearer {self.clients[user].token}"}
        async with self._session.request(method, url, json=body, headers=headers) as answer:
            told: dict[str, Any] = await answer.json()
            assert answer.status == 200, told
        return told

    async def _uploaded(self, user: str, mime: str, data: bytes) -> str:
        assert self._session is not None
        headers = {"Authorization": f"Bearer {self.clients[user].token}", "Content-Type": mime}
        async with self._session.post(
            f"{self.server.url}/_matrix/media/v3/upload", data=data, headers=headers
        ) as answer:
            return str((await answer.json())["content_uri"])

    async def _downloaded(self, client: Client, url: str) -> bytes:
        assert self._session is not None
        path = f"{self.server.url}/_matrix/client/v1/media/download/{url.removeprefix('mxc://')}"
        async with self._session.get(path, headers={"Authorization": f"Bearer {client.token}"}) as answer:
            return await answer.read()

    async def _judge(self, request: web.Request) -> web.Response | None:
        for part, answers in self.unwell.items():
            if part in request.path and answers:
                return _answered(request, answers.pop(0))
        if not _sends(request):
            return None
        if self.let_through:
            self.let_through -= 1
        elif self.failures:
            status, body = self.failures.pop(0)
            return web.json_response(body, status=status)
        return None

    def _is_lost(self, request: web.Request) -> bool:
        if self.losing and _sends(request):
            self.losing -= 1
            return True
        return False

    def _asked(self, request: web.Request) -> str:
        """Where a request goes; once, a synchronisation goes back to the place before."""
        since = request.query.get("since", "")
        if not request.path.endswith("/sync") or not since:
            return request.path_qs
        self._places.append(since)
        if self._again and len(self._places) > 3:
            self._again = False
            return str(request.rel_url.update_query(since=self._places[-4]))
        return request.path_qs

    def _all(self) -> list[dict[str, Any]]:
        return [e for client in self.clients.values() for some in client.events.values() for e in some]


def _answered(request: web.Request, answer: tuple[int, dict[str, Any]] | None) -> web.Response:
    """An answer; None breaks the connection."""
    if answer is None:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
    return web.json_response(answer[1], status=answer[0])


def _sends(request: web.Request) -> bool:
    return request.method == "PUT" and "/send/m.room.message/" in request.path
