"""Rekku's account on Reddit: asking, checking and doing, through asyncpraw.

This module imports asyncpraw, which takes a while: it is loaded at first use, in a thread.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urljoin

from aiohttp import ClientError, ClientWSTimeout
from asyncpraw.exceptions import AsyncPRAWException
from asyncpraw.models import PostMedia
from asyncprawcore.exceptions import (
    AsyncPrawcoreException,
    Forbidden,
    NotFound,
    Redirect,
    RequestException,
    ResponseException,
)

from rekku.core.errors import ActionError
from rekku.platforms.reddit.client import BrokenOffError, base_of, client_of, fault_of
from rekku.platforms.reddit.fault import Fate, Fault
from rekku.plugins._reddit_plugin.client import Careful, changes
from rekku.plugins._reddit_plugin.queue import Wish

log = logging.getLogger(__name__)

CHECK_LIMIT = 10.0
SEND_LIMIT = 90.0
"""Seconds for a question, and for doing something (a picture is uploaded first)."""

WEBSOCKET = 10.0
"""Seconds that Reddit has to say what became of a picture."""
CLOCKS_APART = timedelta(minutes=5)

NETWORK = (ClientError, OSError, TimeoutError, BrokenOffError, AsyncPRAWException)
EXPECTED = (AsyncPRAWException, AsyncPrawcoreException, TimeoutError, OSError)
"""What comes from Reddit or the network, rather than from a mistake in the code."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Made:
    """What is on Reddit now."""

    thing: str
    link: str


