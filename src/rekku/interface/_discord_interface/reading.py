"""Discord's messages in the words of Rekku."""

import logging
from typing import Any

import aiohttp
import discord

from rekku.core.message import Attachment, Conversation, Message, Quote, User

log = logging.getLogger(__name__)

LARGEST = 20_000_000
"""Bytes of a file that is fetched."""
SAID = (discord.MessageType.default, discord.MessageType.reply)


def where(channel: Any, interface: str) -> Conversation:
    """The channel; a thread (a post of a forum, too) belongs to the channel that it hangs on."""
    if isinstance(channel, discord.Thread):
        return Conversation(interface, str(channel.parent_id), str(channel.id))
    return Conversation(interface, str(channel.id))


def user_of(user: Any) -> User:
    """An account."""
    return User(str(user.id), user.display_name, user.name, bot=bool(user.bot))


async def read(message: discord.Message, me: discord.ClientUser, interface: str, *, edited: bool = False) -> Message:
    """A message; its files are fetched."""
    channel = message.channel
    files, lines = [], [message.clean_content]
    for file in message.attachments:
        got = await _fetched(file)
        if isinstance(got, Attachment):
            files.append(got)
        else:
            lines.append(got)
    lines += [f"[sticker {sticker.name}]" for sticker in message.stickers]
    return Message(
        conversation=where(channel, interface),
        user=_speaker(message),
        text="\n".join(filter(None, lines)),
        at=(message.edited_at if edited else None) or message.created_at,
        message_id=str(message.id),
        chat_name=_name_of(channel),
        direct=isinstance(channel, discord.DMChannel),
        addressed=_mentions(message, me),
        reply_to=_quote(message, me),
        attachments=tuple(files),
        edited=edited,
        raw=message,
    )


def said(text: str, interaction: discord.Interaction, interface: str) -> Message:
    """What somebody says by a command of Discord's own, or by a button."""
    channel = interaction.channel
    return Message(
        conversation=where(channel, interface),
        user=user_of(interaction.user),
        text=text,
        at=interaction.created_at,
        message_id=f"interaction {interaction.id}",
        chat_name=_name_of(channel),
        direct=isinstance(channel, discord.DMChannel),
        addressed=True,
    )


def _speaker(message: discord.Message) -> User:
    """Who speaks; a web hook is nobody but itself, whatever name it takes."""
    if message.webhook_id is not None:
        return User(f"webhook{message.webhook_id}", message.author.display_name, bot=True)
    return user_of(message.author)


def _mentions(message: discord.Message, me: discord.ClientUser) -> bool:
    """Whether Rekku is mentioned, itself or by the role that Discord has made for it; not by a mere reply."""
    if f"<@{me.id}>" in message.content or f"<@!{me.id}>" in message.content:
        return True
    roles = [role for role in message.role_mentions if role.tags is not None and role.tags.bot_id == me.id]
    return bool(roles)


def _quote(message: discord.Message, me: discord.ClientUser) -> Quote | None:
    reference = message.reference
    if reference is None or message.type is not discord.MessageType.reply:
        return None
    other = reference.resolved
    if not isinstance(other, discord.Message):
        return None
    return Quote(str(other.id), _speaker(other), other.clean_content, from_rekku=other.author.id == me.id)


async def _fetched(file: discord.Attachment) -> Attachment | str:
    """A file, or words that say why it is not here."""
    mime = (file.content_type or "application/octet-stream").split(";")[0]
    kind = mime.split("/", 1)[0]
    kind = kind if kind in ("image", "audio", "video") else "file"
    if file.size > LARGEST:
        return f"[{kind}: {file.filename}, too large to be fetched]"
    try:
        return Attachment(kind, file.filename, mime, await file.read())
    except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
        log.warning("A file of a Discord message could not be fetched (%s).", type(error).__name__)
        return f"[{kind}: {file.filename}, could not be fetched]"


def _name_of(channel: Any) -> str:
    if isinstance(channel, discord.DMChannel):
        return channel.recipient.display_name if channel.recipient else ""
    parent = getattr(channel, "parent", None)
    name = getattr(channel, "name", None) or ""
    return f"{parent.name}: {name}" if parent is not None else name
