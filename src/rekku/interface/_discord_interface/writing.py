"""What Rekku says, on its way to Discord: each method is one call."""

import io
import logging
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, TypeVar

import aiohttp
import discord

from rekku.core.errors import ActionError, DeliveryDelayed, DeliveryRefused, DeliveryUnknown
from rekku.core.message import Choice

log = logging.getLogger(__name__)

BUTTON = "say:"
"""What the ids of Rekku's buttons begin with; behind it stands the command."""
LONGEST_ID = 100
LONGEST_LABEL = 80

Result = TypeVar("Result")


class Writer:
    """Writes with one client."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client

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
        text = payload["text"] or None
        sent = await _told(self.channel(payload).send(text, nonce=str(payload["key"])[:25], **more))
        return str(sent.id)

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
