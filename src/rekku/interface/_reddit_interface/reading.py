"""What lies in Reddit's inbox, as messages: replies and mentions in a thread, and private messages.

Who wrote is known by the account's id (t2_…), never by a name. An item without one has no author any more.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rekku.core.clock import Clock
from rekku.core.message import Conversation, Message, Quote, User
from rekku.interface._reddit_interface.account import Account
from rekku.interface._reddit_interface.names import post_id
from rekku.interface._reddit_interface.seen import Seen
from rekku.platforms.reddit.fault import Fate, Fault

Item = Mapping[str, Any]

COMMENT, POST, PRIVATE = "t1", "t3", "t4"
MENTION = "username_mention"
DEEPEST = 10
"""How many comments above a new one are asked for, to find where its thread begins."""
AT_ONCE = 100
PROGRAM = re.compile(r"bot[\d_-]*$", re.IGNORECASE)
PROGRAMS = frozenset({"automoderator", "reddit"})


class Reader:
    """Makes messages out of items."""

    def __init__(self, interface: str, account: Account, seen: Seen, clock: Clock) -> None:
        self._interface = interface
        self._account = account
        self._seen = seen
        self._clock = clock

    async def above(self, items: Sequence[Item]) -> dict[str, Item]:
        """What the comments among the items reply to, by id. Raises Fault."""
        names = list(dict.fromkeys(str(item["parent_id"]) for item in items if item["kind"] == COMMENT))
        found: dict[str, Item] = {}
        for start in range(0, len(names), AT_ONCE):
            found |= await self._look_up(names[start : start + AT_ONCE])
        return found

    async def _look_up(self, names: Sequence[str]) -> dict[str, Item]:
        """These things, as far as Reddit shows them. Raises Fault if it may show them later."""
        try:
            found, _ = await self._account.listing("api/info/", id=",".join(names))
        except Fault as fault:
            if fault.fate is not Fate.REFUSED or fault.of_the_owner:
                raise
            return {}
        return {thing["name"]: thing for thing in found}

    async def read(self, item: Item, above: Mapping[str, Item]) -> Message | None:
        """The message; None if it has no author, is Rekku's own, or is nothing that people write."""
        author = item.get("author_fullname")
        if not author or author == self._account.me or not item.get("author"):
            return None
        if item["kind"] == PRIVATE:
            return self._private(item)
        return await self._comment(item, above) if item["kind"] == COMMENT else None

    def _private(self, item: Item) -> Message:
        user = user_of(item)
        return Message(
            conversation=Conversation(self._interface, user.id),
            user=user,
            text=_with_subject(item),
            at=_when(item),
            message_id=item["name"],
            chat_name=user.name,
        )

    async def _comment(self, item: Item, above: Mapping[str, Item]) -> Message:
        post, root = await self._thread(item, above)
        quote = self._quote(item, above.get(item["parent_id"]))
        return Message(
            conversation=Conversation(self._interface, post, root),
            user=user_of(item),
            text=self._without_call(item.get("body") or ""),
            at=_when(item),
            message_id=item["name"],
            chat_name=f"r/{item.get('subreddit')}: {item.get('link_title') or 'a post'}",
            direct=False,
            addressed=item.get("type") == MENTION,
            reply_to=quote,
        )

    async def _thread(self, item: Item, above: Mapping[str, Item]) -> tuple[str, str]:
        """The post, and the comment right under it from which this one descends; it is remembered."""
        chain = [str(item["name"])]
        parent, known = str(item["parent_id"]), None
        post = f"t3_{post_id(item.get('context') or '')}"
        while parent.startswith(COMMENT) and (known := await self._seen.thread(parent)) is None:
            chain.append(parent)
            there = above.get(parent)
            if there is None and len(chain) < DEEPEST:
                there = (await self._look_up([parent])).get(parent)
            if there is None:
                break
            parent = str(there["parent_id"])
        post, root = known or (parent if parent.startswith(POST) else post, chain[-1])
        await self._seen.remember(chain, post, root, self._clock.now())
        return post, root

    def _quote(self, item: Item, parent: Item | None) -> Quote | None:
        ours = item.get("type") in ("comment_reply", "post_reply")  # Reddit says so, people cannot
        if parent is None:
            return Quote(item["parent_id"], User(self._account.me, self._account.name), "", ours) if ours else None
        text = parent.get("body") or "\n\n".join(filter(None, (parent.get("title"), parent.get("selftext"))))
        mine = parent.get("author_fullname") == self._account.me
        return Quote(parent["name"], user_of(parent), text, from_rekku=mine)

    def _without_call(self, text: str) -> str:
        """The text without Rekku's own name in front, so that a command can stand behind it."""
        return re.sub(rf"^\s*/?u/{re.escape(self._account.name)}\b[,:]?\s*", "", text, flags=re.IGNORECASE)


def user_of(item: Item) -> User:
    """Who wrote it. A name that ends in “bot”, AutoModerator and Reddit itself are programs."""
    name = str(item.get("author") or "")
    program = name.lower() in PROGRAMS or PROGRAM.search(name) is not None or item.get("distinguished") == "admin"
    return User(str(item.get("author_fullname") or ""), name, name, program)


def _when(item: Item) -> datetime:
    return datetime.fromtimestamp(float(item["created_utc"]), UTC)


def _with_subject(item: Item) -> str:
    """The words; a subject that says more than they do stands before them."""
    body, subject = (item.get("body") or "").strip(), (item.get("subject") or "").strip()
    told = subject.startswith(("re:", "[")) or subject.casefold() in body.casefold() or body.startswith("/")
    return body if told and body else f"{subject}\n\n{body}".strip()
