"""What Rekku says, on its way to Telegram: each method is one call of the Bot API."""

import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from telegram import (
    Bot,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    MessageEntity,
    ReplyParameters,
)
from telegram.constants import ReactionEmoji
from telegram.error import BadRequest, ChatMigrated, TelegramError

from rekku.core.errors import ActionError, DeliveryRefused, DeliveryUnknown
from rekku.core.message import Attachment, Choice
from rekku.interface._telegram_bot.calling import Caller, Spawn
from rekku.interface._telegram_bot.faults import told
from rekku.interface._telegram_bot.formatting import LONGEST, formatted, utf16

log = logging.getLogger(__name__)

LONGEST_CALLBACK = 64
"""Bytes that a button may carry (Bot API, InlineKeyboardButton)."""
LARGEST, LARGEST_PHOTO = 50_000_000, 10_000_000
"""Bytes of a file that a bot may send, and of one that is shown as a photo (Bot API, sending files)."""
UNCHANGED, GONE = "message is not modified", ("message to edit not found", "message can't be edited")
NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
"""Telegram would fetch the address of a link at once: somebody could talk the model into putting a secret into one."""
VARIATION = "\ufe0f"
"""Says that the character before it is an emoji; Telegram has some of its reactions with it, some without."""


class Writer:
    """Writes with one bot."""

    def __init__(self, bot: Bot, spawn: Spawn) -> None:
        self._bot = bot
        self._caller = Caller(spawn)
        self._moved: dict[str, str] = {}

    def moved(self, old: str, new: str) -> None:
        """A group has become a supergroup, with another id."""
        self._moved[old] = new

    async def say(self, payload: Mapping[str, Any]) -> str:
        """Send a text, or a file; the message's id. Raises a DeliveryError."""
        if payload.get("attachments"):
            return await self.give(payload, payload["attachments"][0])
        try:
            sent = await self._put("send_message", payload["text"], **_address(payload))
        except TelegramError as error:
            raise told(error) from error
        return str(sent.message_id)

    async def give(self, payload: Mapping[str, Any], file: Attachment) -> str:
        """Send a file as what it is, or if Telegram does not take it so, as a file."""
        if len(file.data) > LARGEST:
            raise DeliveryRefused(f"{file.name} has {len(file.data):,} bytes; Telegram takes {LARGEST:,}")
        method, field = _way_of(file)
        data: dict[str, Any] = {field: file.data}
        try:
            try:
                sent = await self._call(method, **_address(payload), **data, filename=file.name)
            except BadRequest as error:
                if method == "send_document":
                    raise
                log.warning("Telegram did not take a file as %s (%s).", field, error.message)
                sent = await self._call("send_document", **_address(payload), document=file.data, filename=file.name)
        except TelegramError as error:
            raise told(error) from error
        return str(sent.message_id)

    async def change(self, payload: Mapping[str, Any]) -> None:
        """Replace the text of a message; one that somebody has deleted is said again, unless it is only a draft."""
        where = {"chat_id": payload["target"], "message_id": int(payload["message_id"])}
        try:
            await self._put(
                "edit_message_text", payload["text"], **where, reply_markup=_keyboard(payload.get("choices") or ())
            )
        except BadRequest as error:
            if UNCHANGED in error.message.lower():
                return
            if not payload.get("draft") and any(words in error.message.lower() for words in GONE):
                await self.say(payload)
                return
            raise told(error) from error
        except TelegramError as error:
            if isinstance(problem := told(error), DeliveryUnknown):
                raise  # the same edit twice is no harm, so it is simply tried again
            raise problem from error

    async def take_back(self, payload: Mapping[str, Any]) -> None:
        """Delete a message; one that is gone is gone."""
        try:
            await self._call("delete_message", chat_id=payload["target"], message_id=int(payload["message_id"]))
        except BadRequest as error:
            log.info("A message could not be deleted: %s", error.message)
        except TelegramError as error:
            raise told(error) from error

    async def react(self, payload: Mapping[str, Any]) -> None:
        """Put a reaction under a message. Raises ActionError: bots may use some emoji only."""
        wanted, known = payload["emoji"].replace(VARIATION, ""), [str(emoji.value) for emoji in ReactionEmoji]
        emoji = next((one for one in known if one.replace(VARIATION, "") == wanted), payload["emoji"])
        number = _number(payload["message_id"])
        if number is None:
            raise ActionError("there is no message here to react to")
        try:
            await self._call("set_message_reaction", chat_id=payload["target"], message_id=number, reaction=emoji)
        except BadRequest as error:
            if emoji in known:
                raise ActionError(f"Telegram does not take this reaction here: {error.message}") from error
            raise ActionError(f"Telegram does not take {emoji}; take one of {' '.join(known)}") from error
        except TelegramError as error:
            raise ActionError(f"the reaction did not arrive: {error}") from error

    async def show_typing(self, chat: str, thread: str) -> None:
        """Show for five seconds that Rekku writes."""
        topic = int(thread) if thread else None
        await self._call("send_chat_action", chat_id=chat, action="typing", message_thread_id=topic)

    async def take_buttons_away(self, chat: str, message_id: int) -> None:
        """Leave a message as it is, without its buttons."""
        await self._call("edit_message_reply_markup", chat_id=chat, message_id=message_id, reply_markup=None)

    async def _put(self, method: str, markdown: str, **call: Any) -> Any:
        """Send or replace a text, formatted; if Telegram cannot read the formatting, as it stands."""
        text, stretches = formatted(markdown)
        if utf16(text) > LONGEST or not text:  # written out it can be longer than with its marks
            text, stretches = markdown if markdown.strip() else "…", []
        entities = [MessageEntity(s.kind, s.offset, s.length, language=s.language or None) for s in stretches]
        call = {**call, "link_preview_options": NO_PREVIEW}
        try:
            return await self._call(method, **call, text=text, entities=entities)
        except BadRequest as error:
            if not entities or "entit" not in error.message.lower():
                raise
            log.warning("Telegram did not take the formatting of a message (%s).", error.message)
        return await self._call(method, **call, text=markdown)

    async def _call(self, method: str, *, chat_id: str, **more: Any) -> Any:
        """One call; what is for a group that has become a supergroup goes there."""
        call = getattr(self._bot, method)
        try:
            return await self._caller.call(call, chat_id=self._moved.get(chat_id, chat_id), **more)
        except ChatMigrated as error:
            self.moved(chat_id, str(error.new_chat_id))
            return await self._caller.call(call, chat_id=str(error.new_chat_id), **more)


