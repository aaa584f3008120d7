"""Matrix's events in the words of Rekku."""

import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import nio
from nio.crypto.attachments import decrypt_attachment

from rekku.core.message import Attachment, Conversation, Message, Quote, User

log = logging.getLogger(__name__)

LARGEST = 20_000_000
"""Bytes of a file that is fetched."""
REMEMBERED = 2_000
"""Messages whose words are known without asking, for replies to them."""
UNREADABLE = "[a message that could not be decrypted]"
KINDS = {"m.image": "image", "m.audio": "audio", "m.video": "video", "m.file": "file"}


@dataclass(slots=True)
class Reader:
    """Reads what is said to one account."""

    client: nio.AsyncClient
    interface: str
    known: OrderedDict[str, tuple[str, str]] = field(default_factory=OrderedDict)

    def remember(self, event_id: str, sender: str, text: str) -> None:
        """What a message says, and whose it is."""
        self.known[event_id] = (sender, text)
        while len(self.known) > REMEMBERED:
            self.known.popitem(last=False)

    async def read(self, room: nio.MatrixRoom, event: nio.Event) -> Message | None:
        """What somebody says; None for an event that says nothing."""
        if isinstance(event, nio.MegolmEvent):
            return self._message(room, event, UNREADABLE, {})
        content = event.source.get("content", {})
        kind = content.get("msgtype")
        if event.source.get("type") != "m.room.message" or not isinstance(kind, str):
            return None
        relation = content.get("m.relates_to") or {}
        if relation.get("rel_type") == "m.replace":
            new = content.get("m.new_content") or {}
            text = str(new.get("body", ""))
            self.remember(str(relation.get("event_id")), event.sender, text)
            return self._message(room, event, text, new, edits=str(relation.get("event_id")))
        text, files = without_fallback(str(content.get("body", ""))), []
        if kind in KINDS:
            got = await self._fetched(event, content, KINDS[kind])
            files = [got] if isinstance(got, Attachment) else []
            named = content.get("filename") not in (None, content.get("body"))
            text = "\n".join(filter(None, [text if named else "", got if isinstance(got, str) else ""]))
        self.remember(event.event_id, event.sender, text)
        quote = await self._quote(room, relation)
        return self._message(room, event, text, content, quote=quote, files=files)

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
        edits: str = "",
        quote: Quote | None = None,
        files: list[Attachment] | None = None,
    ) -> Message:
        source = event.source.get("content", {})
        relation = source.get("m.relates_to") or {}
        thread = str(relation.get("event_id", "")) if relation.get("rel_type") == "m.thread" else ""
        return Message(
            conversation=Conversation(self.interface, room.room_id, thread),
            user=self.user(room, event.sender, bot=source.get("msgtype") == "m.notice"),
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
            return self.client.user_id in (told.get("user_ids") or ())
        return self.client.user_id in text or f"matrix.to/#/{self.client.user_id}" in str(content.get("formatted_body"))

    async def _quote(self, room: nio.MatrixRoom, relation: dict[str, Any]) -> Quote | None:
        event_id = (relation.get("m.in_reply_to") or {}).get("event_id")
        if not isinstance(event_id, str) or relation.get("is_falling_back") is True:
            return None
        if event_id not in self.known:
            await self._look_up(room, event_id)
        if event_id not in self.known:
            return None
        sender, text = self.known[event_id]
        return Quote(event_id, self.user(room, sender), text, from_rekku=sender == self.client.user_id)

    async def _look_up(self, room: nio.MatrixRoom, event_id: str) -> None:
        told = await self.client.room_get_event(room.room_id, event_id)
        event = getattr(told, "event", None)
        if isinstance(event, nio.MegolmEvent):
            try:
                event = self.client.decrypt_event(event)
            except nio.EncryptionError:
                return
        if isinstance(event, nio.Event):
            text = str(event.source.get("content", {}).get("body", ""))
            self.remember(event_id, event.sender, without_fallback(text))

    async def _fetched(self, event: nio.Event, content: dict[str, Any], kind: str) -> Attachment | str:
        """A file, or words that say why it is not here."""
        info = content.get("info") or {}
        name = str(content.get("filename") or content.get("body") or "file")
        if isinstance(info.get("size"), int) and info["size"] > LARGEST:
            return f"[{kind}: {name}, too large to be fetched]"
        secret = content.get("file")
        told = await self.client.download(str((secret or content).get("url", "")))
        data = getattr(told, "body", None)
        if not isinstance(data, bytes):
            log.warning("A file of a Matrix message could not be fetched: %s", getattr(told, "message", told))
            return f"[{kind}: {name}, could not be fetched]"
        if isinstance(secret, dict):
            try:
                data = decrypt_attachment(data, secret["key"]["k"], secret["hashes"]["sha256"], secret["iv"])
            except (nio.EncryptionError, KeyError, TypeError):
                return f"[{kind}: {name}, could not be decrypted]"
        return Attachment(kind, name, str(info.get("mimetype") or "application/octet-stream"), data)


def is_direct(room: nio.MatrixRoom) -> bool:
    """Whether nobody else reads along: one other is there or invited, and the room is not open to everybody."""
    return bool(room.member_count <= 2 and room.join_rule != "public")


def without_fallback(body: str) -> str:
    """The words without the quotation that older clients put before a reply."""
    if not body.startswith("> "):
        return body
    quoted, gap, rest = body.partition("\n\n")
    return rest if gap and all(line.startswith(">") for line in quoted.split("\n")) else body
