"""Ask a server that speaks as wttr.in does."""

import asyncio
import importlib
from urllib.parse import quote, urlsplit

from rekku.core.errors import RekkuError

LARGEST = 1_000_000
"""Bytes of an answer that are read; real ones have about 50,000."""


class NoReport(RekkuError):
    """The service gave no answer that could be read; the message says why."""


def prepare() -> None:
    """Import the network library; it blocks for a moment, so call it in a thread."""
    importlib.import_module("aiohttp")


async def body(base: str, location: str, limit: float) -> bytes:
    """What the server at `base` says about a place, within `limit` seconds. Raises NoReport."""
    import aiohttp

    server = urlsplit(base).netloc or base
    address = f"{base}/{quote(location, safe='')}?format=j1"
    try:
        async with (
            asyncio.timeout(limit),
            aiohttp.ClientSession(headers={"User-Agent": "rekku"}) as session,
            session.get(address) as response,
        ):
            answer = await response.content.read(LARGEST)
            while len(answer) < LARGEST and (more := await response.content.read(LARGEST)):
                answer += more
    except TimeoutError:
        raise NoReport(f"{server} did not answer within {limit:g} s") from None
    except aiohttp.InvalidURL:
        raise NoReport(f"WEATHER_URL is not an address like https://wttr.in: {base!r}") from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NoReport(f"no connection to {server} ({type(error).__name__})") from None
    if response.status == 404:
        raise NoReport(f"{server} knows no place {location!r}; PROMPT_LOCATION may need other words")
    if response.status != 200:
        raise NoReport(f"{server} answered with status {response.status}")
    return answer
