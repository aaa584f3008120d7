"""asyncpraw as Rekku uses it: what may have happened is never repeated, and nothing is used of aiohttp that aiohttp is
about to give up."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpraw
from aiohttp import ClientConnectorError, ClientResponse
from asyncpraw.exceptions import AsyncPRAWException, MediaPostFailed, RedditAPIException, TooLargeMediaException
from asyncprawcore import Requestor, ScriptAuthorizer, Session, TrustedAuthenticator, session
from asyncprawcore import exceptions as core
from asyncprawcore.const import ACCESS_TOKEN_PATH

from rekku.platforms.reddit.fault import Fate, Fault, told_by_reddit

REDDIT = "https://www.reddit.com"
OAUTH = "https://oauth.reddit.com"
SHORT = "https://redd.it"
FEWER_WAIT = 60.0
"""Seconds to wait when Reddit wants fewer requests and does not say for how long."""


class BrokenOffError(Exception):
    """A request got no clear answer; asyncprawcore must not repeat it."""


class Once(Requestor):
    """Issues each request once: one without a clear answer is a BrokenOffError, which nobody tries again."""

    @asynccontextmanager
    async def request(self, *args: Any, timeout: float | None = None, **kwargs: Any) -> AsyncIterator[ClientResponse]:
        """Issue a request; `args` are its method and its address."""
        method, url = args[0], self._reachable(str(args[1]))
        once = self.begins(method, url)
        if app := kwargs.pop("auth", None):
            kwargs["headers"] = {**kwargs.get("headers", {}), "Authorization": app}
        try:
            async with super().request(method, url, timeout=timeout, **kwargs) as response:
                self.hears(response.headers)
                if once and response.status in Session.RETRY_STATUSES:
                    raise BrokenOffError(f"status {response.status}")
                yield response
        except core.RequestException as error:
            if once and isinstance(error.original_exception, ConnectionError):
                raise core.RequestException(BrokenOffError(str(error)), (method, url), {}) from error
            raise

    def begins(self, method: str, url: str) -> bool:
        """Called before each request: whether it must be issued once only."""
        return True

    def hears(self, headers: Mapping[str, str]) -> None:
        """Called with the headers of each answer."""

    def _reachable(self, url: str) -> str:
        """asyncpraw uploads to https only; a server of one's own (REDDIT_URL) may have none."""
        own = urlsplit(self.reddit_url)
        if own.scheme == "http" and urlsplit(url).netloc == own.netloc:
            return url.replace("https://", "http://", 1)
        return url


class Authenticator(TrustedAuthenticator):
    """Names the app in a header: aiohttp's own way of doing it, which asyncprawcore takes, will be gone."""

    def _auth(self) -> Any:
        return "Basic " + b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()


class Client(asyncpraw.Reddit):
    """asyncpraw, with our way to name the app."""

    def _prepare_trusted_asyncprawcore(self, requestor: Requestor) -> None:
        config = self.config
        app = Authenticator(requestor=requestor, client_id=config.client_id, client_secret=config.client_secret or "")
        user = ScriptAuthorizer(authenticator=app, username=config.username, password=config.password)
        self._core = session(authorizer=user, window_size=config.window_size)  # type: ignore[assignment]


def base_of(settings: Mapping[str, Any]) -> str:
    """Where Reddit's pages are."""
    return (settings["REDDIT_URL"] or "").rstrip("/") or REDDIT


def client_of(settings: Mapping[str, Any], requests: type[Once]) -> Client:
    """The client of the account that the settings name, in one event loop. Raises Fault."""
    if len(settings["REDDIT_USER_AGENT"]) < Requestor.MIN_USER_AGENT_LENGTH:
        raise Fault(Fate.REFUSED, "Reddit wants a longer REDDIT_USER_AGENT", of_the_owner=True)
    base = base_of(settings)
    return Client(
        client_id=settings["REDDIT_CLIENT_ID"],
        client_secret=settings["REDDIT_CLIENT_SECRET"],
        username=settings["REDDIT_USERNAME"],
        password=settings["REDDIT_PASSWORD"],
        user_agent=settings["REDDIT_USER_AGENT"],
        reddit_url=base,
        oauth_url=OAUTH if base == REDDIT else base,
        short_url=SHORT if base == REDDIT else base,
        check_for_updates=False,
        requestor_class=requests,
    )


def fault_of(error: BaseException, *, writes: bool) -> Fault:
    """What an error of asyncpraw means; `writes` says that what should change something at Reddit was on its way."""
    unclear = Fate.UNSURE if writes else Fate.NOT_DONE
    match error:
        case RedditAPIException():
            return told_by_reddit([(item.error_type, item.message or "") for item in error.items])
        case MediaPostFailed():
            return Fault(Fate.REFUSED, "Reddit could not make anything of the picture")
        case TooLargeMediaException():
            return Fault(Fate.REFUSED, f"the picture is too large: Reddit takes {error.maximum_size} bytes")
        case AsyncPRAWException():
            return Fault(Fate.UNSURE if writes else Fate.REFUSED, str(error))
        case core.RequestException(original_exception=AsyncPRAWException() as inner):
            return fault_of(inner, writes=writes)
        case core.RequestException(original_exception=inner, request_args=args):
            before = isinstance(inner, ClientConnectorError) or (len(args) > 1 and ACCESS_TOKEN_PATH in str(args[1]))
            broke = isinstance(inner, BrokenOffError) and not before
            words = (
                "the connection broke before Reddit answered"
                if broke
                else f"Reddit cannot be reached ({type(inner).__name__})"
            )
            return Fault(Fate.NOT_DONE if before else unclear, words)
        case core.OAuthException() | core.InvalidToken() | core.ResponseException():
            return _answered(error, unclear)
        case TimeoutError():
            return Fault(unclear, "Reddit did not answer in time")
        case BrokenOffError():
            return Fault(unclear, str(error))
    return Fault(unclear, f"Reddit did not answer ({type(error).__name__})")


def _answered(error: BaseException, unclear: Fate) -> Fault:
    match error:
        case core.OAuthException(error="invalid_grant"):
            words = "Reddit does not accept REDDIT_USERNAME with REDDIT_PASSWORD"
            return Fault(Fate.REFUSED, words, of_the_owner=True)
        case core.InsufficientScope():
            return Fault(Fate.REFUSED, "the Reddit app lacks the permission for it", of_the_owner=True)
        case core.OAuthException() | core.InvalidToken():
            return Fault(Fate.REFUSED, "Reddit does not let this account in", of_the_owner=True)
        case core.TooManyRequests(retry_after=after):
            return Fault(Fate.LATER, "Reddit wants fewer requests", float(after) if after else FEWER_WAIT)
        case core.ServerError() | core.BadJSON():
            return Fault(unclear, "Reddit has a fault of its own at the moment")
        case core.Forbidden():
            return Fault(Fate.REFUSED, "it is private, or forbidden to this account")
        case core.NotFound() | core.Redirect():
            return Fault(Fate.REFUSED, "there is nothing of that name")
        case core.TooLarge():
            return Fault(Fate.REFUSED, "it is too large for Reddit")
        case core.ResponseException(response=response) if response.status == 401:
            words = "Reddit does not accept REDDIT_CLIENT_ID with REDDIT_CLIENT_SECRET"
            return Fault(Fate.REFUSED, words, of_the_owner=True)
        case core.ResponseException(response=response) if response.status < 500:
            return Fault(Fate.REFUSED, f"Reddit refuses it with status {response.status}")
    return Fault(unclear, "Reddit did not answer")
