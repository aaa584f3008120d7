"""The connection to a model server: one aiohttp session, limits on time, errors in Rekku's words."""

import asyncio
import os
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from rekku.core.errors import EngineError, EngineRefused, EngineUnreachable
from rekku.llm_engines._openai.faults import Faults

CONNECT_LIMIT = 5.0


class Answer:
    """A response whose head has come. Close it."""

    def __init__(self, wire: "Wire", response: aiohttp.ClientResponse) -> None:
        self._wire = wire
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self.content_type = response.headers.get("Content-Type", "").lower()

    @property
    def ok(self) -> bool:
        """Whether the server took the request."""
        return 200 <= self.status < 300

    async def piece(self, limit: float | None) -> bytes:
        """The next bytes, b"" at the end; at most `limit` seconds (None: until the call's own limit)."""
        try:
            async with asyncio.timeout(limit):
                return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise self._wire.trouble(error, limit) from None

    async def whole(self, limit: int) -> bytes:
        """The body, at most `limit` bytes of it."""
        body = bytearray()
        while len(body) < limit and (piece := await self.piece(None)):
            body += piece
        return bytes(body[:limit])

    async def drained(self) -> None:
        """Read to the end if it is near, so that the connection can be used again."""
        if self._response.content.at_eof():
            return
        try:
            async with asyncio.timeout(0.05):
                await self._response.content.readany()
        except (aiohttp.ClientError, OSError):
            self._response.close()

    def close(self) -> None:
        """Let go of the connection: it is kept for the next call if all was read, and closed otherwise."""
        self._response.release()


class Wire:
    """A session with one server. `base` includes /v1; `total` is the limit of a whole call in seconds."""

    def __init__(self, base: str, key: str, total: float, faults: Faults) -> None:
        self._faults = faults
        self._total = total
        self._base = base
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "rekku"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=total, sock_connect=CONNECT_LIMIT),
        )

    async def send(self, path: str, body: bytes | None = None) -> Answer:
        """POST a body, or GET without one. Raises EngineUnreachable, or EngineRefused for an impossible address."""
        try:
            response = await self._session.request(
                "GET" if body is None else "POST", self._base + path, data=body, allow_redirects=False
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # `from None`: aiohttp's errors can hold the request's headers, and with them the key.
            raise self.trouble(error, None) from None
        return Answer(self, response)

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    def trouble(self, error: Exception, limit: float | None) -> EngineError:
        """Rekku's error for one of aiohttp's."""
        where = self._faults.where
        if isinstance(error, aiohttp.ClientConnectorDNSError):
            host = urlsplit(where).hostname
            return EngineUnreachable(f"The name {host} in OPENAI_BASE_URL is not known, or the network is away.")
        if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
            return EngineUnreachable(f"No secure connection to the model server {where}: {_reason(error)}.")
        if isinstance(error, aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError | ValueError):
            return EngineRefused(f"OPENAI_BASE_URL is not an address like http://127.0.0.1:11434/v1 (it is {where}).")
        if isinstance(error, aiohttp.ClientConnectorError):
            return EngineUnreachable(f"No connection to the model server {where}: {_reason(error)}. Is it running?")
        if isinstance(error, aiohttp.ConnectionTimeoutError):
            return EngineUnreachable(f"No connection to the model server {where} within {CONNECT_LIMIT:g} s.")
        if isinstance(error, TimeoutError):
            if limit is None or limit >= self._total:
                return EngineUnreachable(f"{where} did not finish within {self._total:g} s (OPENAI_TIMEOUT).")
            return EngineUnreachable(f"The model server {where} fell silent in the middle of its reply.")
        if isinstance(error, aiohttp.ClientPayloadError):
            return EngineUnreachable(f"The reply of the model server {where} broke off in the middle.")
        if isinstance(error, aiohttp.ClientResponseError):
            return EngineUnreachable(f"What answers at {where} does not speak HTTP.")
        return EngineUnreachable(f"The connection to the model server {where} broke ({type(error).__name__}).")


def _reason(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    if isinstance(number, int) and number > 0:
        return os.strerror(number).lower()
    return type(error).__name__
