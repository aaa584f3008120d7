"""What happens on Telegram, handed over to Rekku."""

import logging
from collections.abc import Sequence
from typing import Any

from telegram import Bot, CallbackQuery, Message, MessageReactionUpdated, Update
from telegram.error import TelegramError

from rekku.core.host import Host
from rekku.core.message import Conversation
from rekku.interface._telegram_bot.menu import Menu
from rekku.interface._telegram_bot.reading import Reader, user_of
from rekku.interface._telegram_bot.words import says_something
from rekku.interface._telegram_bot.writing import Writer

log = logging.getLogger(__name__)


class Ear:
    """Takes updates. When `take` returns, what they say is kept."""

    def __init__(self, host: Host, bot: Bot, interface: str, writer: Writer, menu: Menu) -> None:
        self._host = host
        self._interface = interface
        self._writer = writer
        self._menu = menu
        self._reader = Reader(interface, bot, host.clock, lambda: menu.names)

    async def take(self, updates: Sequence[Update]) -> None:
        """Hand over what some updates say (several are the pictures of one album). Raises StoreError."""
        update = updates[0]
        if update.message or update.channel_post:
            await self._hear([said for one in updates if (said := one.message or one.channel_post)])
        elif edited := update.edited_message or update.edited_channel_post:
            await self._host.receive(await self._reader.read([edited], edited=True))
        elif update.callback_query:
            await self._pressed(update.callback_query)
        elif update.message_reaction:
            await self._reacted(update.message_reaction)
        elif update.my_chat_member:  # the bot was let in again
            self._host.reachable(str(update.my_chat_member.chat.id))

    async def _hear(self, messages: Sequence[Message]) -> None:
        first = messages[0]
        if first.migrate_to_chat_id:
            self._writer.moved(str(first.chat.id), str(first.migrate_to_chat_id))
        elif says_something(first):
            message = await self._reader.read(messages)
            await self._host.receive(message)
            self._menu.seen(message.user.id)

    async def _pressed(self, query: CallbackQuery) -> None:
        """A press counts, however old it is; that Telegram is told of it late is no harm."""
        message = query.message
        if message is not None and query.data:
            await self._host.receive(self._reader.pressed(query, self._host.clock.now()))
        await self._polite(query.answer())
        if message is not None:
            await self._polite(self._writer.take_buttons_away(str(message.chat.id), message.message_id))

    async def _reacted(self, reaction: MessageReactionUpdated) -> None:
        new = [getattr(one, "emoji", "") for one in reaction.new_reaction if one not in reaction.old_reaction]
        where = Conversation(self._interface, str(reaction.chat.id))
        for emoji in filter(None, new) if reaction.user else ():
            await self._host.reacted(where, user_of(reaction.user), str(reaction.message_id), emoji)

    async def _polite(self, call: Any) -> None:
        """A call that nothing depends on."""
        try:
            await call
        except TelegramError as error:
            log.info("Telegram was not told that a button was pressed: %s", error)
