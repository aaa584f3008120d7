"""Talk with Rekku on Telegram: direct chats, groups, topics."""

import asyncio
import importlib.util
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rekku.core.commands import Command
from rekku.core.errors import ActionError, DeliveryDelayed, NotReachable
from rekku.core.interface_base import InterfaceBase
from rekku.core.members import in_thread
from rekku.core.message import Conversation, Message
from rekku.core.principal import Role
from rekku.core.settings import Setting
from rekku.core.text import open_links, split_text

if TYPE_CHECKING:
    from telegram import Bot, Update

    from rekku.interface._telegram_bot.feed import Feed
    from rekku.interface._telegram_bot.writing import Writer

log = logging.getLogger(__name__)

INTERFACE = "telegram_bot"
LONGEST = 4096
"""UTF-16 units of one message (Bot API, sendMessage)."""
TYPING_EVERY = 4.0
"""Telegram shows that somebody writes for five seconds."""
DRAFT_EVERY = 1.1
"""Seconds between two edits of one chat; groups take twenty messages a minute."""
DRAFT_EVERY_IN_GROUPS = 3.2
SECRETIVE = ("httpx", "httpcore", "telegram")
"""Loggers that write addresses, in which the token stands."""


class TelegramBot(InterfaceBase):
    """A bot of Telegram's, made with @BotFather."""

    settings = (
        Setting("BOTFATHER_TOKEN", "The token of your Telegram bot, from @BotFather.", required=True, secret=True),
        Setting("TELEGRAM_WEBHOOK_URL", "Where Telegram brings messages to (https); left out: they are fetched."),
        Setting("TELEGRAM_WEBHOOK_LISTEN", "Where Rekku listens for them.", default="127.0.0.1:8443"),
        Setting("TELEGRAM_API_URL", "Another server of the Bot API.", default="https://api.telegram.org"),
    )
    can_edit = True
    max_length = LONGEST

    def __init__(self) -> None:
        if importlib.util.find_spec("telegram") is None:  # it is imported at start only: that takes a while
            raise ModuleNotFoundError("No module named 'telegram'", name="telegram")
        self._bot: Bot | None = None
        self._writer: Writer | None = None
        self._feed: Feed | None = None
        self._typing: dict[tuple[str, str], asyncio.Task[Any]] = {}
        self._edited: dict[str, float] = {}
        self._commands: Sequence[Command] = ()
        self._trouble = ""

    def get_interface_id(self) -> str:
        """`telegram_bot`."""
        return INTERFACE

    async def start(self) -> None:
        for name in SECRETIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        self.host.spawn(self._live(), "telegram")

    async def stop(self) -> None:
        bot, self._bot, self._writer, self._feed = self._bot, None, None, None
        if bot is not None:
            await bot.shutdown()

    def health(self) -> str:
        return self._trouble if self._feed is None else self._feed.trouble

    def split_message(self, text: str) -> Sequence[str]:
        from rekku.interface._telegram_bot.formatting import utf16

        return split_text(open_links(text), LONGEST, utf16)

    async def send_message(self, payload: Mapping[str, Any], original_message: Message | None = None) -> str:
        return await self._ready().say(payload)

    async def edit_message(self, payload: Mapping[str, Any]) -> None:
        if payload.get("draft") and not self._may_edit(str(payload["target"])):
            return
        try:
            await self._ready().change(payload)
        except DeliveryDelayed:
            if not payload.get("draft"):
                raise

    async def delete_message(self, payload: Mapping[str, Any]) -> None:
        assert self._bot is not None
        await self._bot.delete_message(payload["target"], int(payload["message_id"]))

    async def send_audio(self, payload: Mapping[str, Any]) -> str:
        return await self._ready().give(payload, payload["attachment"])

    async def typing(self, payload: Mapping[str, Any]) -> None:
        where = (str(payload["target"]), str(payload.get("thread_id") or ""))
        if task := self._typing.pop(where, None):
            task.cancel()
        if payload.get("active") and self._bot is not None:
            self._typing[where] = self.host.spawn(self._show_typing(self._bot, *where), "telegram typing")

    async def react(self, payload: Mapping[str, Any]) -> None:
        from telegram.error import BadRequest

        self._ready()
        assert self._bot is not None
        try:
            await self._bot.set_message_reaction(payload["target"], int(payload["message_id"]), payload["emoji"])
        except BadRequest as error:
            raise ActionError(f"Telegram does not take this reaction: {error.message}") from None

    async def show_commands(self, commands: Sequence[Command]) -> None:
        self._commands = commands
        if self._bot is not None:
            await self._show_menu(self._bot, commands)

    async def _show_menu(self, bot: "Bot", commands: Sequence[Command]) -> None:
        """The commands for everybody, and all of them for the owner."""
        from telegram import BotCommand, BotCommandScopeChat
        from telegram.error import TelegramError

        told = [(command.role, BotCommand(command.name, command.summary[:256])) for command in commands][:100]
        await bot.set_my_commands([command for role, command in told if role <= Role.UNKNOWN])
        for person in await self.host.people():
            for account in person.accounts if person.role is Role.TRAINER else ():
                if account.interface == INTERFACE:
                    try:
                        scope = BotCommandScopeChat(account.user.id)
                        await bot.set_my_commands([command for _, command in told], scope=scope)
                    except TelegramError:
                        log.info("The owner has no chat with the bot on Telegram yet.")

    async def _live(self) -> None:
        """Connect, as often as it takes, then hear what is said."""
        from rekku.interface._telegram_bot.feed import REFUSED

        wait = 1.0
        while True:
            bot: Bot = await in_thread(
                _made, self.host.settings["BOTFATHER_TOKEN"], self.host.settings["TELEGRAM_API_URL"]
            )
            trouble = await self._connected(bot)
            if not trouble:
                break
            if trouble != self._trouble:
                log.warning("%s.", trouble)
            self._trouble = trouble
            wait = 60.0 if trouble == REFUSED else min(2 * wait, 60.0)
            await self.host.clock.sleep(wait)
        await self._hear(bot)

    async def _connected(self, bot: "Bot") -> str:
        """Why there is no connection; "" if there is."""
        from telegram.error import InvalidToken, TelegramError

        from rekku.interface._telegram_bot.feed import REFUSED

        try:
            await bot.initialize()
            if not self.host.settings["TELEGRAM_WEBHOOK_URL"]:
                await bot.delete_webhook()
            return ""
        except InvalidToken:
            trouble = REFUSED
        except TelegramError as error:
            trouble = f"Telegram cannot be reached ({type(error).__name__})"
        await bot.shutdown()
        return trouble

    async def _hear(self, bot: "Bot") -> None:
        from rekku.interface._telegram_bot.feed import Feed, Hook
        from rekku.interface._telegram_bot.writing import Writer

        self._bot, self._writer = bot, Writer(bot)
        self._feed = feed = Feed(bot, self.host.clock, self._take)
        self.host.reachable()
        if self._commands:
            self.host.spawn(self._show_menu(bot, self._commands), "telegram menu")
        if url := self.host.settings["TELEGRAM_WEBHOOK_URL"]:
            await Hook(feed, bot, url, self.host.settings["TELEGRAM_WEBHOOK_LISTEN"]).serve()
        else:
            await feed.fetch()

    async def _take(self, updates: "Sequence[Update]") -> None:
        """Hand over what some updates say (several are the pictures of one album)."""
        from rekku.interface._telegram_bot.reading import Reader, pressed, user_of

        bot, update = self._bot, updates[0]
        assert bot is not None
        reader = Reader(INTERFACE, bot)
        if update.message or update.channel_post:
            messages = [said for u in updates if (said := u.message or u.channel_post)]
            if not messages[0].migrate_to_chat_id and not _is_service(messages[0]):
                await self.host.receive(await reader.read(messages))
        elif edited := update.edited_message or update.edited_channel_post:
            await self.host.receive(await reader.read([edited], edited=True))
        elif query := update.callback_query:
            await query.answer()
            if query.message is not None:
                await self.host.receive(pressed(query, INTERFACE))
                await self._take_buttons_away(bot, query.message)
        elif reaction := update.message_reaction:
            new = [getattr(r, "emoji", "") for r in reaction.new_reaction if r not in reaction.old_reaction]
            where = Conversation(INTERFACE, str(reaction.chat.id))
            for emoji in filter(None, new) if reaction.user else ():
                await self.host.reacted(where, user_of(reaction.user), str(reaction.message_id), emoji)
        elif update.my_chat_member:
            self.host.reachable(str(update.my_chat_member.chat.id))

    async def _take_buttons_away(self, bot: "Bot", message: Any) -> None:
        from telegram.error import TelegramError

        try:
            await bot.edit_message_reply_markup(message.chat.id, message.message_id, reply_markup=None)
        except TelegramError as error:
            log.info("Buttons that were pressed could not be taken away: %s", error.message)

    async def _show_typing(self, bot: "Bot", chat: str, thread: str) -> None:
        from telegram.error import TelegramError

        while True:
            try:
                await bot.send_chat_action(chat, "typing", message_thread_id=int(thread) if thread else None)
            except TelegramError as error:
                log.debug("It could not be shown that Rekku writes: %s", error.message)
                return
            await self.host.clock.sleep(TYPING_EVERY)

    def _may_edit(self, chat: str) -> bool:
        """Whether a draft may be edited already: the last edit in this chat is long enough ago."""
        now = self.host.clock.monotonic()
        pause = DRAFT_EVERY_IN_GROUPS if chat.startswith("-") else DRAFT_EVERY
        if now - self._edited.get(chat, -pause) < pause:
            return False
        if len(self._edited) > 1000:
            self._edited.clear()
        self._edited[chat] = now
        return True

    def _ready(self) -> "Writer":
        if self._writer is None:
            raise NotReachable(self._trouble or "not connected to Telegram yet")
        return self._writer


def _made(token: str, server: str) -> "Bot":
    """The bot of a token; it reads certificates, so call it in a thread."""
    from telegram import Bot
    from telegram.request import HTTPXRequest

    base = server.rstrip("/")
    return Bot(
        token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=HTTPXRequest(connection_pool_size=16, read_timeout=20.0, pool_timeout=10.0, media_write_timeout=60.0),
        get_updates_request=HTTPXRequest(connection_pool_size=1),
    )


def _is_service(message: Any) -> bool:
    """Whether nobody says anything: somebody came, a picture was pinned, a topic began."""
    said = message.effective_attachment or message.text or message.caption
    return not said and not (message.sticker or message.location or message.contact or message.poll or message.dice)


INTERFACE_CLASS = TelegramBot