class Account:
    """The account. Use it in one event loop. Making it may raise Fault."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.username: str = settings["REDDIT_USERNAME"]
        self._base = base_of(settings)
        self._reddit = client_of(settings, Careful)
        assert isinstance(self._reddit.requestor, Careful)
        self._requestor = self._reddit.requestor
        self._doing = asyncio.Lock()

    async def close(self) -> None:
        """Close the connection."""
        await self._reddit.close()

    async def do(self, wish: Wish) -> Made:
        """Do it, once. Raises Fault."""
        deeds: Mapping[str, Callable[[Wish], Awaitable[Made]]] = {
            "reddit_post": self._post,
            "reddit_comment": self._comment,
            "reddit_edit": self._edit,
            "reddit_delete": self._delete,
        }
        async with self._doing:
            self._requestor.wrote = False
            return await self._ask(deeds[wish.action](wish), SEND_LIMIT)

    async def find(self, wish: Wish, known: Callable[[list[str]], Awaitable[set[str]]]) -> Made | None:
        """What a post or comment that may have gone out has become; None if it is not there. Raises Fault.

        `known` says which of some ids belong to other wishes.
        """
        async with self._doing:
            self._requestor.wrote = False
            found = await self._ask(self._like(wish), SEND_LIMIT)
        taken = await known([made.thing for made in found])
        return next((made for made in found if made.thing not in taken), None)

    async def check(self, action: str, payload: dict[str, Any]) -> None:
        """Ask Reddit whether it can be done at all; a flair's words become its id in `payload`.

        Raises ActionError that says why not, Fault if Reddit does not tell.
        """
        checks: Mapping[str, Callable[[dict[str, Any]], Awaitable[None]]] = {
            "reddit_post": self._check_post,
            "reddit_comment": self._check_comment,
            "reddit_edit": self._check_own,
            "reddit_delete": self._check_own,
        }
        await self._ask(checks[action](payload), CHECK_LIMIT, question=True)

    async def _ask(self, work: Awaitable[Result], limit: float, *, question: bool = False) -> Result:
        try:
            async with asyncio.timeout(limit):
                return await work
        except ActionError:
            raise
        except Exception as error:
            wrote = self._requestor.wrote and not question
            if not isinstance(error, EXPECTED) and not wrote:
                raise
            if wrote and _came_after(error):
                error = BrokenOffError("the change was taken, what came after it failed")
            log.info("Reddit: %s: %s", type(error).__name__, error)
            raise _fault(error, wrote) from error

    async def _post(self, wish: Wish) -> Made:
        told = wish.payload
        subreddit = await self._reddit.subreddit(told["subreddit"])
        more: dict[str, Any] = {"selftext": told.get("text") or None}
        if told.get("url"):
            more["url"] = told["url"]
        elif told.get("image"):
            more["image"] = PostMedia(wish.image, told["image"])
            more["timeout"] = ClientWSTimeout(ws_receive=WEBSOCKET, ws_close=WEBSOCKET)
        else:
            more["selftext"] = told.get("text") or ""
        if told.get("flair_id"):
            more |= {"flair_id": told["flair_id"], "flair_text": told["flair"]}
        made = await subreddit.submit(
            told["title"].strip(), nsfw=told.get("nsfw") is True, spoiler=told.get("spoiler") is True, **more
        )
        if made is None:
            raise BrokenOffError("Reddit did not say what became of the picture")
        return self._made_post(made)

    async def _comment(self, wish: Wish) -> Made:
        target = wish.payload["target"]
        made = await (await self._thing(target)).reply(wish.payload["text"])
        if made is None:
            raise BrokenOffError("Reddit did not say what became of the comment")
        return self._made_comment(made)

    async def _edit(self, wish: Wish) -> Made:
        await (await self._thing(wish.payload["target"])).edit(wish.payload["text"])
        return Made(wish.payload["target"], "")

    async def _delete(self, wish: Wish) -> Made:
        await (await self._thing(wish.payload["target"])).delete()
        return Made(wish.payload["target"], "")

    async def _like(self, wish: Wish) -> list[Made]:
        me = await self._reddit.redditor(self.username)
        since = wish.created_at - CLOCKS_APART
        told = wish.payload
        if wish.action == "reddit_post":
            posts = [p async for p in me.submissions.new(limit=25)]
            return [self._made_post(p) for p in posts if _after(p, since) and _is_post(p, told)]
        comments = [c async for c in me.comments.new(limit=25)]
        return [self._made_comment(c) for c in comments if _after(c, since) and _is_comment(c, told)]

    async def _check_post(self, payload: dict[str, Any]) -> None:
        name = payload["subreddit"]
        try:
            subreddit = await self._reddit.subreddit(name, fetch=True)
        except (NotFound, Redirect):
            raise ActionError(f"there is no subreddit r/{name}") from None
        except Forbidden:
            raise ActionError(f"r/{name} is private or banned; this account cannot post there") from None
        kind = "link" if payload.get("url") else "self"
        takes = getattr(subreddit, "submission_type", "any")
        if getattr(subreddit, "user_is_banned", False):
            raise ActionError(f"this account is banned from r/{name}")
        if payload.get("image"):
            if getattr(subreddit, "allow_images", True) is False:
                raise ActionError(f"r/{name} takes no pictures")
        elif takes in ("link", "self") and takes != kind:
            wanted = "links only, no text posts" if takes == "link" else "text posts only, no links"
            raise ActionError(f"r/{name} takes {wanted}")
        if payload.get("flair"):
            payload["flair_id"] = await self._flair(subreddit, payload["flair"])

    async def _flair(self, subreddit: Any, wanted: str) -> str:
        try:
            flairs = {
                f["flair_text"]: f["flair_template_id"] async for f in subreddit.flair.link_templates.user_selectable()
            }
        except Forbidden:
            flairs = {}
        for text, number in flairs.items():
            if text.strip().casefold() == wanted.strip().casefold():
                return str(number)
        if not flairs:
            raise ActionError(f"r/{subreddit.display_name} has no flair to choose; leave payload.flair out")
        raise ActionError(f"r/{subreddit.display_name} has no flair {wanted!r}; it has: {', '.join(flairs)}")

    async def _check_comment(self, payload: dict[str, Any]) -> None:
        thing = await self._known(payload["target"])
        if getattr(thing, "locked", False):
            raise ActionError(f"{payload['target']} is locked: nobody may comment any more")
        if getattr(thing, "archived", False):
            raise ActionError(f"{payload['target']} is archived: nobody may comment any more")

    async def _check_own(self, payload: dict[str, Any]) -> None:
        thing = await self._known(payload["target"])
        author = str(thing.author or "")
        if author.casefold() != self.username.casefold():
            raise ActionError(
                f"{payload['target']} was written by {author or 'nobody who is left'}, not by this account"
            )
        if "text" in payload and getattr(thing, "is_self", True) is False:
            raise ActionError(f"{payload['target']} is a link or a picture; only texts can be edited")

    async def _known(self, target: str) -> Any:
        async for thing in self._reddit.info(fullnames=[target]):
            return thing
        raise ActionError(f"there is no {'post' if target.startswith('t3') else 'comment'} {target}")

    async def _thing(self, target: str) -> Any:
        kind, _, number = target.partition("_")
        if kind == "t3":
            return await self._reddit.submission(number, fetch=False)
        return await self._reddit.comment(number, fetch=False)

    def _made_post(self, post: Any) -> Made:
        return Made(f"t3_{post.id}", f"{self._base}/comments/{post.id}")

    def _made_comment(self, comment: Any) -> Made:
        return Made(f"t1_{comment.id}", urljoin(f"{self._base}/", getattr(comment, "permalink", "")))


def _came_after(error: Exception) -> bool:
    """Whether a question that followed the change failed, and not the change itself."""
    match error:
        case ResponseException():
            return not changes(str(error.response.url))
        case RequestException(request_args=(_, url, *_)):
            return not changes(str(url))
    return False


def _fault(error: Exception, wrote: bool) -> Fault:
    match error:
        case RequestException(original_exception=inner) if not wrote and not isinstance(inner, NETWORK):
            return Fault(Fate.REFUSED, f"Reddit's answer could not be read ({type(inner).__name__})")
    return fault_of(error, writes=wrote)


def _after(thing: Any, since: datetime) -> bool:
    return float(thing.created_utc) >= since.timestamp()


def _is_post(post: Any, told: Mapping[str, Any]) -> bool:
    same_place = str(post.subreddit).casefold() == told["subreddit"].casefold()
    return bool(same_place and post.title.strip() == told["title"].strip())


def _is_comment(comment: Any, told: Mapping[str, Any]) -> bool:
    return bool(comment.parent_id == told["target"] and comment.body.strip() == told["text"].strip())
