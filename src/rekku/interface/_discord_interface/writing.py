"""What Rekku says, on its way to Discord: each method is one call."""

import io
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import aiohttp
import discord

from rekku.core.errors import ActionError, DeliveryDelayed, DeliveryRefused, DeliveryUnknown, NotReachable
from rekku.core.message import Choice
from rekku.interface._discord_interface.memory import Memory

log = logging.getLogger(__name__)

BUTTON = "say:"
"""What the ids of Rekku's buttons begin with; behind it stands the command."""
LONGEST_ID = 100
LONGEST_NONCE = 25
LONGEST_LABEL = 80

Result = TypeVar("Result")


class Writer:
    """Writes with one client. `heard` says what the last message of a channel is that is known; `memory` outlives the
    writer."""

    def __init__(self, client: discord.Client, heard: Callable[[int], int | None], memory: Memory) -> None:
        self._client = client
        self._heard = heard
        self._doubts = memory.doubts
        self._last = memory.last

    def channel(self, payload: Mapping[str, Any]) -> discord.PartialMessageable:
        """Where a payload goes: a thread is a channel, too."""
        return self._client.get_partial_messageable(int(payload.get("thread_id") or payload["target"]))

    async def say(self, payload: Mapping[str, Any]) -> str:
        """Send a text, or a file; the message's id. Raises a DeliveryError."""
        more: dict[str, Any] = {}
        for file in payload.get("attachments") or ():
            more["file"] = discord.File(io.BytesIO(file.data), filename=file.name or "file")
        if payload.get("choices"):
            more["view"] = _buttons(payload["choices"])
        quoted = payload.get("reply_to") or (payload.get("answers") if self._others_read(payload) else "")
        if quoted and str(quoted).isdigit() and not payload.get("part"):
            channel = int(payload.get("thread_id") or payload["target"])
            more["reference"] = discord.MessageReference(
                message_id=int(quoted), channel_id=channel, fail_if_not_exists=False
            )
        return await self._once(payload, more)

    async def _once(self, payload: Mapping[str, Any], more: Mapping[str, Any]) -> str:
        """Send it, unless it turns out to have arrived; Discord knows a nonce again for some minutes only."""
        where, key = self.channel(payload), str(payload["key"])[:LONGEST_NONCE]
        before = max(self._heard(where.id) or 0, self._last.get(where.id, 0))
        sent = await _told(self._arrived(where, self._doubts[key], payload)) if key in self._doubts else None
        if sent is None:
            self._doubts.setdefault(key, before)
            try:
                sent = await _told(where.send(payload["text"] or None, nonce=key, **more))
            except (DeliveryDelayed, DeliveryRefused, NotReachable):
                self._doubts.pop(key, None)
                raise
        self._doubts.pop(key, None)
        self._last[where.id] = max(before, sent.id)
        return str(sent.id)

    async def _arrived(
        self, where: discord.PartialMessageable, before: int, payload: Mapping[str, Any]
    ) -> discord.Message | None:
        """A message that was in doubt, if it stands there."""
        if not before:
            return None  # nothing tells it from an older one with the same words
        try:
            async for message in where.history(after=discord.Object(before), limit=100, oldest_first=True):
                own = self._client.user is not None and message.author.id == self._client.user.id
                same = message.content.strip() == payload["text"].strip()
                if own and same and len(message.attachments) == len(payload.get("attachments") or ()):
                    return message
        except (discord.Forbidden, discord.NotFound):
            log.info("It may not be looked up whether a message has arrived on Discord.")
        return None

    async def change(self, payload: Mapping[str, Any]) -> None:
        """Replace the text of a message; one that was deleted meanwhile is sent anew."""
        view = _buttons(payload["choices"]) if payload.get("choices") else None
        message = self.channel(payload).get_partial_message(int(payload["message_id"]))
        try:
            await message.edit(content=payload["text"], view=view)
        except discord.NotFound:
            if not payload.get("draft"):
                await self.say(payload)
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            raise _delivery_error(error) or error from error

    async def remove(self, payload: Mapping[str, Any]) -> None:
        """Delete a message."""
        await _told(self.channel(payload).get_partial_message(int(payload["message_id"])).delete())

    async def react(self, payload: Mapping[str, Any]) -> None:
        """Put a reaction under a message. Raises ActionError."""
        message = self.channel(payload).get_partial_message(int(payload["message_id"]))
        try:
            await message.add_reaction(payload["emoji"])
        except discord.HTTPException as error:
            raise ActionError(f"Discord does not take this reaction: {error.text}") from None

    def _others_read(self, payload: Mapping[str, Any]) -> bool:
        channel = self._client.get_channel(int(payload["target"]))
        return channel is not None and not isinstance(channel, discord.DMChannel)


async def _told(sending: Awaitable[Result]) -> Result:
    try:
        return await sending
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        raise _delivery_error(error) or error from error


def _delivery_error(error: Exception) -> Exception | None:
    """What became of a message; None for what can simply be tried again."""
    match error:
        case discord.RateLimited():
            return DeliveryDelayed("Discord wants fewer messages", error.retry_after)
        case discord.DiscordServerError():
            return DeliveryUnknown(f"Discord answered with status {error.status}")
        case discord.HTTPException() if error.status == 429:
            return DeliveryDelayed("Discord wants fewer messages", 30.0)
        case discord.HTTPException() if error.status == 401:
            return NotReachable("Discord does not accept DISCORD_BOT_TOKEN any more")
        case discord.HTTPException():
            return DeliveryRefused(f"Discord says: {error.text or error.status}")
        case aiohttp.ClientConnectorError():
            return None
        case aiohttp.ClientError() | ConnectionError():
            return DeliveryUnknown(f"Discord did not answer ({type(error).__name__})")
    return None


def _buttons(choices: Sequence[Choice]) -> discord.ui.View:
    """Buttons that say a command; those whose command is too long are left out, the text names it."""
    view = discord.ui.View(timeout=None)
    for choice in choices:
        number = BUTTON + choice.command
        if len(number) <= LONGEST_ID:
            view.add_item(discord.ui.Button(label=choice.label[:LONGEST_LABEL], custom_id=number))
    view.stop()  # presses are heard by their id, also after a restart
    return view
