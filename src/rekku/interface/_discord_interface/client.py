"""The connection to Discord: what happens there is handed over in order, what was missed is looked up."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import discord

from rekku.core.clock import Clock
from rekku.core.commands import Command
from rekku.core.errors import StoreError
from rekku.core.message import Conversation, Message, User
from rekku.interface._discord_interface.reading import SAID, read, said, user_of, where
from rekku.interface._discord_interface.seen import Seen
from rekku.interface._discord_interface.writing import BUTTON

log = logging.getLogger(__name__)

AWAY = 2.0
MOST_MISSED = 500
"""Messages of one channel that are looked up after a time away."""
LONGEST_DESCRIPTION = 100
MOST_COMMANDS = 100
WAIT_IN_LIBRARY = 30.0
"""Seconds that the library may wait by itself when Discord wants fewer messages; past that the outbox waits."""


class Client(discord.Client):
    """Hands what people say to `take`, and their reactions to `reacted`."""

    def __init__(
        self,
        *,
        interface: str,
        clock: Clock,
        seen: Seen,
        folder: Path,
        take: Callable[[Message], Awaitable[object]],
        reacted: Callable[[Conversation, User, str, str], Awaitable[None]],
        ready: Callable[[], None],
    ) -> None:
        intents = discord.Intents(
            guilds=True, messages=True, message_content=True, reactions=True, dm_messages=True, dm_reactions=True
        )
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=WAIT_IN_LIBRARY,
            enable_debug_events=False,
        )
        self._interface = interface
        self._clock = clock
        self._seen = seen
        self._folder = folder
        self._take = take
        self._reacted = reacted
        self._is_ready = ready
        self._order: dict[int, asyncio.Lock] = {}
        self._caught_up = asyncio.Event()

    async def on_ready(self) -> None:
        """Connected anew: first what was missed, then what is being said."""
        await self._catch_up()
        self._caught_up.set()
        self._is_ready()

    async def on_disconnect(self) -> None:
        """What is said from now on is heard when it was said, but not before what is missed."""

    async def on_message(self, message: discord.Message) -> None:
        """Somebody says something."""
        await self._caught_up.wait()
        await self._hand_over(message)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Somebody has changed what they said; a preview of a link that Discord has added is no change."""
        message = payload.message
        if message.edited_at is None or not self._is_said(message) or self.user is None:
            return
        await self._in_order(message.channel.id, read(message, self.user, self._interface, edited=True))

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Somebody puts a reaction under a message."""
        if self.user is None or payload.user_id == self.user.id:
            return
        member = payload.member
        user = user_of(member) if member else User(str(payload.user_id))
        channel = self.get_channel(payload.channel_id) or self.get_partial_messageable(payload.channel_id)
        await self._reacted(where(channel, self._interface), user, str(payload.message_id), str(payload.emoji))

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """A command of Discord's own menu, or a button."""
        data: Any = interaction.data or {}
        number = str(data.get("custom_id", ""))
        if interaction.type is discord.InteractionType.component and number.startswith(BUTTON):
            await _politely(interaction.response.edit_message(view=None))
            await self._hear(said(number.removeprefix(BUTTON), interaction, self._interface))
        elif interaction.type is discord.InteractionType.application_command:
            await _politely(interaction.response.defer(ephemeral=True))
            words = [str(option.get("value", "")) for option in data.get("options", ())]
            text = " ".join([f"/{data.get('name', '')}", *words]).strip()
            await self._hear(said(text, interaction, self._interface))
            await _politely(interaction.delete_original_response())

    async def show_commands(self, commands: Sequence[Command]) -> None:
        """Put the slash commands into Discord's menu, if they are not what stands there."""
        option = {"type": 3, "name": "text", "required": False}
        menu = [
            {
                "name": command.name,
                "type": 1,
                "description": command.summary[:LONGEST_DESCRIPTION] or command.name,
                "options": [{**option, "description": command.usage[:LONGEST_DESCRIPTION]}] if command.usage else [],
            }
            for command in commands[:MOST_COMMANDS]
        ]
        assert self.application_id is not None
        stamp = hashlib.blake2b(f"{self.application_id}{json.dumps(menu)}".encode(), digest_size=16).hexdigest()
        file = self._folder / "menu"
        if await asyncio.to_thread(_text_of, file) == stamp:
            return
        await self.http.bulk_upsert_global_commands(self.application_id, menu)
        await asyncio.to_thread(file.write_text, stamp, encoding="ascii")

    async def _catch_up(self) -> None:
        """Hand over what was said since each channel was last read; a channel that is new is read from now on."""
        for channel in self._channels():
            last, newest = self._seen.last(channel.id), getattr(channel, "last_message_id", None)
            if last is None:
                self._seen.note(channel.id, newest or discord.utils.time_snowflake(self._clock.now()))
            elif newest is None or newest > last:
                await self._missed(channel, last)

    async def _missed(self, channel: Any, last: int) -> None:
        try:
            after = discord.Object(last)
            async for message in channel.history(after=after, limit=MOST_MISSED, oldest_first=True):
                await self._hand_over(message)
        except discord.Forbidden:
            log.info("What was said in a channel of Discord meanwhile may not be read.")
        except discord.DiscordException:
            log.exception("What was said in a channel of Discord meanwhile could not be looked up.")

    def _channels(self) -> list[Any]:
        """The channels that can be written in, their threads, and the direct chats that are known."""
        found: dict[int, Any] = {}
        for guild in self.guilds:
            for channel in (*guild.text_channels, *guild.voice_channels, *guild.threads):
                found[channel.id] = channel
        for number in self._seen.channels():
            found.setdefault(number, self.get_channel(number) or self.get_partial_messageable(number))
        return list(found.values())

    def _is_said(self, message: discord.Message) -> bool:
        own = self.user is not None and message.author.id == self.user.id
        return message.type in SAID and not own

    async def _hand_over(self, message: discord.Message) -> None:
        if self._is_said(message) and self.user is not None:
            await self._in_order(message.channel.id, read(await self._whole(message), self.user, self._interface))
        self._seen.note(message.channel.id, message.id)

    async def _whole(self, message: discord.Message) -> discord.Message:
        """A message of a channel that was not known by itself (an old direct chat) with its channel."""
        if isinstance(message.channel, discord.PartialMessageable):
            message.channel = await self.fetch_channel(message.channel.id)  # type: ignore[assignment]
        return message

    async def _in_order(self, channel: int, reading: Awaitable[Message]) -> None:
        """One after the other in each channel, whatever takes how long."""
        async with self._order.setdefault(channel, asyncio.Lock()):
            await self._hear(await reading)

    async def _hear(self, message: Message) -> None:
        while True:
            try:
                await self._take(message)
                return
            except StoreError as error:
                log.warning("A message from Discord waits for the database: %s", error)
                await self._clock.sleep(AWAY)


async def _politely(answer: Awaitable[object]) -> None:
    """Answer Discord's own question about a press; what was said by it counts in any case."""
    try:
        await answer
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        log.info("Discord could not be told that a button was heard: %r", error)


def _text_of(file: Path) -> str:
    return file.read_text(encoding="ascii") if file.exists() else ""
