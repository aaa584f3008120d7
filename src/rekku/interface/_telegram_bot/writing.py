"""What Rekku says, on its way to Telegram: each method is one call of the Bot API."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, TelegramError

from rekku.core.errors import DeliveryError
from rekku.core.message import Attachment, Choice
from rekku.interface._telegram_bot.faults import delivery_error
from rekku.interface._telegram_bot.formatting import formatted

log = logging.getLogger(__name__)

LONGEST_CALLBACK = 64
"""Bytes that a button may carry (Bot API, InlineKeyboardButton)."""
LARGEST_PHOTO = 10_000_000
VOICE = ("audio/ogg", "audio/opus", "application/ogg")
UNCHANGED, GONE = "message is not modified", ("message to edit not found", "message can't be edited")


class Writer:
    """Writes with one bot."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def say(self, payload: Mapping[str, Any]) -> str:
        """Send a text, or a file; the message's id. Raises a DeliveryError."""
        if payload.get("attachments"):
            return await self.give(payload, payload["attachments"][0])
        text, entities = _with_entities(payload["text"])
        try:
            return await self._send("send_message", payload, text=text or "…", entities=entities)
        except BadRequest as error:
            if "entit" not in error.message.lower():
                raise _told(error) from error
            log.warning("Telegram did not take the formatting of a message (%s).", error.message)
        return await self._told(self._send("send_message", payload, text=payload["text"]))

    async def give(self, payload: Mapping[str, Any], file: Attachment) -> str:
        """Send a file as what it is."""
        if file.kind == "audio":
            method, field = ("send_voice", "voice") if file.mime in VOICE else ("send_audio", "audio")
        elif file.kind == "image" and len(file.data) <= LARGEST_PHOTO:
            method, field = "send_photo", "photo"
        elif file.kind == "video":
            method, field = "send_video", "video"
        else:
            method, field = "send_document", "document"
        data = {field: file.data, "filename": file.name}
        try:
            return await self._send(method, payload, **data)
        except BadRequest as error:
            if method == "send_document":
                raise _told(error) from error
            log.warning("Telegram did not take a file as %s (%s).", field, error.message)
        return await self._told(self._send("send_document", payload, document=file.data, filename=file.name))

    async def change(self, payload: Mapping[str, Any]) -> None:
        """Replace the text of a message."""
        text, entities = _with_entities(payload["text"])
        call = {"chat_id": payload["target"], "message_id": int(payload["message_id"]), "text": text or "…"}
        try:
            await self._bot.edit_message_text(
                **call, entities=entities, reply_markup=_keyboard(payload.get("choices") or ())
            )
        except BadRequest as error:
            if UNCHANGED in error.message.lower():
                return
            if not payload.get("draft") and any(words in error.message.lower() for words in GONE):
                await self.say(payload)  # somebody has deleted the draft
                return
            raise _told(error) from error
        except TelegramError as error:
            raise _told(error) from error

    async def _told(self, sending: Any) -> str:
        try:
            return str(await sending)
        except TelegramError as error:
            raise _told(error) from error

    async def _send(self, method: str, payload: Mapping[str, Any], **more: Any) -> str:
        """One call; a group that has become a supergroup is written to under its new id. Raises BadRequest as it is."""
        quoted = payload.get("reply_to") or (payload.get("answers") if str(payload["target"]).startswith("-") else "")
        call = {
            "chat_id": payload["target"],
            "message_thread_id": int(payload["thread_id"]) if payload.get("thread_id") else None,
            "reply_parameters": _reply(str(quoted)) if quoted and not payload.get("part") else None,
            "reply_markup": _keyboard(payload.get("choices") or ()),
            **more,
        }
        send = getattr(self._bot, method)
        try:
            try:
                sent = await send(**call)
            except ChatMigrated as error:
                sent = await send(**{**call, "chat_id": error.new_chat_id})
        except BadRequest:
            raise
        except TelegramError as error:
            raise _told(error) from error
        return str(sent.message_id)


def _told(error: TelegramError) -> DeliveryError | TelegramError:
    return delivery_error(error) or error


def _with_entities(markdown: str) -> tuple[str, Sequence[MessageEntity]]:
    text, stretches = formatted(markdown)
    return text, [MessageEntity(s.kind, s.offset, s.length, language=s.language or None) for s in stretches]


def _reply(message_id: str) -> ReplyParameters | None:
    """A quotation; if the message is gone, the words go without it."""
    return ReplyParameters(int(message_id), allow_sending_without_reply=True) if message_id.isdigit() else None


def _keyboard(choices: Sequence[Choice]) -> InlineKeyboardMarkup | None:
    fitting = [choice for choice in choices if len(choice.command.encode()) <= LONGEST_CALLBACK]
    if not fitting:
        return None
    return InlineKeyboardMarkup.from_row([InlineKeyboardButton(c.label, callback_data=c.command) for c in fitting])
