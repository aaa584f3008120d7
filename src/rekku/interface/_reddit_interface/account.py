"""Rekku's account on Reddit: asking and doing, through asyncpraw.

This module and `faults` import asyncpraw, which takes a while: they are loaded at the start, in a thread.
"""

import asyncio
import logging
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import asyncpraw
from aiohttp import ClientResponse
from asyncprawcore import Requestor, ScriptAuthorizer, Session, TrustedAuthenticator, session
from asyncprawcore.exceptions import AsyncPrawcoreException, RequestException

from rekku.core.clock import Clock
from rekku.interface._reddit_interface.faults import BrokenOffError, Fate, Fault, fault_of, told_by_reddit

log = logging.getLogger(__name__)

REDDIT = "https://www.reddit.com"
OAUTH = "https://oauth.reddit.com"
SHORT = "https://redd.it"
LIMIT = 40.0
"""Seconds for one request, its token included."""
LONGEST_PAUSE = 2.0
"""asyncprawcore sits out pauses that Reddit wants; longer ones are for the outbox to wait for."""


class Authenticator(TrustedAuthenticator):
    """Names the app in a header: aiohttp's own way of doing it, which asyncprawcore takes, will be gone."""

    def _auth(self) -> Any:
        return "Basic " + b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()


class Once(Requestor):
    """Issues each request once, and knows what Reddit says about how many more it takes."""

    remaining = 1.0
    reset = 0.0

    @asynccontextmanager
    async def request(self, *args: Any, timeout: float | None = None, **kwargs: Any) -> AsyncIterator[ClientResponse]:
        """Issue a request. One without a clear answer is a BrokenOffError, which nobody tries again."""
        if app := kwargs.pop("auth", None):
            kwargs["headers"] = {**kwargs.get("headers", {}), "Authorization": app}
        try:
            async with super().request(*args, timeout=timeout, **kwargs) as response:
                self._note(response.headers)
                if response.status in Session.RETRY_STATUSES:
                    raise BrokenOffError(f"status {response.status}")
                yield response
        except RequestException as error:
            if isinstance(error.original_exception, ConnectionError):
                raise RequestException(BrokenOffError(str(error)), args, {}) from error
            raise

    def _note(self, headers: Mapping[str, str]) -> None:
        try:
            self.remaining = float(headers["x-ratelimit-remaining"])
            self.reset = float(headers["x-ratelimit-reset"])
        except (KeyError, ValueError):  # not every answer has them
            return


class Client(asyncpraw.Reddit):
    """asyncpraw, with our way to name the app."""

    def _prepare_trusted_asyncprawcore(self, requestor: Requestor) -> None:
        config = self.config
        app = Authenticator(requestor=requestor, client_id=config.client_id, client_secret=config.client_secret or "")
        user = ScriptAuthorizer(authenticator=app, username=config.username, password=config.password)
        self._core = session(authorizer=user, window_size=config.window_size)  # type: ignore[assignment]


class Account:
    """The account. `me` is its id (t2_…), known after `log_in`. Use it in one event loop. Making it may raise Fault."""

    def __init__(self, settings: Mapping[str, Any], clock: Clock) -> None:
        self.name: str = settings["REDDIT_USERNAME"]
        self.me = ""
        base = (settings["REDDIT_URL"] or "").rstrip("/")
        self.base = base or REDDIT
        if len(settings["REDDIT_USER_AGENT"]) < Requestor.MIN_USER_AGENT_LENGTH:
            raise Fault(Fate.REFUSED, "Reddit wants a longer REDDIT_USER_AGENT", of_the_owner=True)
        self._reddit = Client(
            client_id=settings["REDDIT_CLIENT_ID"],
            client_secret=settings["REDDIT_CLIENT_SECRET"],
            username=self.name,
            password=settings["REDDIT_PASSWORD"],
            user_agent=settings["REDDIT_USER_AGENT"],
            reddit_url=base or REDDIT,
            oauth_url=base or OAUTH,
            short_url=base or SHORT,
            check_for_updates=False,
            requestor_class=Once,
        )
        assert isinstance(self._reddit.requestor, Once)
        self._requestor = self._reddit.requestor
        self._clock = clock
        self._paused_until = 0.0

    async def close(self) -> None:
        """Close the connection."""
        await self._reddit.close()

    async def log_in(self) -> None:
        """Find out who the account is. Raises Fault."""
        if not self.me:
            told = await self.ask("api/v1/me")
            self.name, self.me = str(told["name"]), f"t2_{told['id']}"

    async def ask(self, path: str, **params: Any) -> Any:
        """What Reddit has at a path, as it says it. Raises Fault."""
        return await self._request("GET", path, params=params)

    async def do(self, path: str, **form: Any) -> Any:
        """Change something at Reddit, once; what it answers. Raises Fault."""
        answer = await self._request("POST", path, data=form)
        told = answer.get("json", {}) if isinstance(answer, dict) else {}
        if told.get("errors"):
            raise told_by_reddit(told["errors"])
        return told.get("data", {})

    async def listing(self, path: str, **params: Any) -> tuple[list[dict[str, Any]], str]:
        """A page of a listing: the things' data (with their `kind`), and what to ask for next. Raises Fault."""
        return things(await self.ask(path, **params))

    async def _request(self, method: str, path: str, **more: Any) -> Any:
        self._mind_the_limit()
        writes = method == "POST"
        try:
            async with asyncio.timeout(LIMIT):
                return await self._reddit.request(method=method, path=path, **more)
        except (AsyncPrawcoreException, asyncpraw.exceptions.AsyncPRAWException, OSError) as error:
            fault = _in_words(error) or fault_of(error, writes=writes)
            log.info("Reddit: %s: %s", path, fault.words)
            raise fault from error

    def _mind_the_limit(self) -> None:
        """Raises Fault as long as Reddit wants no requests."""
        now, reddit = self._clock.monotonic(), self._requestor
        if reddit.remaining < 1 and reddit.reset > LONGEST_PAUSE:
            self._paused_until = now + reddit.reset
            reddit.remaining = 1.0
        if self._paused_until > now:
            raise Fault(Fate.LATER, "it wants fewer requests", self._paused_until - now)


def things(answer: Any) -> tuple[list[dict[str, Any]], str]:
    """The things of a listing as Reddit says it, and what to ask for next ("" at the end)."""
    listing = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(listing, dict):
        raise Fault(Fate.NOT_DONE, "Reddit's answer could not be read")
    found = [{**child["data"], "kind": child["kind"]} for child in listing.get("children", ())]
    return found, listing.get("after") or ""


def _in_words(error: BaseException) -> Fault | None:
    """What asyncpraw made of an answer with status 400."""
    if isinstance(error, asyncpraw.exceptions.RedditAPIException):
        return told_by_reddit([[item.error_type, item.message or "", ""] for item in error.items])
    return None
