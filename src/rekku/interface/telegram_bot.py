"""Talk with Rekku on Telegram: direct chats, groups, topics."""

import asyncio
import importlib.util
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rekku.core.commands import Command, CommandCall
from rekku.core.drafts import DraftThrottle
from rekku.core.errors import NotReachable
from rekku.core.interface_base import InterfaceBase
from rekku.core.members import in_thread
from rekku.core.message import Message
from rekku.core.principal import Role
from rekku.core.settings import Setting
from rekku.core.text import open_links, split_text
from rekku.interface._telegram_bot.formatting import LONGEST, utf16

if TYPE_CHECKING:
    from telegram import Bot

    from rekku.interface._telegram_bot.feed import Feed
    from rekku.interface._telegram_bot.menu import Menu
    from rekku.interface._telegram_bot.writing import Writer

log = logging.getLogger(__name__)

INTERFACE = "telegram_bot"
TYPING_EVERY = 4.0
"""Telegram shows that somebody writes for five seconds."""
DRAFT_EVERY, DRAFT_EVERY_IN_GROUPS = 1.1, 3.2
"""Seconds between two edits in a chat: Telegram takes about one a second, in groups twenty a minute."""
SECRETIVE = ("httpx", "httpcore", "telegram")
"""Loggers that write addresses, in which the token stands."""
GREETING = "Hello! Write to me as you would to anybody; /help shows the commands. Your id here is {account}."


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
    _drafts: DraftThrottle

    def __init__(self) -> None:
        if importlib.util.find_spec("telegram") is None:  # it is imported at start only: that takes a while
            raise ModuleNotFoundError("No module named 'telegram'", name="telegram")
        self._bot: Bot | None = None
        self._writer: Writer | None = None
        self._feed: Feed | None = None
        self._menu: Menu | None = None
        self._typing: dict[tuple[str, str], asyncio.Task[Any]] = {}
        self._commands: Sequence[Command] = ()
        self._trouble = "not connected to Telegram yet"

    def get_interface_id(self) -> str:
        """`telegram_bot`."""
        return INTERFACE

    def get_commands(self) -> Sequence[Command]:
        """`/start`: what Telegram lets people say first."""
        return [Command("start", "Who I am, and what your id is here.", _greet, Role.UNKNOWN)]

    async def start(self) -> None:
        """Connect, in the background. Raises ConfigError for a web hook that cannot be."""
        for name in SECRETIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        if self.host.settings["TELEGRAM_WEBHOOK_URL"]:
            await in_thread(self._hook_address)
        self._drafts = DraftThrottle(self.host.clock)
        self.host.spawn(self._live(), "telegram")

    async def stop(self) -> None:
        """Hang up."""
        bot, self._bot = self._bot, None
        self._writer = self._feed = self._menu = None
        if bot is not None:
            await bot.shutdown()

    def health(self) -> str:
        """What is wrong with the connection."""
        return self._trouble if self._feed is None else self._feed.trouble

    def split_message(self, text: str) -> Sequence[str]:
        """Pieces as long as Telegram takes them; it counts UTF-16 units."""
        return split_text(open_links(text), LONGEST, utf16)

    async def send_message(self, payload: Mapping[str, Any], original_message: Message | None = None) -> str:
        """Send a text or a file."""
        return await self._ready().say(payload)

    async def edit_message(self, payload: Mapping[str, Any]) -> None:
        """Replace a text; drafts as often as Telegram likes, the final one in any case."""
        chat = str(payload["target"])
        every = DRAFT_EVERY_IN_GROUPS if chat.startswith("-") else DRAFT_EVERY
        await self._drafts.edit(self._ready().change, payload, chat, every)

    async def delete_message(self, payload: Mapping[str, Any]) -> None:
        """Take back a draft."""
        await self._ready().take_back(payload)

    async def send_audio(self, payload: Mapping[str, Any]) -> str:
        """Send sound: as a voice message if it is one."""
        return await self._ready().give(payload, payload["attachment"])

    async def react(self, payload: Mapping[str, Any]) -> None:
        """Put an emoji under a message."""
        await self._ready().react(payload)

    async def typing(self, payload: Mapping[str, Any]) -> None:
        """Show that Rekku writes, until told otherwise."""
        where = (str(payload["target"]), str(payload.get("thread_id") or ""))
        if task := self._typing.pop(where, None):
            task.cancel()
        if payload.get("active") and self._writer is not None:
            self._typing[where] = self.host.spawn(self._show_typing(self._writer, *where), "telegram typing")

    async def show_commands(self, commands: Sequence[Command]) -> None:
        """Put the commands into Telegram's menu."""
        self._commands = commands
        if self._menu is not None:
            self._menu.show(commands)

    async def _live(self) -> None:
        """Connect, as often as it takes, then hear what is said; runs for ever."""
        from telegram.error import TelegramError

        from rekku.interface._telegram_bot.faults import FIRST_WAIT, trouble_of

        token, server = self.host.settings["BOTFATHER_TOKEN"], self.host.settings["TELEGRAM_API_URL"]
        self._bot = bot = await in_thread(_made, token, server)
        wait = FIRST_WAIT
        while True:
            try:
                await bot.initialize()
                if not self.host.settings["TELEGRAM_WEBHOOK_URL"]:
                    await bot.delete_webhook()
                break
            except TelegramError as error:
                trouble, wait = trouble_of(error, wait)
            if trouble != self._trouble:
                log.warning("%s.", trouble)
            self._trouble = trouble
            await self.host.clock.sleep(wait)
        await self._hear(bot)

    async def _hear(self, bot: "Bot") -> None:
        from rekku.interface._telegram_bot.feed import Feed
        from rekku.interface._telegram_bot.hearing import Ear
        from rekku.interface._telegram_bot.hook import Hook
        from rekku.interface._telegram_bot.menu import Menu
        from rekku.interface._telegram_bot.writing import Writer

        self._writer, self._menu = Writer(bot, self.host.spawn), Menu(self.host, bot, INTERFACE)
        ear = Ear(self.host, bot, INTERFACE, self._writer, self._menu)
        self._feed = feed = Feed(bot, self.host.clock, ear.take, self.host.reachable)
        self.host.spawn(self._menu.keep(), "telegram menu")
        if self._commands:
            self._menu.show(self._commands)
        self.host.reachable()
        if self.host.settings["TELEGRAM_WEBHOOK_URL"]:
            await Hook(feed, bot, self.host.clock, self._hook_address()).serve()
        else:
            await feed.fetch()

    def _hook_address(self) -> Any:
        from rekku.interface._telegram_bot.hook import address

        return address(self.host.settings["TELEGRAM_WEBHOOK_URL"], self.host.settings["TELEGRAM_WEBHOOK_LISTEN"])

    async def _show_typing(self, writer: "Writer", chat: str, thread: str) -> None:
        from telegram.error import TelegramError

        while True:
            try:
                await writer.show_typing(chat, thread)
            except TelegramError as error:
                log.debug("It could not be shown that Rekku writes: %s", error.message)
            await self.host.clock.sleep(TYPING_EVERY)

    def _ready(self) -> "Writer":
        if self._writer is None:
            raise NotReachable(self._trouble)
        return self._writer


def _made(token: str, server: str) -> "Bot":
    """The bot of a token; it reads certificates, so call it in a thread."""
    from telegram import Bot
    from telegram.request import HTTPXRequest

    from rekku.interface._telegram_bot.calling import CONNECTIONS

    base = server.rstrip("/")
    return Bot(
        token,
        base_url=f"{base}/bot",
        base_file_url=f"{base}/file/bot",
        request=HTTPXRequest(
            connection_pool_size=CONNECTIONS, read_timeout=20.0, pool_timeout=10.0, media_write_timeout=60.0
        ),
        get_updates_request=HTTPXRequest(connection_pool_size=1),
    )


def _greet(call: CommandCall) -> str:
    return GREETING.format(account=f"{call.message.conversation.interface}:{call.message.user.id}")


INTERFACE_CLASS = TelegramBot
