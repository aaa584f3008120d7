"""Talk with Rekku on Discord: in servers, threads and forums, and in direct messages."""

import asyncio
import importlib.util
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rekku.core.commands import Command
from rekku.core.drafts import DraftThrottle
from rekku.core.errors import NotReachable, StoreError
from rekku.core.interface_base import InterfaceBase
from rekku.core.members import in_thread
from rekku.core.message import Message
from rekku.core.settings import Setting
from rekku.core.text import split_text
from rekku.interface._discord_interface import library
from rekku.interface._discord_interface.memory import Memory
from rekku.interface._discord_interface.seen import SCHEMA, Seen

if TYPE_CHECKING:
    from rekku.interface._discord_interface.client import Client
    from rekku.interface._discord_interface.writing import Writer

log = logging.getLogger(__name__)

INTERFACE = "discord_interface"
LONGEST = 2000
"""Characters of one message (Discord's API, create message)."""
TYPING_EVERY = 8.0
"""Discord shows that somebody writes for ten seconds."""
DRAFT_EVERY = 1.3
"""Seconds between two edits in a channel; Discord takes five in five seconds, and the last one must go out."""
WRITE_SEEN_EVERY = 5.0
AGAIN_AFTER = 60.0
FOR_THE_OWNER = 300.0
"""Seconds to the next try where only the owner can help; Discord takes a token away after 1,000 logins in a day."""

REFUSED = "Discord does not accept DISCORD_BOT_TOKEN; copy it again from the developer portal"
NO_INTENT = (
    "Discord hides the words of messages: switch on “Message Content Intent” for the bot in the developer portal"
)
NOT_YET = "not connected to Discord yet"
LOST = "the connection to Discord is lost; it is made again by itself"


class DiscordInterface(InterfaceBase):
    """A bot of Discord's, made in its developer portal."""

    settings = (
        Setting(
            "DISCORD_BOT_TOKEN", "The token of your Discord bot, from the developer portal.", required=True, secret=True
        ),
    )
    tables = SCHEMA
    can_edit = True
    max_length = LONGEST
    idempotent_sends = True  # a nonce is recognised for some minutes, which is how long the outbox tries
    _drafts: DraftThrottle

    def __init__(self) -> None:
        if importlib.util.find_spec("discord") is None:  # it is imported at start only: that takes a while
            raise ModuleNotFoundError("No module named 'discord'", name="discord")
        self._client: Client | None = None
        self._writer: Writer | None = None
        self._seen: Seen | None = None
        self._typing: dict[tuple[str, str], asyncio.Task[Any]] = {}
        self._commands: Sequence[Command] = ()
        self._memory = Memory()
        self._trouble = NOT_YET

    def get_interface_id(self) -> str:
        """`discord_interface`."""
        return INTERFACE

    async def start(self) -> None:
        self._drafts = DraftThrottle(self.host.clock)
        self._seen = seen = Seen(self.host.database)
        await seen.load()
        self.host.spawn(self._live(seen), "discord")
        self.host.spawn(self._keep_seen(seen), "discord seen")

    async def stop(self) -> None:
        client, self._client, self._writer = self._client, None, None
        if client is not None:
            await client.close()
        if self._seen is not None:
            try:
                await self._seen.write()
            except StoreError as error:
                log.warning("Up to where Discord was read could not be written: %s", error)

    def health(self) -> str:
        return self._trouble

    def split_message(self, text: str) -> Sequence[str]:
        from rekku.interface._discord_interface.formatting import for_discord

        return split_text(for_discord(text), LONGEST)

    async def send_message(self, payload: Mapping[str, Any], original_message: Message | None = None) -> str:
        return await self._ready().say(payload)

    async def edit_message(self, payload: Mapping[str, Any]) -> None:
        channel = str(payload.get("thread_id") or payload["target"])
        await self._drafts.edit(self._ready().change, payload, channel, DRAFT_EVERY)

    async def delete_message(self, payload: Mapping[str, Any]) -> None:
        await self._ready().remove(payload)

    async def typing(self, payload: Mapping[str, Any]) -> None:
        where = (str(payload["target"]), str(payload.get("thread_id") or ""))
        if task := self._typing.pop(where, None):
            task.cancel()
        if payload.get("active") and self._writer is not None:
            self._typing[where] = self.host.spawn(self._show_typing(self._writer, payload), "discord typing")

    async def react(self, payload: Mapping[str, Any]) -> None:
        await self._ready().react(payload)

    async def show_commands(self, commands: Sequence[Command]) -> None:
        self._commands = commands
        if self._client is not None and self._client.is_ready():
            await self._client.show_commands(commands)

    async def _live(self, seen: Seen) -> None:
        """Be connected, as often as it takes."""
        await in_thread(library.load)
        import aiohttp
        import discord

        while True:
            client = self._made(seen)
            try:
                async with client:
                    await client.start(self.host.settings["DISCORD_BOT_TOKEN"])
                trouble = "Discord has closed the connection"
            except discord.LoginFailure:
                trouble = REFUSED
            except discord.PrivilegedIntentsRequired:
                trouble = NO_INTENT
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                trouble = f"Discord cannot be reached ({type(error).__name__})"
            except Exception as error:  # the door to the library, which ends at what it does not understand
                log.exception("The connection to Discord broke.")
                trouble = f"the connection to Discord broke ({type(error).__name__}); the log says where"
            self._client = self._writer = None
            if trouble != self._trouble:
                log.warning("%s.", trouble)
            self._trouble = trouble
            await self.host.clock.sleep(FOR_THE_OWNER if trouble in (REFUSED, NO_INTENT) else AGAIN_AFTER)

    def _made(self, seen: Seen) -> "Client":
        from rekku.interface._discord_interface.client import Client
        from rekku.interface._discord_interface.writing import Writer

        def ready() -> None:
            self._trouble = ""
            self._writer = Writer(client, seen.last, self._memory)
            self.host.reachable()
            if self._commands:
                self.host.spawn(client.show_commands(self._commands), "discord menu")

        def lost() -> None:
            if self._writer is not None:
                self._writer, self._trouble = None, LOST

        self._client = client = Client(
            interface=INTERFACE,
            clock=self.host.clock,
            seen=seen,
            folder=self.host.folder,
            take=self.host.receive,
            reacted=self.host.reacted,
            ready=ready,
            lost=lost,
        )
        return client

    async def _show_typing(self, writer: "Writer", payload: Mapping[str, Any]) -> None:
        import discord

        while True:
            try:
                await writer.channel(payload).typing()
            except (discord.DiscordException, OSError) as error:
                log.debug("It could not be shown that Rekku writes: %r", error)
                return
            await self.host.clock.sleep(TYPING_EVERY)

    async def _keep_seen(self, seen: Seen) -> None:
        while True:
            await self.host.clock.sleep(WRITE_SEEN_EVERY)
            try:
                await seen.write()
            except StoreError as error:
                log.warning("Up to where Discord was read could not be written: %s", error)

    def _ready(self) -> "Writer":
        if self._writer is None:
            raise NotReachable(self._trouble or NOT_YET)
        return self._writer


INTERFACE_CLASS = DiscordInterface
