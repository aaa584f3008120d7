"""The connection to Discord: what happens there is handed over in order, what was missed is looked up."""

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
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
LONGEST_DESCRIPTION = 100
MOST_COMMANDS = 100
WAIT_IN_LIBRARY = 30.0
"""Seconds that the library may wait by itself when Discord wants fewer messages; past that the outbox waits."""
ALL_TOLD_AFTER = 2.0
"""Seconds in which Discord tells of no other server: then it has told of all."""
PASSING = (discord.DiscordServerError, discord.RateLimited, aiohttp.ClientError, OSError)
"""What is over after a while."""
IN_SERVERS, IN_OWN_DIRECT_CHATS, OF_SERVERS = 0, 1, 0
"""Where the menu is offered: never in other people's direct chats, which Discord would do by itself."""


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
        lost: Callable[[], None],
    ) -> None:
        intents = discord.Intents(
            guilds=True, messages=True, message_content=True, reactions=True, dm_messages=True, dm_reactions=True
        )
        super().__init__(
            intents=intents,
            allowed_mentions=discord.AllowedMentions.none(),
            max_ratelimit_timeout=WAIT_IN_LIBRARY,
            enable_debug_events=False,
            guild_ready_timeout=ALL_TOLD_AFTER,
        )
        self._interface = interface
        self._clock = clock
        self._seen = seen
        self._folder = folder
        self._take = take
        self._reacted = reacted
        self._is_ready = ready
        self._is_lost = lost
        self._order: dict[int, asyncio.Lock] = {}
        self._session = 0
        self._caught_up = asyncio.Event()
        self._work: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Hang up; what is being heard is left, and found again at the next start."""
        await self._end_work()
        await super().close()
        await self._end_work()  # of what came until it was closed

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """After the end nothing happens any more, though the library may still think that it is getting ready."""
        if not self.is_closed():
            super().dispatch(event, *args, **kwargs)

    async def on_connect(self) -> None:
        """A new session begins: what is said from now on is heard after what was missed."""
        self._session += 1
        self._caught_up.clear()

    async def on_ready(self) -> None:
        """A new session is complete: first what was missed, then what is being said."""
        with self._working():
            session = self._session
            self._is_ready()
            await self._catch_up(session)
            if session == self._session:
                self._caught_up.set()

    async def on_resumed(self) -> None:
        """The old session goes on, and Discord tells by itself what was missed."""
        self._is_ready()

    async def on_disconnect(self) -> None:
        """The connection broke; the library makes a new one."""
        self._is_lost()

    async def on_message(self, message: discord.Message) -> None:
        """Somebody says something."""
        with self._working():
            await self._caught_up.wait()
            await self._hand_over(message)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Somebody has changed what they said; a preview of a link that Discord has added is no change."""
        if payload.message.edited_at is not None and self._is_said(payload.message):
            with self._working():
                await self._caught_up.wait()
                await self._in_order(payload.message, edited=True)

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
        if interaction.context.private_channel:
            return  # other people's chat: Rekku is not there
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
                "integration_types": [OF_SERVERS],
                "contexts": [IN_SERVERS, IN_OWN_DIRECT_CHATS],
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

    async def _catch_up(self, session: int) -> None:
        """Hand over what was said since each channel was last read.

        A channel that is new to Rekku is read from now on; one that is younger than the last thing that was heard in
        its server was made meanwhile, and is read from its beginning (a post of a forum has its number as its first
        message).
        """
        channels = self._channels()
        heard: dict[object, int] = {}
        for channel in channels:
            server = getattr(channel, "guild", None)
            heard[server] = max(heard.get(server, 0), self._seen.last(channel.id) or 0)
        for channel in channels:
            last, newest = self._seen.last(channel.id), getattr(channel, "last_message_id", None)
            if last is None and not 0 < heard[channel.guild] < channel.id:
                self._seen.note(channel.id, newest or channel.id)
                continue
            if last is None:
                last = channel.id - 1
            if newest is None or newest > last:
                await self._missed(channel, last, session)

    async def _missed(self, channel: Any, last: int, session: int) -> None:
        """Read a channel from there on, as often as it takes, as long as the session lasts."""
        while session == self._session:
            try:
                if isinstance(channel, discord.PartialMessageable):
                    channel = await self.fetch_channel(channel.id)
                after = discord.Object(max(last, self._seen.last(channel.id) or 0))
                async for message in channel.history(after=after, limit=None, oldest_first=True):
                    await self._hand_over(message)
                return
            except (discord.Forbidden, discord.NotFound):
                log.info("What was said in a channel of Discord meanwhile may not be read.")
                return
            except PASSING as error:
                log.warning("What was said in a channel of Discord meanwhile cannot be looked up yet: %r", error)
                await self._clock.sleep(AWAY)
            except Exception:  # the door to a channel: one that cannot be read must not silence the others
                log.exception("What was said in a channel of Discord meanwhile could not be looked up.")
                return

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
        if self._is_said(message):
            await self._in_order(message)
        new = self._seen.last(message.channel.id) is None
        self._seen.note(message.channel.id, message.id)
        if new:  # a direct chat that is not written down is never found again
            try:
                await self._seen.write()
            except StoreError as error:
                log.warning("A new chat of Discord could not be written down yet: %s", error)

    async def _in_order(self, message: discord.Message, *, edited: bool = False) -> None:
        """One after the other in each channel, whatever takes how long."""
        async with self._order.setdefault(message.channel.id, asyncio.Lock()):
            await self._make_whole(message)
            assert self.user is not None
            await self._hear(await read(message, self.user, self._interface, edited=edited))

    async def _make_whole(self, message: discord.Message) -> None:
        """Look up the channel of a message, if it is not known by itself (a thread that was closed)."""
        while isinstance(message.channel, discord.PartialMessageable):
            try:
                message.channel = await self.fetch_channel(message.channel.id)  # type: ignore[assignment]
            except PASSING as error:
                log.warning("A channel of Discord cannot be looked up yet: %r", error)
                await self._clock.sleep(AWAY)
            except discord.DiscordException as error:
                log.warning("A channel of Discord is not known: %r", error)
                return

    async def _hear(self, message: Message) -> None:
        while True:
            try:
                await self._take(message)
                return
            except StoreError as error:
                log.warning("A message from Discord waits for the database: %s", error)
                await self._clock.sleep(AWAY)

    async def _end_work(self) -> None:
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)

    @contextmanager
    def _working(self) -> Iterator[None]:
        """What is done meanwhile ends with the connection."""
        task = asyncio.current_task()
        assert task is not None
        self._work.add(task)
        try:
            yield
        finally:
            self._work.discard(task)


async def _politely(answer: Awaitable[object]) -> None:
    """Answer Discord's own question about a press; what was said by it counts in any case."""
    try:
        await answer
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        log.info("Discord could not be told that a button was heard: %r", error)


def _text_of(file: Path) -> str:
    return file.read_text(encoding="ascii") if file.exists() else ""
