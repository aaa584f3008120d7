"""What went wrong at Reddit, in words for the model, and what may be done about it."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from aiohttp import ClientConnectorError, ClientError
from asyncpraw.exceptions import AsyncPRAWException, MediaPostFailed, RedditAPIException, TooLargeMediaException
from asyncprawcore import exceptions as core

WAIT = re.compile(r"(\d+) (millisecond|second|minute|hour)")
SECONDS = {"millisecond": 0.001, "second": 1.0, "minute": 60.0, "hour": 3600.0}
NETWORK = (ClientError, OSError, TimeoutError)
UNTOLD_WAIT = 600.0
"""Seconds to wait when Reddit says “too much” and not for how long."""

SAYINGS = {
    "SUBREDDIT_NOEXIST": "there is no subreddit of that name",
    "SUBREDDIT_REQUIRED": "a post needs a subreddit",
    "SUBREDDIT_NOTALLOWED": "this account may not post in that subreddit",
    "SUBREDDIT_DISABLED_SUBMISSIONS": "that subreddit takes no posts at the moment",
    "NO_LINKS": "that subreddit takes text posts only, no links",
    "NO_SELFS": "that subreddit takes links only, no text posts",
    "TOO_LONG": "a text is too long",
    "NO_TEXT": "a text is missing",
    "NO_URL": "the link is missing",
    "BAD_URL": "the link is no address that Reddit takes",
    "ALREADY_SUB": "that link was posted there before",
    "DOMAIN_BANNED": "Reddit takes no links to that site",
    "THREAD_LOCKED": "the thread is locked: nobody may comment any more",
    "TOO_OLD": "the post is archived: nobody may comment any more",
    "DELETED_COMMENT": "the comment was deleted",
    "DELETED_LINK": "the post was deleted",
    "NOT_AUTHOR": "it was written by somebody else; only what this account wrote can be changed",
    "SUBMIT_VALIDATION_FLAIR_REQUIRED": "that subreddit wants a flair: give payload.flair",
    "BAD_FLAIR_TEMPLATE_ID": "that subreddit has no such flair",
    "SUBMIT_VALIDATION_TITLE_MIN_LENGTH": "the title is too short for that subreddit",
    "SUBMIT_VALIDATION_TITLE_MAX_LENGTH": "the title is too long for that subreddit",
    "SUBMIT_VALIDATION_BODY_REQUIRED": "that subreddit wants a text in every post",
    "SUBMIT_VALIDATION_BODY_NOT_ALLOWED": "that subreddit takes posts without a text only",
    "USER_BLOCKED": "that person has blocked this account",
}
"""Reddit's error names, in words."""


