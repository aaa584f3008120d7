"""What the model reads of Reddit: posts, comments, subscriptions, each shortened to what a prompt can hold."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

from rekku.core.clock import Clock
from rekku.core.errors import ActionError
from rekku.interface._reddit_interface.account import Account, things
from rekku.interface._reddit_interface.names import post_id, subreddit_name
from rekku.interface._reddit_interface.offer import USUAL, USUAL_COMMENTS, place

LONGEST_TITLE = 300
LONGEST_TEXT = 500
LONGEST_POST = 4000
"""Characters of a text in a list, and of a post that is read with its comments."""
ROOM = 15_000
"""Characters of all that one action brings."""
USUAL_DEPTH = 4
PAGE = 100
MOST_SUBSCRIPTIONS = 500

Payload = Mapping[str, Any]
AGES = (("year", 31_536_000), ("month", 2_592_000), ("day", 86_400), ("hour", 3600), ("minute", 60))


class Looker:
    """Looks around with one account. Every method may raise Fault."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self._account = account
        self._clock = clock

    async def read(self, payload: Payload) -> list[dict[str, Any]]:
        """Posts of a subreddit or a feed; posts and comments of a user."""
        kind, name = place(payload.get("where") or "")
        sort = payload.get("sort") or "hot"
        params = {"limit": payload.get("limit") or USUAL, "t": payload.get("time")}
        match kind, name:
            case "feed", "home":
                path = sort
            case "user", _:
                path, params["sort"] = f"user/{name}/overview", "new" if sort == "rising" else sort
            case _:
                path = f"r/{name}/{sort}"
        found, _ = await self._account.listing(path, **params)
        return self._short(found)

    async def search(self, payload: Payload) -> list[dict[str, Any]]:
        """Posts that a query finds."""
        where = subreddit_name(payload.get("subreddit") or "")
        found, _ = await self._account.listing(
            f"r/{where or 'all'}/search/",
            q=payload["query"].strip(),
            sort=payload.get("sort") or "relevance",
            t=payload.get("time"),
            limit=payload.get("limit") or USUAL,
            restrict_sr=True if where else None,
        )
        return self._short(found)

    async def comments(self, payload: Payload) -> dict[str, Any]:
        """A post and the comments under it, each with how deep it stands."""
        limit, depth = payload.get("limit") or USUAL_COMMENTS, payload.get("depth") or USUAL_DEPTH
        sort = payload.get("sort") or "confidence"
        answer = await self._account.ask(
            f"comments/{post_id(payload['post'])}/", sort=sort, limit=limit, depth=depth, threaded=True
        )
        if not isinstance(answer, list) or len(answer) != 2:
            raise ActionError("Reddit did not show that post")
        posts, _ = things(answer[0])
        under = list(_flat(answer[1], 0))
        post = self._shown(posts[0], LONGEST_POST) if posts else {}
        shown = self._short([{**comment, "at_depth": at} for comment, at in under[:limit]], len(str(post)))
        return {"post": post, "comments": shown, "not_shown": max(0, int(post.get("comments", 0)) - len(shown))}

    async def subscriptions(self) -> list[str]:
        """The names of the subreddits that the account has joined."""
        names: list[str] = []
        after = ""
        while len(names) < MOST_SUBSCRIPTIONS:
            page, after = await self._account.listing("subreddits/mine/subscriber/", limit=PAGE, after=after or None)
            names += [f"r/{found['display_name']}" for found in page]
            if not after:
                break
        return sorted(names, key=str.casefold)

    async def subscribe(self, payload: Payload, *, join: bool) -> str:
        """Join or leave a subreddit."""
        name = subreddit_name(payload["subreddit"])
        action = "sub" if join else "unsub"
        await self._account.do("api/subscribe/", sr_name=name, action=action, skip_initial_defaults=True)
        return f"You have {'joined' if join else 'left'} r/{name}."

    async def person(self, name: str) -> str:
        """The id of the account of that name. Raises ActionError if nobody can be written to."""
        told = (await self._account.ask(f"user/{name}/about/"))["data"]
        if told.get("is_suspended") or not told.get("id"):
            raise ActionError(f"the account u/{name} is suspended")
        return f"t2_{told['id']}"

    def _short(self, found: list[dict[str, Any]], used: int = 0) -> list[dict[str, Any]]:
        """What of these fits into one output."""
        kept: list[dict[str, Any]] = []
        for thing in found:
            shown = self._shown(thing, LONGEST_TEXT)
            used += len(str(shown))
            if used > ROOM:
                break
            kept.append(shown)
        return kept

    def _shown(self, thing: Mapping[str, Any], most: int) -> dict[str, Any]:
        text = thing.get("body") or thing.get("selftext") or ""
        link = thing.get("url") if thing["kind"] == "t3" and not thing.get("is_self", True) else ""
        shown = {
            "id": thing.get("name"),
            "author": thing.get("author") or "[deleted]",
            "subreddit": thing.get("subreddit"),
            "title": _cut(thing.get("title") or thing.get("link_title") or "", LONGEST_TITLE),
            "text": _cut(text, most),
            "score": thing.get("score"),
            "comments": thing.get("num_comments"),
            "age": self._age(float(thing.get("created_utc") or 0)),
            "link": urljoin(f"{self._account.base}/", thing.get("permalink") or ""),
            "leads_to": _cut(link or "", LONGEST_TEXT),
            "depth": thing.get("at_depth"),
            "adults_only": thing.get("over_18") or None,
        }
        return {name: value for name, value in shown.items() if value not in (None, "")}

    def _age(self, created: float) -> str:
        seconds = self._clock.now().timestamp() - created
        for word, size in AGES:
            if seconds >= size:
                number = int(seconds // size)
                return f"{number} {word}{'' if number == 1 else 's'}"
        return "just now"


def _flat(listing: Any, depth: int) -> Iterator[tuple[dict[str, Any], int]]:
    """The comments of a tree, each before its replies, with how deep they stand."""
    if not isinstance(listing, dict):  # Reddit says "" where there is nothing
        return
    for comment in things(listing)[0]:
        if comment["kind"] == "t1":
            yield comment, depth
            yield from _flat(comment.get("replies"), depth + 1)


def _cut(text: str, most: int) -> str:
    text = text.strip()
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
