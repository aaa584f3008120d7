"""asyncpraw as the plugin uses it: a change that may have happened is never repeated, and nothing is used of aiohttp
that aiohttp is about to give up. Loaded at first use, in a thread: asyncpraw takes a while."""

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpraw
from aiohttp import ClientResponse
from asyncprawcore import Requestor, ScriptAuthorizer, TrustedAuthenticator, session
from asyncprawcore.exceptions import RequestException

from rekku.plugins._reddit_plugin.trouble import UnsureError

WRITES = ("/api/submit", "/api/comment", "/api/editusertext", "/api/del")


class Careful(Requestor):
    """Knows whether a change was on its way, and keeps asyncprawcore from repeating one that may have happened."""

    wrote = False

    @asynccontextmanager
    async def request(self, *args: Any, timeout: float | None = None, **kwargs: Any) -> AsyncIterator[ClientResponse]:
        """Issue a request. A change that gets no clear answer is an UnsureError, which nobody tries again."""
        method, url = args[0], self._reachable(str(args[1]))
        if app := kwargs.pop("auth", None):
            kwargs["headers"] = {**kwargs.get("headers", {}), "Authorization": app}
        writes = method == "POST" and changes(url)
        self.wrote = self.wrote or writes
        try:
            async with super().request(method, url, timeout=timeout, **kwargs) as response:
                if writes and response.status >= 500:
                    raise UnsureError(f"status {response.status}")
                yield response
        except RequestException as error:
            if writes and isinstance(error.original_exception, ConnectionError):
                raise RequestException(UnsureError(str(error)), args, {}) from error
            raise

    def _reachable(self, url: str) -> str:
        """asyncpraw uploads to https only; a server of one's own (REDDIT_URL) may have none."""
        own = urlsplit(self.reddit_url)
        if own.scheme == "http" and urlsplit(url).netloc == own.netloc:
            return url.replace("https://", "http://", 1)
        return url


class Authenticator(TrustedAuthenticator):
    """Names the app as a header, which `Careful` sets."""

    def _auth(self) -> Any:
        return "Basic " + b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()


class Client(asyncpraw.Reddit):
    """asyncpraw with that way to name the app."""

    def _prepare_trusted_asyncprawcore(self, requestor: Requestor) -> None:
        config = self.config
        app = Authenticator(requestor=requestor, client_id=config.client_id, client_secret=config.client_secret or "")
        user = ScriptAuthorizer(authenticator=app, username=config.username, password=config.password)
        self._core = session(authorizer=user, window_size=config.window_size)  # type: ignore[assignment]


def changes(url: str) -> bool:
    """Whether a request to there changes something."""
    return urlsplit(url).path.rstrip("/") in WRITES
