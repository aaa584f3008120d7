"""The web hook: a web server to which Telegram brings updates, instead of being asked for them."""

import asyncio
import hmac
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from telegram import Bot, Update
from telegram.error import BadRequest, TelegramError

from rekku.core.clock import Clock
from rekku.core.errors import ConfigError
from rekku.interface._telegram_bot.faults import FIRST_WAIT, LONGEST_WAIT, trouble_of
from rekku.interface._telegram_bot.feed import WANTED, Feed

if TYPE_CHECKING:
    from aiohttp import web

log = logging.getLogger(__name__)

LARGEST_UPDATE = 1_000_000
LOOK = 120.0
"""Seconds between two looks whether Telegram can bring its updates."""
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
LOOPBACK = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class Address:
    """Where Telegram brings updates to, and where Rekku listens for them; a proxy of the owner's is between the two."""

    url: str
    host: str
    port: int

    @property
    def path(self) -> str:
        """What stands behind the server in the url."""
        return urlsplit(self.url).path or "/"


def address(url: str, listen: str) -> Address:
    """The address that two settings mean. Raises ConfigError."""
    parts = urlsplit(url)
    if not (parts.scheme == "https" and parts.hostname) and parts.hostname not in LOOPBACK:
        raise ConfigError("TELEGRAM_WEBHOOK_URL must begin with https://, Telegram takes no other.")
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError("TELEGRAM_WEBHOOK_LISTEN must be an address and a port, as 127.0.0.1:8443.")
    return Address(url, host.strip("[]"), int(port))


class Hook:
    """Takes what Telegram brings, one after the other, and answers it when it has been handed over."""

    def __init__(self, feed: Feed, bot: Bot, clock: Clock, where: Address) -> None:
        self._feed = feed
        self._bot = bot
        self._clock = clock
        self._where = where
        self._secret = sha256(f"webhook {bot.token}".encode()).hexdigest()
        self._one = asyncio.Lock()

    async def serve(self) -> None:
        """Listen, tell Telegram where, and see that it stays so; runs for ever."""
        while True:
            try:
                async with self._listening():
                    await self._keep()
            except OSError as error:
                self._feed.note(f"TELEGRAM_WEBHOOK_LISTEN cannot be listened on: {error.strerror}")
                await self._clock.sleep(LONGEST_WAIT)

    async def _keep(self) -> None:
        wait, set_at = FIRST_WAIT, None
        while True:
            try:
                if set_at is None:
                    await self._bot.set_webhook(
                        self._where.url, secret_token=self._secret, allowed_updates=WANTED, max_connections=5
                    )
                    set_at = self._clock.now()
                    self._feed.note("")
                else:
                    set_at = await self._look(set_at)
                wait = FIRST_WAIT
            except BadRequest as error:
                self._feed.note(f"Telegram does not take TELEGRAM_WEBHOOK_URL: {error.message}")
                wait, set_at = LONGEST_WAIT, None
            except TelegramError as error:
                trouble, wait = trouble_of(error, wait)
                self._feed.note(trouble)
            await self._clock.sleep(wait if set_at is None else LOOK)

    async def _look(self, set_at: datetime) -> datetime | None:
        """Ask Telegram how it goes; None if the hook has to be set again, because somebody has changed it."""
        info = await self._bot.get_webhook_info()
        if info.url != self._where.url:
            log.warning("Another program has changed the web hook of this bot; it is set again.")
            return None
        lately = max(set_at, self._clock.now() - timedelta(seconds=2 * LOOK))
        failed = info.pending_update_count and info.last_error_date and info.last_error_date > lately
        why = f"Telegram cannot bring messages to TELEGRAM_WEBHOOK_URL: {info.last_error_message}"
        self._feed.note(why if failed else "")
        return set_at

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        from aiohttp import web

        app = web.Application(client_max_size=LARGEST_UPDATE)
        app.router.add_post(self._where.path, self._hear)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._where.host, self._where.port).start()
            yield
        finally:
            await runner.cleanup()

    async def _hear(self, request: "web.Request") -> "web.Response":
        """One update. Telegram brings it again if it is not told that it was taken."""
        from aiohttp import web

        given = request.headers.get(SECRET_HEADER, "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, self._secret.encode()):
            return web.Response(status=403)
        try:
            update = Update.de_json(json.loads(await request.read()), self._bot)
        except (ValueError, KeyError, TypeError, AttributeError):  # what the library says of what is no update
            return web.Response(status=400)
        async with self._one:
            await self._feed.hand_over([update])
        return web.Response()
