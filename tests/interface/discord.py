"""Discord as its people see it."""

import asyncio
import mimetypes
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from rekku.interface._discord_interface import library
from rekku.testing import Bot
from tests.interface.world import EVERYTHING, File, Shown
from tests.servers.discord_calls import public
from tests.servers.discord_server import API, GROUP, GUILD, ME, TOKEN, DiscordServer, account


class Discord:
    """A server, and people with accounts there. Ann's direct chat is the channel 3…, the thread "t1" 4…."""

    interface = "discord_interface"
    owner = "owner"
    can: Collection[str] = EVERYTHING
    secret = TOKEN
    max_length = 2000

    def __init__(self) -> None:
        self.server = DiscordServer()
        self.settings: dict[str, str] = {}
        self.last: dict[str, Any] = {}
        self._before: tuple[Any, Any, float] | None = None

    @property
    def pings(self) -> list[str]:
        """Whom Discord called."""
        return [name for some in self.server.messages.values() for m in some for name in m.get("pings", ())]

    async def open(self) -> None:
        await asyncio.to_thread(library.load)
        import yarl
        from discord.gateway import DiscordWebSocket
        from discord.http import Route

        from rekku.interface._discord_interface import client

        await self.server.up()
        self._before = (Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, client.ALL_TOLD_AFTER)
        client.ALL_TOLD_AFTER = 0.3
        Route.BASE = f"{self.server.url}{API}"
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://127.0.0.1:{self.server.port}/")
        self.settings = {"DISCORD_BOT_TOKEN": TOKEN, "TRAINER_IDS": f"discord_interface:{number(self.owner)}"}
        for user in ("ann", "bob", "owner"):
            self.channel("", user, "")

    async def close(self) -> None:
        from discord.gateway import DiscordWebSocket
        from discord.http import Route

        from rekku.interface._discord_interface import client

        await self.server.down()
        assert self._before is not None
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY, client.ALL_TOLD_AFTER = self._before
        if self.server.description is not None:
            assert not self.server.description.faults, "\n".join(self.server.description.faults)

    async def attach(self, bot: Bot) -> None:
        async with asyncio.timeout(20):
            await self.server.online.wait()

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
        channel = self.channel(chat, user, thread)
        author = account(user.capitalize(), number=number(user), bot=bot)
        if mention:
            text = f"<@{ME}> {text}"
            more["mentions"] = [account("Rekku", number=ME, bot=True)]
        if reply_to:
            quoted = self.server.find(reply_to)
            reference = {"message_id": reply_to, "channel_id": channel, "type": 0}
            more |= {"type": 19, "message_reference": reference, "referenced_message": public(quoted)}
        more["attachments"] = [self._attachment(name, mime, data) for _, name, mime, data in files]
        message = self.server.put(channel, author, text, **more)
        told = public(message)
        if "guild_id" in self.server.channels[channel]:
            told |= {"guild_id": GUILD, "member": member()}
        self.last = told
        await self.server.happens("MESSAGE_CREATE", told)
        return str(message["id"])

    def channel(self, chat: str, user: str, thread: str) -> str:
        """The id of the channel; it is made if it is not there."""
        if chat and chat != user:
            if not thread:
                return GROUP
            found = "4" + thread.lstrip("t").rjust(17, "0")
            if found not in self.server.channels:
                self.open_thread(found, thread)
            return found
        found = "3" + number(user)[1:]
        person = account(user.capitalize(), number=number(user))
        self.server.channels.setdefault(
            found, {"id": found, "type": 1, "recipients": [person], "last_message_id": None, "flags": 0}
        )
        return found

    def open_thread(self, number: str, name: str) -> None:
        """A thread hangs on the group's channel from now on."""
        meta = {
            "archived": False,
            "auto_archive_duration": 60,
            "archive_timestamp": "2026-01-01T00:00:00+00:00",
            "locked": False,
        }
        self.server.channels[number] = {
            "id": number, "type": 11, "name": name, "guild_id": GUILD, "parent_id": GROUP, "owner_id": "1",
            "thread_metadata": meta, "message_count": 0, "member_count": 1, "rate_limit_per_user": 0,
            "last_message_id": None, "flags": 0, "total_message_sent": 0,
        }  # fmt: skip

    async def edits(self, message_id: str, text: str) -> None:
        message = self.server.find(message_id)
        message |= {"content": text, "edited_timestamp": datetime.now(UTC).isoformat()}
        await self.server.happens("MESSAGE_UPDATE", public(message))

    async def presses(self, shown: Shown, label: str, *, user: str) -> None:
        message = self.server.find(shown.id)
        buttons = [button for row in message["components"] for button in row["components"]]
        custom = next(button["custom_id"] for button in buttons if button["label"] == label)
        self.server.pressed = message
        more = {"message": public(message), "data": {"custom_id": custom, "component_type": 2}}
        await self.interacts(3, user, more)

    async def interacts(self, kind: int, user: str, more: dict[str, Any]) -> None:
        """A command of the menu (2), or a button (3)."""
        channel = self.channel("", user, "")
        told = {
            "id": self.server.number(), "application_id": ME, "type": kind, "token": "t", "version": 1,
            "channel_id": channel, "channel": self.server.channels[channel], "locale": "en-US", "entitlements": [],
            "user": account(user.capitalize(), number=number(user)), "authorizing_integration_owners": {}, "context": 1,
            "attachment_size_limit": 1, **more,
        }  # fmt: skip
        await self.server.happens("INTERACTION_CREATE", told)

    async def reacts(self, shown: Shown, emoji: str, *, user: str) -> None:
        told = {
            "user_id": number(user), "channel_id": self.channel("", user, ""), "message_id": shown.id,
            "emoji": {"id": None, "name": emoji}, "burst": False, "type": 0,
        }  # fmt: skip
        await self.server.happens("MESSAGE_REACTION_ADD", told)

    def shown(self, chat: str = "ann", thread: str = "") -> list[Shown]:
        channel = self.channel("group", "", thread) if chat == "group" else self.channel("", chat, "")
        return [_shown(m) for m in self.server.messages.get(channel, []) if m["author"]["id"] == ME]

    def typed(self, chat: str = "ann") -> bool:
        return ("POST", f"/channels/{self.channel('', chat, '')}/typing") in self.server.calls

    def commands(self) -> Collection[str]:
        return [command["name"] for command in self.server.menu]

    async def redelivers(self) -> None:
        await self.server.happens("MESSAGE_CREATE", self.last)

    async def cuts(self) -> None:
        await self.server.down()

    async def mends(self) -> None:
        await self.server.up()

    def limits(self, seconds: float, after: int = 0) -> None:
        self.server.let_through = after
        body = {"message": "You are being rate limited.", "retry_after": seconds, "global": False}
        headers = {"Retry-After": str(seconds), "X-RateLimit-Scope": "user", "Via": "1.1 test"}
        self.server.failures.append((429, body, headers))

    def loses_answer(self) -> None:
        self.server.loses += 1

    def refuses(self) -> None:
        self.server.failures.append((403, {"message": "Cannot send messages to this user", "code": 50007}, {}))

    def _attachment(self, name: str, mime: str, data: bytes) -> dict[str, Any]:
        self.server.files[name] = data
        url = f"{self.server.url}/files/{name}"
        return {
            "id": self.server.number(), "filename": name, "content_type": mime or mimetypes.guess_type(name)[0],
            "size": len(data), "url": url, "proxy_url": url,
        }  # fmt: skip


def number(user: str) -> str:
    """The id of a person."""
    return "1" + str(sum(ord(char) << 6 * at for at, char in enumerate(user))).rjust(17, "0")


def member() -> dict[str, Any]:
    """What a guild knows of somebody."""
    return {"roles": [], "joined_at": "2026-01-01T00:00:00+00:00", "deaf": False, "mute": False, "flags": 0}


def _shown(message: dict[str, Any]) -> Shown:
    labels = tuple(button["label"] for row in message["components"] for button in row["components"])
    reply = message.get("message_reference", {}).get("message_id", "")
    return Shown(message["id"], message["content"], "", reply, message.get("files", ()), message["edits"], None, labels)
