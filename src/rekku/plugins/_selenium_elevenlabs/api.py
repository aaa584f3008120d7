"""The official way: ElevenLabs' HTTP API, with a key.

`POST /v1/text-to-speech/{voice}` gives audio, `GET /v1/user/subscription` the characters used and allowed; errors come
as `{"detail": {"status": …, "message": …}}` (ElevenLabs API reference).
"""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rekku.plugins._selenium_elevenlabs.speech import NoSpeechError, Speech

if TYPE_CHECKING:
    import aiohttp

LIMIT = 120.0
"""Seconds for one speech."""
LARGEST = 50_000_000
"""Bytes of audio that are read."""
WORDS = {
    401: "ElevenLabs does not accept ELEVENLABS_API_KEY",
    404: "ElevenLabs knows no voice of the id in ELEVENLABS_VOICE",
    429: "ElevenLabs has too much to do at the moment; try again later",
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

        path = f"{self.url}/v1/text-to-speech/{quote(self.voice, safe='')}"
        try:
            async with asyncio.timeout(LIMIT), aiohttp.ClientSession(headers={"xi-api-key": self.key}) as session:
                async with session.post(path, json={"text": text, "model_id": self.model}) as response:
                    if response.status != 200:
                        raise NoSpeechError(await _refusal(response))
                    data = await response.content.read(LARGEST)
                    while len(data) < LARGEST and (more := await response.content.read(LARGEST)):
                        data += more
                left = await self._credits(session)
        except (aiohttp.ClientError, aiohttp.InvalidURL, OSError) as error:
            raise NoSpeechError(f"ElevenLabs cannot be reached ({type(error).__name__})") from None
        return Speech(data, "speech.mp3", "audio/mpeg", left)

    async def _credits(self, session: "aiohttp.ClientSession") -> int | None:
        """What is left; a key that may only speak is not told, and then nobody is."""
        async with session.get(f"{self.url}/v1/user/subscription") as response:
            told = await _json(response) if response.status == 200 else {}
        used, most = told.get("character_count"), told.get("character_limit")
        return most - used if isinstance(used, int) and isinstance(most, int) else None


async def _refusal(response: "aiohttp.ClientResponse") -> str:
    detail = (await _json(response)).get("detail")
    told = detail if isinstance(detail, dict) else {}
    if told.get("status") == "quota_exceeded":
        return "the credits of the ElevenLabs account do not suffice for this text"
    words = WORDS.get(response.status, f"ElevenLabs refused (status {response.status})")
    return f"{words}: {str(told['message'])[:200]}" if told.get("message") else words


async def _json(response: "aiohttp.ClientResponse") -> dict[str, Any]:
    try:
        told = await response.json(content_type=None)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
