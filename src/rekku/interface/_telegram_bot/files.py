"""The files that come with Telegram's messages."""

import logging
from dataclasses import dataclass
from typing import Any

from telegram import Bot, Message
from telegram.error import RetryAfter, TelegramError

from rekku.core.clock import Clock
from rekku.core.message import Attachment
from rekku.interface._telegram_bot.faults import FIRST_WAIT, passing, seconds

log = logging.getLogger(__name__)

LARGEST = 20_000_000
"""Bytes of a file that Telegram hands to a bot (Bot API, getFile)."""
TRIES = 4


@dataclass(frozen=True, slots=True)
class Found:
    """A file that a message has, not yet fetched."""

    kind: str
    file: Any
    name: str
    mime: str


async def fetched(bot: Bot, clock: Clock, message: Message) -> tuple[list[Attachment], list[str]]:
    """What came with a message; for what cannot be had, words that say so."""
    found = _found(message)
    if found is None:
        return [], []
    if (found.file.file_size or 0) > LARGEST:
        return [], [f"[{found.kind}: {found.name}, too large to be fetched]"]
    data = await _data(bot, clock, found.file.file_id)
    if data is None:
        return [], [f"[{found.kind}: {found.name}, could not be fetched]"]
    return [Attachment(found.kind, found.name, found.mime, data)], []


async def _data(bot: Bot, clock: Clock, file_id: str) -> bytes | None:
    """A file's content; a network that breaks is given another chance, since the message comes only once."""
    wait = FIRST_WAIT
    for last in (False,) * (TRIES - 1) + (True,):
        try:
            return bytes(await (await bot.get_file(file_id)).download_as_bytearray())
        except TelegramError as error:
            log.warning("A file of a Telegram message could not be fetched (%s).", type(error).__name__)
            if last or not passing(error):
                return None
            await clock.sleep(seconds(error.retry_after) if isinstance(error, RetryAfter) else wait)
            wait *= 2
    return None


def _found(message: Message) -> Found | None:
    if message.photo:
        return Found("image", message.photo[-1], "photo.jpg", "image/jpeg")
    if voice := message.voice:
        return Found("audio", voice, "voice.ogg", voice.mime_type or "audio/ogg")
    if audio := message.audio:
        return Found("audio", audio, audio.file_name or "audio.mp3", audio.mime_type or "audio/mpeg")
    if film := message.video or message.animation:
        return Found("video", film, film.file_name or "video.mp4", film.mime_type or "video/mp4")
    if message.video_note:
        return Found("video", message.video_note, "video.mp4", "video/mp4")
    if document := message.document:
        mime = document.mime_type or "application/octet-stream"
        kind = "image" if mime.startswith("image/") else "file"
        return Found(kind, document, document.file_name or "file", mime)
    return None