def _address(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Where a message goes, and what it answers: in groups that is shown. If that is gone, the words go without it."""
    quoted = payload.get("reply_to") or (payload.get("answers") if str(payload["target"]).startswith("-") else "")
    number = None if payload.get("part") else _number(str(quoted or ""))
    return {
        "chat_id": str(payload["target"]),
        "message_thread_id": int(payload["thread_id"]) if payload.get("thread_id") else None,
        "reply_parameters": ReplyParameters(number, allow_sending_without_reply=True) if number else None,
        "reply_markup": _keyboard(payload.get("choices") or ()),
    }


def _number(message_id: str) -> int | None:
    """Telegram's number of a message; what a message says after an edit has it in front."""
    match = re.match(r"(\d+)(?= edited |\Z)", message_id)
    return int(match[1]) if match else None


def _way_of(file: Attachment) -> tuple[str, str]:
    """The method that sends a file as what it is, and the name of its field. A voice message is Opus in Ogg."""
    if file.kind == "audio":
        is_voice = file.data.startswith(b"OggS") and b"OpusHead" in file.data[:512]
        return ("send_voice", "voice") if is_voice else ("send_audio", "audio")
    if file.mime == "image/gif":
        return "send_animation", "animation"
    if file.kind == "image" and len(file.data) <= LARGEST_PHOTO:
        return "send_photo", "photo"
    if file.kind == "video":
        return "send_video", "video"
    return "send_document", "document"


def _keyboard(choices: Sequence[Choice]) -> InlineKeyboardMarkup | None:
    fitting = [choice for choice in choices if len(choice.command.encode()) <= LONGEST_CALLBACK]
    if not fitting:
        return None
    return InlineKeyboardMarkup.from_row([InlineKeyboardButton(c.label, callback_data=c.command) for c in fitting])
