"""What Rekku says, on its way to Matrix: each method is one event, with a transaction id that makes it one."""

import hashlib
import io
from collections.abc import Awaitable, Mapping
from typing import Any

import aiohttp
import nio

from rekku.core.errors import (
    ActionError,
    DeliveryDelayed,
    DeliveryError,
    DeliveryRefused,
    DeliveryUnknown,
    NotReachable,
)
from rekku.core.message import Attachment
from rekku.interface._matrix_interface.formatting import html_of, weight
from rekku.interface._matrix_interface.reading import Known, Reader, is_direct

MESSAGE = "m.room.message"
KINDS = {"image": "m.image", "audio": "m.audio", "video": "m.video"}
VOICE = ("audio/ogg", "audio/opus", "application/ogg")
UNTOLD_WAIT = 5.0
ROOM = 44_000
"""What the words of one event may weigh: it may have 65,536 bytes, and encrypted they take a third more."""
SHORT = 2_000
NO_KEYS = 'the room is encrypted, and I cannot write there: pip install "rekku[matrix_e2e]", then restart'


class Writer:
    """Writes with one account."""

    def __init__(self, client: nio.AsyncClient, reader: Reader) -> None:
        self._client = client
        self._reader = reader

    async def say(self, payload: Mapping[str, Any]) -> str:
        """Send a text, or a file; the event's id. Raises a DeliveryError."""
        room = self._room(payload)
        if files := payload.get("attachments"):
            content = await self._file(room, files[0])
        else:
            content = _text(payload["text"])
        content |= self._relation(room, payload)
        sent = await self._send(room, MESSAGE, content, f"rekku-{payload['key']}")
        mine = Known(self._client.user_id, payload["text"], payload.get("thread_id") or "")
        self._reader.remember(room.room_id, sent, mine)
        return sent

    async def change(self, payload: Mapping[str, Any]) -> None:
        """Replace the text of a message."""
        room, text = self._room(payload), payload["text"]
        new = _text(text)
        old = {"rel_type": "m.replace", "event_id": payload["message_id"]}
        instead = text if weight(text) <= SHORT else f"{text[: SHORT // 12]}…"  # for clients that know no edits
        content = {"msgtype": "m.text", "body": f"* {instead}", "m.mentions": {}}
        content |= {"m.new_content": new, "m.relates_to": old}
        stamp = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
        await self._send(
            room, MESSAGE, content, f"rekku-{payload['key']}-{stamp}-{'d' if payload.get('draft') else 'f'}"
        )
        mine = Known(self._client.user_id, text, payload.get("thread_id") or "")
        self._reader.remember(room.room_id, str(payload["message_id"]), mine)

    async def remove(self, payload: Mapping[str, Any]) -> None:
        """Redact a message."""
        await _told(self._client.room_redact(payload["target"], payload["message_id"]))

    async def react(self, payload: Mapping[str, Any]) -> None:
        """Put a reaction under a message. Raises ActionError."""
        relation = {"rel_type": "m.annotation", "event_id": payload["message_id"], "key": payload["emoji"]}
        try:
            await self._send(self._room(payload), "m.reaction", {"m.relates_to": relation}, None)
        except DeliveryError as error:
            raise ActionError(f"the reaction did not go out: {error}") from None

    def _room(self, payload: Mapping[str, Any]) -> nio.MatrixRoom:
        room = self._client.rooms.get(str(payload["target"]))
        if room is None:
            raise DeliveryRefused("Rekku is not in this room (any more)")
        if room.encrypted and self._client.olm is None:
            raise DeliveryRefused(NO_KEYS)
        return room

    def _relation(self, room: nio.MatrixRoom, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Which thread it belongs to, and what it answers."""
        quoted = payload.get("reply_to") or ("" if is_direct(room) else payload.get("answers"))
        quoted = quoted if quoted and str(quoted).startswith("$") and not payload.get("part") else ""
        if thread := payload.get("thread_id"):
            reply = {"event_id": quoted or thread}
            relation = {"rel_type": "m.thread", "event_id": thread, "is_falling_back": not quoted}
            return {"m.relates_to": {**relation, "m.in_reply_to": reply}}
        return {"m.relates_to": {"m.in_reply_to": {"event_id": quoted}}} if quoted else {}

    async def _file(self, room: nio.MatrixRoom, file: Attachment) -> dict[str, Any]:
        """The content of a file that has been uploaded; encrypted where the room is."""
        mime = file.mime or "application/octet-stream"
        told, keys = await _caught(
            self._client.upload(
                lambda _limited, _timed: io.BytesIO(file.data),
                content_type=mime,
                filename=file.name,
                encrypt=room.encrypted,
                filesize=len(file.data),
            )
        )
        if not isinstance(told, nio.UploadResponse):
            raise _delivery_error(told)
        content: dict[str, Any] = {
            "msgtype": KINDS.get(file.kind, "m.file"),
            "body": file.name,
            "filename": file.name,
            "info": {"mimetype": mime, "size": len(file.data)},
            "m.mentions": {},
        }
        if file.kind == "audio" and file.mime in VOICE:
            content["org.matrix.msc3245.voice"] = {}
        if keys is not None:
            return {**content, "file": {**keys, "url": told.content_uri}}
        return {**content, "url": told.content_uri}

    async def _send(self, room: nio.MatrixRoom, kind: str, content: dict[str, Any], key: str | None) -> str:
        sending = self._client.room_send(room.room_id, kind, content, tx_id=key, ignore_unverified_devices=True)
        return str((await _told(sending)).event_id)


def _text(markdown: str) -> dict[str, Any]:
    """The content of a text, without formatting if that would be too long.

    That nobody is mentioned is said, so that no `@room` in it calls anybody.
    """
    plain = {"msgtype": "m.text", "body": markdown, "m.mentions": {}}
    html = html_of(markdown)
    if weight(markdown) + weight(html) > ROOM:
        return plain
    return {**plain, "format": "org.matrix.custom.html", "formatted_body": html}


async def _told(sending: Awaitable[Any]) -> Any:
    told = await _caught(sending)
    if isinstance(told, nio.ErrorResponse):
        raise _delivery_error(told)
    return told


async def _caught(sending: Awaitable[Any]) -> Any:
    try:
        return await sending
    except nio.LocalProtocolError as error:
        raise DeliveryRefused(str(error)) from error
    except aiohttp.ClientConnectorError:
        raise  # nothing was sent: it is simply tried again
    except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
        raise DeliveryUnknown(f"the homeserver did not answer ({type(error).__name__})") from error


def _delivery_error(told: nio.ErrorResponse) -> DeliveryError:
    match told.status_code:
        case "M_LIMIT_EXCEEDED":
            wait = told.retry_after_ms / 1000 if told.retry_after_ms else UNTOLD_WAIT
            return DeliveryDelayed("the homeserver wants fewer messages", wait)
        case "M_UNKNOWN_TOKEN" | "M_MISSING_TOKEN":
            return NotReachable("the homeserver has ended the session")
        case "M_FORBIDDEN" | "M_NOT_FOUND" | "M_TOO_LARGE" | "M_BAD_JSON" | "M_INVALID_PARAM":
            return DeliveryRefused(f"the homeserver says: {told.message}")
    return DeliveryUnknown(f"the homeserver says: {told.message}")
