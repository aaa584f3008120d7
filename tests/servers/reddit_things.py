"""What stands on the local Reddit: posts, comments, private messages, and how Reddit tells of them."""

import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

CLIENT_ID, CLIENT_SECRET = "an-app", "a-secret-of-the-app"
USERNAME, PASSWORD = "rekku_bot", "a-password-of-the-account"
USER_AGENT = "rekku tests by u/nobody"


@dataclass
class Thing:
    """A post (`t3_…`), a comment (`t1_…`) or a private message (`t4_…`)."""

    fullname: str
    author: str
    subreddit: str
    text: str
    created: float
    title: str = ""
    url: str = ""
    parent: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    locked: bool = False
    archived: bool = False
    removed: bool = False
    to: str = ""
    distinguished: str | None = None
    unread: bool = True
    why: str = ""

    @property
    def id(self) -> str:
        return self.fullname[3:]


class Shelf:
    """The things, by fullname; `inbox` is Rekku's, oldest first."""

    def __init__(self) -> None:
        self.now: Callable[[], float] = lambda: 1_772_366_400.0
        self.things: dict[str, Thing] = {}
        self.inbox: list[Thing] = []
        self.count = itertools.count(1)

    @property
    def posts(self) -> list[Thing]:
        return self._there("t3_")

    @property
    def comments(self) -> list[Thing]:
        return self._there("t1_")

    @property
    def messages(self) -> list[Thing]:
        return self._there("t4_")

    def _there(self, kind: str) -> list[Thing]:
        return [thing for name, thing in self.things.items() if name.startswith(kind) and not thing.removed]

    def write(self, kind: str, **more: Any) -> Thing:
        """Put a thing there, as somebody."""
        fullname = f"{kind}_x{next(self.count)}"
        given = {"author": "somebody", "subreddit": "rust", "text": "", "created": self.now(), **more}
        thing = self.things[fullname] = Thing(fullname, **given)
        return thing

    def comes(self, kind: str, **more: Any) -> Thing:
        """The same; and it lies in Rekku's inbox if Reddit would put it there."""
        thing = self.write(kind, **more)
        above = self.things.get(thing.parent)
        if kind == "t4":
            thing.why = "unknown"
        elif above is not None and above.author == USERNAME:
            thing.why = "comment_reply" if above.fullname.startswith("t1_") else "post_reply"
        elif re.search(rf"(?<!\w)/?u/{USERNAME}\b", thing.text):
            thing.why = "username_mention"
        if thing.why:
            self.inbox.append(thing)
        return thing

    def chain(self, thing: Thing) -> list[Thing]:
        """A comment and what stands above it, up to its post."""
        found = [thing]
        while (above := self.things.get(found[-1].parent)) is not None:
            found.append(above)
        return found

    def listing(self, things: Iterable[Thing], after: str | None = None) -> dict[str, Any]:
        children = [self.shown(thing) for thing in things]
        return {"kind": "Listing", "data": {"children": children, "after": after, "before": None}}

    def tree(self, parent: str) -> dict[str, Any]:
        """The comments under something, with their replies."""
        listing = self.listing(thing for thing in self.comments if thing.parent == parent)
        for child in listing["data"]["children"]:
            under = self.tree(child["data"]["name"])
            child["data"]["replies"] = under if under["data"]["children"] else ""
        return listing

    def shown(self, thing: Thing) -> dict[str, Any]:
        """A thing as Reddit tells of it."""
        kind = thing.fullname[:2]
        gone = thing.author == "[deleted]"
        data: dict[str, Any] = {
            name: getattr(thing, name) for name in ("id", "author", "subreddit", "locked", "archived", "distinguished")
        }
        data |= {"name": thing.fullname, "created_utc": thing.created, "score": 7}
        data |= {"author": None} if gone else {"author_fullname": account_id(thing.author)}
        if kind == "t3":
            data |= {"title": thing.title, "selftext": thing.text, "url": thing.url, "is_self": not thing.url}
            data |= {"permalink": f"/r/{thing.subreddit}/comments/{thing.id}/slug/"}
            data |= {"num_comments": sum(thing in self.chain(comment) for comment in self.comments)}
        elif kind == "t4":
            data |= {"body": thing.text, "subject": thing.title, "dest": thing.to, "parent_id": thing.parent or None}
        else:
            top = self.chain(thing)[-1]
            post = top.id if top.fullname.startswith("t3_") else top.parent.removeprefix("t3_")
            data |= {"body": thing.text, "parent_id": thing.parent, "link_id": f"t3_{post}", "replies": ""}
            data |= {"permalink": f"/r/{thing.subreddit}/comments/{post}/slug/{thing.id}/", "link_title": top.title}
        return {"kind": kind, "data": data}

    def in_inbox(self, thing: Thing) -> dict[str, Any]:
        """The same as it stands in the inbox: a comment there does not say its post, but its context."""
        told = self.shown(thing)
        data = told["data"]
        data |= {"new": thing.unread, "type": thing.why, "was_comment": told["kind"] == "t1"}
        if told["kind"] == "t1":
            data["context"] = f"{data.pop('permalink')}?context=3"
            data.pop("link_id")
        return told


def account_id(name: str) -> str:
    """The id of an account, as base 36 digits."""
    return f"t2_{re.sub('[^a-z0-9]', '', name.lower())}"


def told(*, errors: list[list[str]] | None = None, data: dict[str, Any] | None = None) -> web.Response:
    """What Reddit answers to a change."""
    return web.json_response({"json": {"errors": errors or [], **({"data": data} if data is not None else {})}})
