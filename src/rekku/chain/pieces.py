"""A message in pieces: each is one call of the interface, and is tried again by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rekku.core.message import Attachment, Conversation, Message
from rekku.core.registry import Component
from rekku.core.text import split_text
from rekku.store.outgoing import Outgoing

SEND_LIMIT = 60.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, or one file."""

    text: str = ""
    file: Attachment | None = None


async def text_pieces(interface: Component, text: str) -> Sequence[str]:
    """A text in pieces that the interface's platform takes, at least one."""
    members = interface.members
    if members.has("split_message"):
        return list(await members.call("split_message", text)) or [text]
    return split_text(text, members.value("max_length") or 0)


async def pieces_of(interface: Component, message: Outgoing) -> Sequence[Piece]:
    """What goes out one after the other: the text's pieces, then the files. The same each time."""
    files = [Piece(file=file) for file in message.attachments]
    if files and not message.text.strip():
        return files
    text = f"{message.text}\n{message.late}" if message.late else message.text
    return [*(Piece(piece) for piece in await text_pieces(interface, text)), *files]


async def send_piece(interface: Component, message: Outgoing, pieces: Sequence[Piece], original: Message | None) -> str:
    """Send the next piece of a message; its id on the platform. What was shown as a draft becomes the first piece."""
    number = len(message.pieces)
    piece, members = pieces[number], interface.members
    payload = told(
        message.to,
        text=piece.text,
        key=f"{message.id}.{number}" if number else str(message.id),
        reply_to="" if number else message.reply_to,
        answers=message.answers,
        attachments=(piece.file,) if piece.file else (),
        choices=tuple(message.choices) if number == len(pieces) - 1 else (),
        part=number,
    )
    if number == 0 and message.platform_id and members.value("can_edit"):
        await members.call("edit_message", {**payload, "message_id": message.platform_id}, limit=SEND_LIMIT)
        return message.platform_id
    if piece.file is not None and piece.file.kind == "audio" and members.has("send_audio"):
        sent = await members.call("send_audio", {**payload, "attachment": piece.file}, limit=SEND_LIMIT)
    else:
        sent = await members.call("send_message", payload, original, limit=SEND_LIMIT)
    if number == 0 and message.doubted and members.value("can_edit") and members.value("idempotent_sends"):
        # The platform may have recognised the draft by its key, and then shows that.
        await members.call("edit_message", {**payload, "message_id": sent}, limit=SEND_LIMIT)
    return "" if sent is None else str(sent)[:255]


def told(where: Conversation, **more: Any) -> Mapping[str, Any]:
    """The payload of an interface's methods; see `core.interface_base.InterfaceBase`."""
    plain = {"text": "", "key": "", "reply_to": "", "answers": "", "attachments": (), "choices": (), "part": 0}
    return {"target": where.chat_id, "thread_id": where.thread_id, **plain, "draft": False, **more}
