"""Matrix's events in the words of Rekku."""

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import aiohttp
import nio
from nio.crypto.attachments import decrypt_attachment

from rekku.core.message import Attachment, Conversation, Message, Quote, User

log = logging.getLogger(__name__)

LARGEST = 20_000_000
"""Bytes of a file that is fetched."""
REMEMBERED = 2_000
"""Messages whose words are known without asking, for replies to them."""
UNREADABLE = "[a message that could not be decrypted]"
PATIENCE = 30.0
"""Seconds for one file; the library itself would wait for ever."""
NETWORK = (aiohttp.ClientError, TimeoutError, OSError)
KINDS = {"m.image": "image", "m.audio": "audio", "m.video": "video", "m.file": "file"}
NO_WORDS = "m.key.verification."
"""How the steps begin by which two devices get to know each other; their text is for clients, not for people."""


@dataclass(frozen=True, slots=True)
class Known:
    """Whose a message is, what it says now, and the thread that it stands in."""

    sender: str
    text: str
    thread: str = ""


@dataclass(slots=True)
class Reader:
    """Reads what is said to one account. What it remembers of a room is for that room alone."""

    client: nio.AsyncClient
    interface: str
    _known: OrderedDict[tuple[str, str], Known] = field(default_factory=OrderedDict)

    def remember(self, room_id: str, event_id: str, known: Known) -> None:
        """What a message says, and whose it is."""
        self._known[room_id, event_id] = known
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def read(self, room: nio.MatrixRoom, event: nio.Event, *, offline: bool = False) -> Message | None:
        """What somebody says; None for an event that says nothing. Raises what the network raises.

        `offline` asks the homeserver nothing: files and unknown messages that are replied to are left out.
        """
        if isinstance(event, nio.MegolmEvent):
            return self._message(room, event, UNREADABLE, {})
        content = mapping(event.source.get("content"))
        kind = content.get("msgtype")
        if event.source.get("type") != "m.room.message" or not isinstance(kind, str) or kind.startswith(NO_WORDS):
            return None
        relation = mapping(content.get("m.relates_to"))
        if relation.get("rel_type") == "m.replace":
            return await self._edit(room, event, content, str(relation.get("event_id")), offline)
        text, files = _words(content), []
        if kind in KINDS:
            got = await self._fetched(content, KINDS[kind], offline)
            files = [got] if isinstance(got, Attachment) else []
            text = "\n".join(filter(None, [text, got if isinstance(got, str) else ""]))
        self.remember(room.room_id, event.event_id, Known(event.sender, text, _thread(relation)))
        quote = await self._quote(room, relation, offline)
        return self._message(room, event, text, content, thread=_thread(relation), quote=quote, files=files)

    async def _edit(
        self, room: nio.MatrixRoom, event: nio.Event, content: dict[str, Any], edits: str, offline: bool
    ) -> Message | None:
        """What a message says now; only whoever wrote it may change it."""
        old = await self._what(room, edits, offline)
        if old is None or old.sender != event.sender:
            return None
        new = mapping(content.get("m.new_content"))
        text = _words(new)
        self.remember(room.room_id, edits, Known(old.sender, text, old.thread))
        return self._message(room, event, text, new, thread=old.thread, edits=edits)

    def user(self, room: nio.MatrixRoom, user_id: str, *, bot: bool = False) -> User:
        """An account, by the name that it has in the room."""
        return User(user_id, room.user_name(user_id) or user_id, user_id.removeprefix("@"), bot=bot)

    def _message(
        self,
        room: nio.MatrixRoom,
        event: nio.Event,
        text: str,
        content: dict[str, Any],
        *,
        thread: str = "",
        edits: str = "",
        quote: Quote | None = None,
        files: list[Attachment] | None = None,
    ) -> Message:
        program = mapping(event.source.get("content")).get("msgtype") == "m.notice"
        return Message(
            conversation=Conversation(self.interface, room.room_id, thread),
            user=self.user(room, event.sender, bot=program),
            text=text,
            at=datetime.fromtimestamp(event.server_timestamp / 1000, UTC),
            message_id=edits or event.event_id,
            chat_name=room.display_name or "",
            direct=is_direct(room),
            addressed=self._mentioned(content, text),
            reply_to=quote,
            attachments=tuple(files or ()),
            edited=bool(edits),
        )

    def _mentioned(self, content: dict[str, Any], text: str) -> bool:
        """Whether the account is mentioned: as the event says; where it says nothing, by its id in the words."""
        told = content.get("m.mentions")
        if isinstance(told, dict):
            named = told.get("user_ids")
            return isinstance(named, list) and self.client.user_id in named
        return self.client.user_id in text or f"matrix.to/#/{self.client.user_id}" in str(content.get("formatted_body"))

    async def _quote(self, room: nio.MatrixRoom, relation: dict[str, Any], offline: bool) -> Quote | None:
        event_id = mapping(relation.get("m.in_reply_to")).get("event_id")
        if not isinstance(event_id, str) or relation.get("is_falling_back") is True:
            return None
        known = await self._what(room, event_id, offline)
        if known is None:
            return None
        mine = known.sender == self.client.user_id
        return Quote(event_id, self.user(room, known.sender), known.text, from_rekku=mine)

    async def _what(self, room: nio.MatrixRoom, event_id: str, offline: bool) -> Known | None:
        """What is known of a message of that room, or can be."""
        if (room.room_id, event_id) not in self._known and not offline:
            await self._look_up(room, event_id)
        return self._known.get((room.room_id, event_id))

    async def _look_up(self, room: nio.MatrixRoom, event_id: str) -> None:
        told = await self.client.room_get_event(room.room_id, event_id)
        event = getattr(told, "event", None)
        if isinstance(event, nio.MegolmEvent):
            try:
                event = self.client.decrypt_event(event)
            except nio.EncryptionError:
                return
        if isinstance(event, nio.Event):
            content = mapping(event.source.get("content"))
            thread = _thread(mapping(content.get("m.relates_to")))
            self.remember(room.room_id, event_id, Known(event.sender, _words(content), thread))

    async def _fetched(self, content: dict[str, Any], kind: str, offline: bool) -> Attachment | str:
        """A file, or words that say why it is not here."""
        info = mapping(content.get("info"))
        name = str(content.get("filename") or content.get("body") or "file")
        size = info.get("size")
        if isinstance(size, int) and size > LARGEST:
            return f"[{kind}: {name}, too large to be fetched]"
        secret = content.get("file")
        data = None if offline else await self._downloaded(str(mapping(secret or content).get("url", "")))
        if data is None:
            return f"[{kind}: {name}, could not be fetched]"
        if len(data) > LARGEST:
            return f"[{kind}: {name}, too large to be kept]"
        if isinstance(secret, dict):
            try:
                data = decrypt_attachment(data, secret["key"]["k"], secret["hashes"]["sha256"], secret["iv"])
            except (nio.EncryptionError, KeyError, TypeError):
                return f"[{kind}: {name}, could not be decrypted]"
        return Attachment(kind, name, str(info.get("mimetype") or "application/octet-stream"), data)

    async def _downloaded(self, url: str) -> bytes | None:
        try:
            async with asyncio.timeout(PATIENCE):
                told = await self.client.download(url)
        except TimeoutError:  # not tried again: a slow server of somebody's must not hold up everybody
            told = None
        data = getattr(told, "body", None)
        if isinstance(data, bytes):
            return data
        log.warning("A file of a Matrix message could not be fetched: %s", getattr(told, "message", "it took too long"))
        return None


def mapping(part: object) -> dict[str, Any]:
    """A part of an event as a mapping. Anybody can write anything there."""
    return part if isinstance(part, dict) else {}


def _thread(relation: dict[str, Any]) -> str:
    return str(relation.get("event_id", "")) if relation.get("rel_type") == "m.thread" else ""


def _words(content: dict[str, Any]) -> str:
    """The words of a message; of a file's only those that are not its name."""
    body, name = content.get("body"), content.get("filename")
    if content.get("msgtype") in KINDS and name in (None, body):
        return ""
    return without_fallback(body) if isinstance(body, str) else ""


def is_direct(room: nio.MatrixRoom) -> bool:
    """Whether nobody else reads along: one other is there or invited, and nobody can come or look in unasked."""
    closed = room.join_rule != "public" and room.history_visibility != "world_readable"
    return bool(room.member_count <= 2 and closed)


def without_fallback(body: str) -> str:
    """The words without the quotation that older clients put before a reply."""
    if not body.startswith("> "):
        return body
    quoted, gap, rest = body.partition("\n\n")
    return rest if gap and all(line.startswith(">") for line in quoted.split("\n")) else body
