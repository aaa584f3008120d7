"""The official way: ElevenLabs' HTTP API, with a key.

`POST /v1/text-to-speech/{voice}` gives audio, `GET /v1/user/subscription` the characters used and allowed; errors come
as `{"detail": {"status": …, "message": …}}` (ElevenLabs API reference).
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rekku.plugins._selenium_elevenlabs.speech import LARGEST, TOO_LARGE, NoSpeechError, Speech

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger(__name__)

LIMIT = 120.0
"""Seconds for one speech."""
ASKING = 10.0
"""Seconds for the credits that are left."""
LONGEST_REASON = 200

NO_VOICE = "ElevenLabs knows no voice of the id in ELEVENLABS_VOICE"
NO_CREDITS = "the credits of the ElevenLabs account do not suffice for this text"
BUSY = "ElevenLabs has too much to do at the moment; try again later"
CODES: Mapping[str, tuple[str, bool]] = {
    "quota_exceeded": (NO_CREDITS, True),
    "voice_not_found": (NO_VOICE, True),
    "voice_does_not_exist": (NO_VOICE, True),
    "model_not_found": ("ElevenLabs knows no model of the id in ELEVENLABS_MODEL", True),
    "missing_permissions": ("the key in ELEVENLABS_API_KEY may not be used for speech", True),
    "max_character_limit_exceeded": ("the text is too long for the ElevenLabs account; speak less at once", False),
    "text_too_long": ("the text is too long for the ElevenLabs account; speak less at once", False),
    "too_many_concurrent_requests": (BUSY, False),
    "system_busy": (BUSY, False),
}
"""ElevenLabs' words for what is wrong, in ours, and whether the owner has to put it right."""
STATUSES: Mapping[int, tuple[str, bool]] = {
    401: ("ElevenLabs does not accept ELEVENLABS_API_KEY", True),
    402: (NO_CREDITS, True),
    404: (NO_VOICE, True),
    429: (BUSY, False),
}


@dataclass(frozen=True, slots=True)
class Api:
    """The API of one account."""

    url: str
    key: str
    voice: str
    model: str

    async def speak(self, text: str) -> Speech:
        """The text as speech. Raises NoSpeechError."""
        import aiohttp

        try:
            async with asyncio.timeout(LIMIT), aiohttp.ClientSession(headers={"xi-api-key": self.key}) as session:
                data = await self._audio(session, text)
                return Speech(data, "speech.mp3", "audio/mpeg", await self._credits(session))
        except TimeoutError:
            raise NoSpeechError(
                f"ElevenLabs did not answer within {LIMIT:g} seconds; it may have used credits all the same"
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise NoSpeechError(f"ElevenLabs cannot be reached ({type(error).__name__})") from None

    async def _audio(self, session: "aiohttp.ClientSession", text: str) -> bytes:
        path = f"{self.url}/v1/text-to-speech/{quote(self.voice, safe='')}"
        async with session.post(path, json={"text": text, "model_id": self.model}) as response:
            if response.status != 200:
                raise await _refusal(response)
            if response.content_type.split("/")[0] in ("text", "application") and "octet" not in response.content_type:
                raise NoSpeechError(f"ElevenLabs answered with {response.content_type}, not with audio", for_owner=True)
            data = bytearray()
            async for piece in response.content.iter_any():
                data += piece
                if len(data) > LARGEST:
                    raise NoSpeechError(TOO_LARGE)
        if not data:
            raise NoSpeechError("ElevenLabs answered with an empty recording")
        return bytes(data)

    async def _credits(self, session: "aiohttp.ClientSession") -> int | None:
        """What is left; None if it cannot be had (a key may be for speech only): the speech is not lost for that."""
        import aiohttp

        try:
            async with asyncio.timeout(ASKING), session.get(f"{self.url}/v1/user/subscription") as response:
                told = await _json(response) if response.status == 200 else {}
        except (aiohttp.ClientError, OSError) as error:
            log.warning("ElevenLabs did not say how many credits are left (%s).", type(error).__name__)
            return None
        used, most = told.get("character_count"), told.get("character_limit")
        return max(0, most - used) if isinstance(used, int) and isinstance(most, int) else None


async def _refusal(response: "aiohttp.ClientResponse") -> NoSpeechError:
    detail = (await _json(response)).get("detail")
    told = detail if isinstance(detail, dict) else {}
    unknown = (f"ElevenLabs refused (status {response.status})", response.status < 500)
    words, for_owner = CODES.get(str(told.get("status")), STATUSES.get(response.status, unknown))
    reason = " ".join(str(told.get("message") or "").split())[:LONGEST_REASON]
    return NoSpeechError(f"{words}: {reason}" if reason else words, for_owner=for_owner)


async def _json(response: "aiohttp.ClientResponse") -> dict[str, Any]:
    try:
        told = await response.json(content_type=None)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
