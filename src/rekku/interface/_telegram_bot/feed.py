"""What Telegram has for the bot: fetched again and again, or brought by Telegram to a web hook.

An update is confirmed to Telegram only when everything in it has been handed over, so none is lost by a crash; one that
comes again is recognised by its message id.
"""

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from telegram import Bot, Update
from telegram.error import Conflict, Forbidden, InvalidToken, RetryAfter, TelegramError

from rekku.core.clock import Clock
from rekku.core.errors import ConfigError, StoreError
from rekku.interface._telegram_bot.faults import seconds

if TYPE_CHECKING:
    from aiohttp import web

log = logging.getLogger(__name__)

WANTED = (
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "callback_query",
    "message_reaction",
    "my_chat_member",
)
LONG_POLL = 30
"""Seconds that Telegram keeps a question open until there is something."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
AWAY = 2.0
LARGEST_UPDATE = 1_000_000
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"

REFUSED = "Telegram does not accept BOTFATHER_TOKEN; get the right one from @BotFather"
CONFLICT = "another program fetches this bot's messages with the same token (BOTFATHER_TOKEN); stop it"

Take = Callable[[Sequence[Update]], Awaitable[None]]


class Feed:
    """Hands updates to `take`, in order; those of one album together. `trouble` says what is wrong, in words."""

    def __init__(self, bot: Bot, clock: Clock, take: Take) -> None:
        self._bot = bot
        self._clock = clock
        self._take = take
        self.trouble = "not connected to Telegram yet"

    async def fetch(self) -> None:
        """Ask Telegram, hand over, confirm; runs for ever."""
        offset: int | None = None
        wait = FIRST_WAIT
        while True:
            try:
                updates = await self._bot.get_updates(
                    offset=offset, timeout=LONG_POLL, allowed_updates=WANTED, read_timeout=LONG_POLL + 10
                )
                self.trouble, wait = "", FIRST_WAIT
            except TelegramError as error:
                wait = self._note(error, wait)
                await self._clock.sleep(wait)
                continue
            for some in _albums(updates):
                await self.hand_over(some)
                offset = some[-1].update_id + 1

    async def hand_over(self, updates: Sequence[Update]) -> None:
        """Take some updates in; while the database is away they wait."""
        while True:
            try:
                await self._take(updates)
                return
            except StoreError as error:
                log.warning("A message from Telegram waits for the database: %s", error)
                await self._clock.sleep(AWAY)
            except Exception:  # the door to what Telegram sends: one odd update must not stop the others
                log.exception("An update from Telegram could not be read and is left out.")
                return

    def _note(self, error: TelegramError, wait: float) -> float:
        """Keep what is wrong in words; how long to wait."""
        match error:
            case InvalidToken() | Forbidden():
                trouble, next_wait = REFUSED, LONGEST_WAIT
            case Conflict():
                trouble, next_wait = CONFLICT, LONGEST_WAIT / 4
            case RetryAfter():
                trouble, next_wait = "Telegram wants fewer questions", seconds(error.retry_after)
            case _:
                trouble, next_wait = f"Telegram cannot be reached ({type(error).__name__})", min(wait * 2, LONGEST_WAIT)
        if trouble != self.trouble:
            log.warning("%s.", trouble)
        self.trouble = trouble
        return next_wait


class Hook:
    """A web server that Telegram brings updates to. `listen` is address:port; the rest of `url` is up to a proxy."""

    def __init__(self, feed: Feed, bot: Bot, url: str, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        if urlsplit(url).scheme != "https" and urlsplit(url).hostname not in ("127.0.0.1", "localhost"):
            raise ConfigError("TELEGRAM_WEBHOOK_URL must begin with https://, Telegram takes no other.")
        if not host or not port.isdigit():
            raise ConfigError("TELEGRAM_WEBHOOK_LISTEN must be an address and a port, as 127.0.0.1:8443.")
        self._feed = feed
        self._bot = bot
        self._url = url
        self._host, self._port = host, int(port)
        self._secret = sha256(f"webhook {bot.token}".encode()).hexdigest()
        self._one = asyncio.Lock()
        self.port = 0

    async def serve(self) -> None:
        """Listen, tell Telegram where, and wait for ever."""
        from aiohttp import web

        app = web.Application(client_max_size=LARGEST_UPDATE)
        app.router.add_post(urlsplit(self._url).path or "/", self._hear)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
            self.port = runner.addresses[0][1]
            await self._bot.set_webhook(self._url, secret_token=self._secret, allowed_updates=WANTED, max_connections=5)
            self._feed.trouble = ""
            await asyncio.Event().wait()
        except OSError as error:
            self._feed.trouble = f"TELEGRAM_WEBHOOK_LISTEN cannot be listened on: {error.strerror}"
            log.error("%s.", self._feed.trouble)
        except TelegramError as error:
            self._feed.trouble = f"Telegram does not take TELEGRAM_WEBHOOK_URL: {error.message}"
            log.error("%s.", self._feed.trouble)
        finally:
            await runner.cleanup()

    async def _hear(self, request: "web.Request") -> "web.Response":
        """One update. Telegram brings it again if it is not told that it was taken."""
        from aiohttp import web

        if not hmac.compare_digest(request.headers.get(SECRET_HEADER, ""), self._secret):
            return web.Response(status=403)
        try:
            update = Update.de_json(json.loads(await request.read()), self._bot)
        except (ValueError, KeyError, TypeError, AttributeError):  # what the library says of what is no update
            return web.Response(status=400)
        async with self._one:
            await self._feed.hand_over([update])
        return web.Response()


def _albums(updates: Sequence[Update]) -> Iterator[list[Update]]:
    """The updates one by one, but the pictures of an album together."""
    together: list[Update] = []
    for update in updates:
        album = update.message.media_group_id if update.message else None
        if together and (album is None or together[-1].message.media_group_id != album):  # type: ignore[union-attr]
            yield together
            together = []
        together.append(update)
        if album is None:
            yield together
            together = []
    if together:
        yield together
