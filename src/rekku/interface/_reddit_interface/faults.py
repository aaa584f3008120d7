"""What went wrong at Reddit: in words, and as what Rekku's outbox understands."""

import re
from enum import Enum
from typing import Any

from aiohttp import ClientConnectorError
from asyncprawcore import exceptions as core
from asyncprawcore.const import ACCESS_TOKEN_PATH

from rekku.core.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUnknown, NotReachable

WAIT = re.compile(r"(\d+) (millisecond|second|minute|hour)")
SECONDS = {"millisecond": 0.001, "second": 1.0, "minute": 60.0, "hour": 3600.0}
UNTOLD_WAIT = 60.0
"""Seconds to wait when Reddit says “too much” and not for how long."""

SAYINGS = {
    "USER_DOESNT_EXIST": "there is no user of that name",
    "NOT_WHITELISTED_BY_USER_MESSAGE": "that person takes messages from chosen people only",
    "USER_BLOCKED": "that person has blocked this account",
    "USER_BLOCKED_MESSAGE": "that person has blocked this account",
    "INVALID_USER": "that person cannot be written to",
    "THREAD_LOCKED": "the thread is locked: nobody may comment any more",
    "TOO_OLD": "the post is archived: nobody may comment any more",
    "DELETED_COMMENT": "the comment was deleted",
    "DELETED_LINK": "the post was deleted",
    "SUBREDDIT_NOEXIST": "there is no subreddit of that name",
    "SUBREDDIT_NOTALLOWED": "this account may not write in that subreddit",
}
"""Reddit's error names, in words."""


class Fate(Enum):
    """What became of a request: refused for good, wanted later, certainly not done, or nobody knows."""

    REFUSED = "refused"
    LATER = "later"
    NOT_DONE = "not done"
    UNSURE = "unsure"


class Fault(Exception):
    """Reddit did not do it. `wait` is in seconds, for `LATER`; `of_the_owner` says that a setting is wrong."""

    def __init__(self, fate: Fate, words: str, wait: float = 0.0, *, of_the_owner: bool = False) -> None:
        super().__init__(words)
        self.fate = fate
        self.words = words
        self.wait = wait
        self.of_the_owner = of_the_owner

    def for_outbox(self) -> DeliveryError:
        """The same, for a message that should have gone out."""
        if self.of_the_owner:
            return NotReachable(self.words)
        match self.fate:
            case Fate.REFUSED:
                return DeliveryRefused(f"Reddit: {self.words}")
            case Fate.LATER:
                return DeliveryDelayed(f"Reddit: {self.words}", self.wait)
            case Fate.UNSURE:
                return DeliveryUnknown(self.words)
        return NotReachable(self.words)


class BrokenOffError(Exception):
    """A request got no clear answer; asyncprawcore must not repeat it."""


def fault_of(error: BaseException, *, writes: bool) -> Fault:
    """What an error of asyncprawcore means; `writes` says that the request changes something at Reddit."""
    unclear = Fate.UNSURE if writes else Fate.NOT_DONE
    match error:
        case core.OAuthException(error="invalid_grant"):
            words = "Reddit does not accept REDDIT_USERNAME with REDDIT_PASSWORD"
            return Fault(Fate.REFUSED, words, of_the_owner=True)
        case core.OAuthException() | core.InvalidToken():
            return Fault(Fate.REFUSED, "Reddit does not let this account in", of_the_owner=True)
        case core.InsufficientScope():
            return Fault(Fate.REFUSED, "the Reddit app lacks the permission for it", of_the_owner=True)
        case core.TooManyRequests(retry_after=after):
            return Fault(Fate.LATER, "it wants fewer requests", float(after) if after else UNTOLD_WAIT)
        case core.ServerError() | core.BadJSON():
            return Fault(unclear, "Reddit has a fault of its own at the moment")
        case core.Forbidden():
            return Fault(Fate.REFUSED, "it is private, or forbidden to this account")
        case core.NotFound() | core.Redirect():
            return Fault(Fate.REFUSED, "there is nothing of that name")
        case core.ResponseException(response=response):
            return _status(response, unclear)
        case core.RequestException(original_exception=inner, request_args=args):
            before = isinstance(inner, ClientConnectorError) or (len(args) > 1 and ACCESS_TOKEN_PATH in str(args[1]))
            return Fault(Fate.NOT_DONE if before else unclear, f"Reddit cannot be reached ({type(inner).__name__})")
    return Fault(unclear, f"Reddit did not answer ({type(error).__name__})")


def _status(response: Any, unclear: Fate) -> Fault:
    if response.status == 401:
        words = "Reddit does not accept REDDIT_CLIENT_ID with REDDIT_CLIENT_SECRET"
        return Fault(Fate.REFUSED, words, of_the_owner=True)
    if response.status < 500:
        return Fault(Fate.REFUSED, f"it is refused with status {response.status}")
    return Fault(unclear, f"Reddit answered with status {response.status}")


def told_by_reddit(errors: list[list[str]]) -> Fault:
    """What the list of errors in an answer means: each is a name, words, a field."""
    for name, words, *_ in errors:
        if name == "RATELIMIT":
            found = WAIT.search(words or "")
            wait = max(1.0, int(found[1]) * SECONDS[found[2]]) if found else 10 * UNTOLD_WAIT
            return Fault(Fate.LATER, "its rate limit wants a pause", wait)
    return Fault(Fate.REFUSED, "; ".join(SAYINGS.get(name, f"{words or name} ({name})") for name, words, *_ in errors))
