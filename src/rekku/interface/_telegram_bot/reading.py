"""Telegram's messages in the words of Rekku."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from telegram import Bot, Chat, Message, MessageEntity
from telegram.error import TelegramError

from rekku.core.message import Attachment, Conversation, Quote, User
from rekku.core.message import Message as Heard

log = logging.getLogger(__name__)

LARGEST = 20_000_000
"""Bytes of a file that Telegram hands to a bot (Bot API, getFile)."""

NOT_A_COMMAND = "\N{ZERO WIDTH SPACE}"
"""Stands before a command that is for another bot, so that it is none of ours."""

ANONYMOUS = ("GroupAnonymousBot", "Channel_Bot")
"""The accounts behind which Telegram hides administrators and channels."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what is said to one bot."""

    interface: str
    bot: Bot

    def where(self, message: Message) -> Conversation:
        """The chat, and its topic if it has topics."""
        topic = message.message_thread_id if message.is_topic_message else None
        return Conversation(self.interface, str(message.chat.id), str(topic or ""))

    async def read(self, messages: Sequence[Message], *, edited: bool = False) -> Heard:
        """One message; several, if they are the pictures of one album."""
        first = messages[0]
        texts, files = [], []
        for message in messages:
            got, words = await self._files(message)
            files += got
            texts += [_said(message), *words]
        text = "\n".join(filter(None, texts))
        return Heard(
            conversation=self.where(first),
            user=_speaker(first),
            text=NOT_A_COMMAND + text if self._is_for_another(first) else text,
            at=first.edit_date or first.date if edited else first.date,
            message_id=str(first.message_id),
            chat_name=_name_of(first.chat),
            direct=first.chat.type == Chat.PRIVATE,
            addressed=any(map(self._mentions, messages)),
            reply_to=self._quote(first),
            attachments=tuple(files),
            edited=edited,
            raw=first,
        )

    def _quote(self, message: Message) -> Quote | None:
        """The message that is replied to; not the service message with which a topic begins."""
        other = message.reply_to_message
        if other is None or other.forum_topic_created:
            return None
        text = message.quote.text if message.quote else _said(other)
        own = other.from_user is not None and other.from_user.id == self.bot.id
        return Quote(str(other.message_id), _speaker(other), text, from_rekku=own)

    def _mentions(self, message: Message) -> bool:
        """Whether the bot is called by its @name, by a mention of its account, or by a command for it."""
        for entity, text in _entities(message):
            if entity.type == MessageEntity.TEXT_MENTION and entity.user and entity.user.id == self.bot.id:
                return True
            named = text.rpartition("@")[2].casefold() == self.bot.username.casefold()
            if entity.type in (MessageEntity.MENTION, MessageEntity.BOT_COMMAND) and "@" in text and named:
                return True
        return False

    def _is_for_another(self, message: Message) -> bool:
        commands = [text for e, text in _entities(message) if e.type == MessageEntity.BOT_COMMAND and e.offset == 0]
        return any("@" in text and not self._mentions(message) for text in commands)

    async def _files(self, message: Message) -> tuple[list[Attachment], list[str]]:
        """What came with a message, and words for what did not."""
        found: tuple[str, Any, str, str] | None = None
        if message.photo:
            found = ("image", message.photo[-1], "photo.jpg", "image/jpeg")
        elif message.voice:
            found = ("audio", message.voice, "voice.ogg", message.voice.mime_type or "audio/ogg")
        elif message.audio:
            found = (
                "audio",
                message.audio,
                message.audio.file_name or "audio.mp3",
                message.audio.mime_type or "audio/mpeg",
            )
        elif message.video or message.video_note or message.animation:
            film = message.video or message.video_note or message.animation
            found = ("video", film, getattr(film, "file_name", None) or "video.mp4", "video/mp4")
        elif message.document:
            document = message.document
            mime = document.mime_type or "application/octet-stream"
            kind = "image" if mime.startswith("image/") else "file"
            found = (kind, document, document.file_name or "file", mime)
        if found is None:
            return [], []
        kind, file, name, mime = found
        if (file.file_size or 0) > LARGEST:
            return [], [f"[{kind}: {name}, too large to be fetched]"]
        try:
            data = await (await self.bot.get_file(file.file_id)).download_as_bytearray()
        except TelegramError as error:
            log.warning("A file of a Telegram message could not be fetched (%s).", type(error).__name__)
            return [], [f"[{kind}: {name}, could not be fetched]"]
        return [Attachment(kind, name, mime, bytes(data))], []


def pressed(query: Any, interface: str) -> Heard:
    """A button that was pressed: whoever pressed it says its command, where the button stands."""
    message = query.message
    topic = message.message_thread_id if getattr(message, "is_topic_message", None) else None
    return Heard(
        conversation=Conversation(interface, str(message.chat.id), str(topic or "")),
        user=user_of(query.from_user),
        text=query.data or "",
        at=message.date,
        message_id=f"button {query.id}",
        chat_name=_name_of(message.chat),
        direct=message.chat.type == Chat.PRIVATE,
        addressed=True,
    )


def user_of(user: Any) -> User:
    """An account."""
    return User(str(user.id), user.full_name, user.username or "", bot=bool(user.is_bot))


def _speaker(message: Message) -> User:
    """Who speaks. A channel, and an administrator who hides behind the group, are nobody but themselves."""
    chat, user = message.sender_chat, message.from_user
    if chat is not None and (user is None or user.username in ANONYMOUS or message.is_automatic_forward):
        return User(f"chat{chat.id}", _name_of(chat), chat.username or "")
    return user_of(user) if user is not None else User(f"chat{message.chat.id}", _name_of(message.chat))


def _name_of(chat: Chat) -> str:
    return chat.title or chat.full_name or chat.username or ""


def _said(message: Message) -> str:
    """The words of a message; in brackets what is no text."""
    if text := message.text or message.caption:
        return text
    if message.sticker:
        return f"[sticker {message.sticker.emoji or ''}]".replace(" ]", "]")
    if message.location:
        return f"[location {message.location.latitude:.5f}, {message.location.longitude:.5f}]"
    if message.contact:
        return f"[contact {message.contact.first_name} {message.contact.phone_number}]"
    if message.poll:
        return f"[poll: {message.poll.question}]"
    if message.dice:
        return f"[{message.dice.emoji} {message.dice.value}]"
    return ""


def _entities(message: Message) -> list[tuple[MessageEntity, str]]:
    return [*message.parse_entities().items(), *message.parse_caption_entities().items()]
