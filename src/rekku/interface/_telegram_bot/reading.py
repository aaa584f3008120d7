"""Telegram's messages in the words of Rekku."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from telegram import Bot, Chat, Message, MessageEntity

from rekku.core.clock import Clock
from rekku.core.message import Attachment, Conversation, Quote, User
from rekku.core.message import Message as Heard
from rekku.interface._telegram_bot.files import fetched
from rekku.interface._telegram_bot.words import said

NOT_A_COMMAND = "\N{ZERO WIDTH SPACE}"
"""Stands before a command that is for another bot, so that it is none of ours."""

COMMAND = re.compile(r"\s*/([A-Za-z][A-Za-z0-9_]*)(?:@(\S+))?(?!\S)")

PASSED_ON = "[passes this on]"
"""What somebody says who forwards a message: its words are somebody else's, and no command."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads what is said to one bot; `commands` are the names of those that it has."""

    interface: str
    bot: Bot
    clock: Clock
    commands: Callable[[], Collection[str]]

    def where(self, message: Any) -> Conversation:
        """The chat, and its topic if it has topics."""
        topic = message.message_thread_id if getattr(message, "is_topic_message", None) else None
        return Conversation(self.interface, str(message.chat.id), str(topic or ""))

    async def read(self, messages: Sequence[Message], *, edited: bool = False) -> Heard:
        """One message; several, if they are the pictures of one album. Of one that was edited only the words count."""
        first = messages[0]
        texts: list[str] = []
        files: list[Attachment] = []
        for message in messages:
            got, words = ([], []) if edited else await fetched(self.bot, self.clock, message)
            files += got
            texts += [said(message), *words]
        text = "\n".join(filter(None, texts))
        passed_on = _passed_on(first)
        return Heard(
            conversation=self.where(first),
            user=speaker(first),
            text=PASSED_ON if passed_on else self._no_others_command(text),
            at=(edited and first.edit_date) or first.date,
            message_id=str(first.message_id),
            chat_name=name_of(first.chat),
            direct=first.chat.type == Chat.PRIVATE,
            addressed=not passed_on and any(map(self._addresses, messages)),
            reply_to=Quote(str(first.message_id), passed_on, text) if passed_on else self._quote(first),
            attachments=tuple(files),
            edited=edited,
            raw=first,
        )

    def pressed(self, query: Any, now: datetime) -> Heard:
        """A button that was pressed: whoever pressed it says its command, where the button stands."""
        message = query.message
        return Heard(
            conversation=self.where(message),
            user=user_of(query.from_user),
            text=self._no_others_command(query.data),
            at=now,
            message_id=f"button {query.id}",
            chat_name=name_of(message.chat),
            direct=message.chat.type == Chat.PRIVATE,
            addressed=True,
        )

    def _quote(self, message: Message) -> Quote | None:
        """The message that is replied to, perhaps in another chat; not the one with which a topic begins."""
        other = message.reply_to_message
        if other is not None and not other.forum_topic_created:
            own = other.from_user is not None and other.from_user.id == self.bot.id
            text = message.quote.text if message.quote else said(other)
            return Quote(str(other.message_id), _passed_on(other) or speaker(other), text, from_rekku=own)
        if message.external_reply:
            return Quote("", _origin(message.external_reply.origin), message.quote.text if message.quote else "")
        return None

    def _addresses(self, message: Message) -> bool:
        """Whether it calls the bot by its @name or its account, or is a command of ours that names no other bot."""
        if (command := COMMAND.match(message.text or message.caption or "")) and self._is_ours(command):
            return True
        for entity, text in [*message.parse_entities().items(), *message.parse_caption_entities().items()]:
            if entity.type == MessageEntity.TEXT_MENTION and entity.user and entity.user.id == self.bot.id:
                return True
            if entity.type == MessageEntity.MENTION and self._is_name(text.lstrip("@")):
                return True
        return False

    def _is_ours(self, command: "re.Match[str]") -> bool:
        return self._is_name(command[2]) if command[2] else command[1].lower() in self.commands()

    def _is_name(self, name: str) -> bool:
        return name.casefold() == self.bot.username.casefold()

    def _no_others_command(self, text: str) -> str:
        command = COMMAND.match(text)
        return NOT_A_COMMAND + text if command and command[2] and not self._is_name(command[2]) else text


def user_of(user: Any) -> User:
    """An account."""
    return User(str(user.id), user.full_name, user.username or "", bot=bool(user.is_bot))


def speaker(message: Message) -> User:
    """Who speaks. A channel, and an administrator who hides behind the group, are nobody but themselves: what Telegram
    gives as their account stands for all of them."""
    if message.sender_chat is not None:
        return _chat_as_user(message.sender_chat)
    return user_of(message.from_user) if message.from_user else _chat_as_user(message.chat)


def name_of(chat: Chat) -> str:
    """What a chat is called."""
    return chat.title or chat.full_name or chat.username or ""


def _chat_as_user(chat: Chat) -> User:
    return User(f"chat{chat.id}", name_of(chat), chat.username or "")


def _passed_on(message: Message) -> User | None:
    """Whose words a message has that somebody only passes on: it is forwarded, or another bot wrote it for them."""
    if message.forward_origin:
        return _origin(message.forward_origin)
    return user_of(message.via_bot) if message.via_bot else None


def _origin(origin: Any) -> User:
    """Where a message came from; of people who hide their account only a name is told, which anybody may have."""
    if user := getattr(origin, "sender_user", None):
        return user_of(user)
    if chat := getattr(origin, "sender_chat", None) or getattr(origin, "chat", None):
        return _chat_as_user(chat)
    return User("hidden", getattr(origin, "sender_user_name", ""))