class Fate(Enum):
    """What became of a request: refused for good, to be asked again later, never arrived, or nobody knows."""

    REFUSED = "refused"
    LATER = "later"
    NOT_SENT = "not sent"
    UNSURE = "unsure"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failure. `words` complete the sentence “It was not done: …”; `wait` is in seconds, for `later`."""

    fate: Fate
    words: str
    wait: float = 0.0
    of_the_owner: bool = False


class UnsureError(Exception):
    """A request that changes something broke off before its answer was there."""


def trouble(error: BaseException, *, wrote: bool) -> Trouble:
    """What an error of asyncpraw means; `wrote` says that what it should change was on its way already."""
    match error:
        case RedditAPIException():
            return _told_by_reddit(error)
        case MediaPostFailed():
            return Trouble(Fate.REFUSED, "Reddit could not make anything of the picture")
        case TooLargeMediaException():
            return Trouble(Fate.REFUSED, f"the picture is too large: Reddit takes {error.maximum_size} bytes")
        case core.RequestException(original_exception=UnsureError()):
            return Trouble(Fate.UNSURE, "the connection broke before Reddit answered")
        case core.RequestException(original_exception=ClientConnectorError()):
            return Trouble(Fate.NOT_SENT, "Reddit cannot be reached")
        case core.RequestException(original_exception=AsyncPRAWException() as inner):
            return trouble(inner, wrote=wrote)
        case core.RequestException(original_exception=inner) if not isinstance(inner, NETWORK):
            fate = Fate.UNSURE if wrote else Fate.REFUSED
            return Trouble(fate, f"Reddit's answer could not be read ({type(inner).__name__})")
        case core.OAuthException() | core.ResponseException() | core.RequestException():
            return _status(error, wrote)
    if wrote:
        return Trouble(Fate.UNSURE, f"the connection broke before Reddit answered ({type(error).__name__})")
    if isinstance(error, AsyncPRAWException):
        return Trouble(Fate.REFUSED, str(error))
    return Trouble(Fate.NOT_SENT, "Reddit did not answer in time")


def is_expected(error: BaseException) -> bool:
    """Whether it comes from Reddit or the network, rather than from a mistake in the code."""
    return isinstance(error, AsyncPRAWException | core.AsyncPrawcoreException | TimeoutError | OSError)


def _told_by_reddit(error: RedditAPIException) -> Trouble:
    for item in error.items:
        if item.error_type == "RATELIMIT":
            wait = _wait(item.message or "")
            return Trouble(Fate.LATER, f"Reddit's rate limit: it wants a pause of {spoken(wait)}", wait)
    return Trouble(Fate.REFUSED, "; ".join(_saying(item) for item in error.items))


def _saying(item: Any) -> str:
    own = SAYINGS.get(item.error_type)
    said = f"Reddit says “{item.message}” ({item.error_type})" if item.message else f"Reddit says {item.error_type}"
    return f"{own} ({said})" if own else said


def _status(error: BaseException, wrote: bool) -> Trouble:
    match error:
        case core.OAuthException(error="invalid_grant"):
            return Trouble(
                Fate.REFUSED, "Reddit does not accept REDDIT_USERNAME with REDDIT_PASSWORD", of_the_owner=True
            )
        case core.TooManyRequests(retry_after=after):
            wait = float(after) if after else UNTOLD_WAIT
            return Trouble(Fate.LATER, f"too many requests: Reddit wants a pause of {spoken(wait)}", wait)
        case core.ServerError() | core.BadJSON():
            return Trouble(Fate.UNSURE if wrote else Fate.NOT_SENT, "Reddit has a fault of its own at the moment")
        case core.Forbidden():
            return Trouble(Fate.REFUSED, "Reddit forbids it: private, banned from there, or not this account's own")
        case core.NotFound() | core.Redirect():
            return Trouble(Fate.REFUSED, "Reddit does not know it: no such subreddit, post or comment")
        case core.InsufficientScope():
            return Trouble(Fate.REFUSED, "the Reddit app lacks the permission for it", of_the_owner=True)
        case core.TooLarge():
            return Trouble(Fate.REFUSED, "it is too large for Reddit")
        case core.OAuthException() | core.InvalidToken():
            return Trouble(Fate.REFUSED, "Reddit does not let this account in", of_the_owner=True)
        case core.ResponseException(response=response) if response.status == 401:
            words = "Reddit does not accept REDDIT_CLIENT_ID with REDDIT_CLIENT_SECRET"
            return Trouble(Fate.REFUSED, words, of_the_owner=True)
        case core.ResponseException(response=response) if response.status < 500:
            return Trouble(Fate.REFUSED, f"Reddit refuses it with status {response.status}")
    return Trouble(Fate.UNSURE if wrote else Fate.NOT_SENT, "Reddit did not answer")


def _wait(message: str) -> float:
    found = WAIT.search(message)
    return max(1.0, int(found[1]) * SECONDS[found[2]]) if found else UNTOLD_WAIT


def spoken(seconds: float) -> str:
    """`9 minutes`, `30 seconds`."""
    number, word = (round(seconds / 60), "minute") if seconds >= 120 else (round(seconds), "second")
    return f"{number} {word}{'' if number == 1 else 's'}"
