"""Reddit as its people see it."""

import asyncio
import re
from collections.abc import Collection, Sequence
from typing import Any

from rekku.core.text import CODE
from rekku.testing import Bot
from tests.interface.world import File, Shown
from tests.servers.reddit_server import CLIENT_ID, CLIENT_SECRET, PASSWORD, USER_AGENT, USERNAME, RedditServer, Thing
from tests.servers.reddit_things import account_id

CALLS = re.compile(r"(?<![\w/\\])/?u/([\w-]{3,20})")


class Reddit:
    """A server of Reddit's protocol. The group is the thread under one comment on a post of somebody's; "t1" is
    another comment on that post, with a thread of its own."""

    interface = "reddit_interface"
    owner = "owner"
    can: Collection[str] = ("people", "groups", "threads", "backlog", "faults")
    secret = PASSWORD
    max_length = 10_000

    def __init__(self) -> None:
        self.server = RedditServer()
        self.settings: dict[str, str] = {}
        self.post = self.server.write("t3", author="op", title="The weather", subreddit="talk")
        self.roots = {
            name: self.server.write("t1", author="op", parent=self.post.fullname, text="Well?", subreddit="talk")
            for name in ("", "t1")
        }
        self.bot: Bot | None = None

    @property
    def pings(self) -> list[str]:
        """Whom the comments call: names outside of code, if they are not escaped."""
        texts = [CODE.sub("", thing.text) for thing in self.server.comments if thing.author == USERNAME]
        return [name for text in texts for name in CALLS.findall(text)]

    async def open(self) -> None:
        await self.server.__aenter__()
        self.settings = {
            "REDDIT_CLIENT_ID": CLIENT_ID,
            "REDDIT_CLIENT_SECRET": CLIENT_SECRET,
            "REDDIT_USERNAME": USERNAME,
            "REDDIT_PASSWORD": PASSWORD,
            "REDDIT_USER_AGENT": USER_AGENT,
            "REDDIT_URL": self.server.url,
            "REDDIT_POLL_SECONDS": "2",
            "TRAINER_IDS": f"reddit_interface:{account_id(self.owner)}",
        }

    async def close(self) -> None:
        await self.server.__aexit__()

    async def attach(self, bot: Bot) -> None:
        self.bot = bot
        self.server.now = lambda: bot.clock.now().timestamp()
        before = self.server.looks
        async with asyncio.timeout(20):
            while self.server.looks == before:
                await bot.clock.advance(0.2)
                await asyncio.sleep(0.005)

    async def says(
        self,
        text: str,
        *,
        user: str = "ann",
        chat: str = "",
        thread: str = "",
        reply_to: str = "",
        mention: bool = False,
        files: Sequence[File] = (),
        bot: bool = False,
        **more: Any,
    ) -> str:
        author = f"{user}_bot" if bot else user
        self.server.people.add(author)
        if chat and chat != user:
            text = f"u/{USERNAME} {text}" if mention else text
            above = reply_to or self.roots[thread].fullname
            return self.server.comes("t1", author=author, parent=above, text=text, subreddit="talk", **more).fullname
        return self.server.comes("t4", author=author, to=USERNAME, title=text[:80], text=text, **more).fullname

    def shown(self, chat: str = "ann", thread: str = "") -> list[Shown]:
        if chat == "group":
            root = self.roots[thread]
            return [
                Shown(thing.fullname, thing.text, thread, thing.parent)
                for thing in self.server.comments
                if thing.author == USERNAME and root in self.server.chain(thing)
            ]
        return [
            Shown(thing.fullname, thing.text, "", thing.parent)
            for thing in self.server.messages
            if thing.author == USERNAME and thing.to == chat
        ]

    async def redelivers(self) -> None:
        """The inbox says that the last item is new, and Rekku has forgotten that it took it."""
        from sqlalchemy import text

        assert self.bot is not None
        last = self.server.inbox[-1]
        last.unread = True
        async with self.bot.running.road.database.transaction() as doing:
            await doing.fetch(text("DELETE FROM reddit_seen WHERE thing = :thing"), thing=last.fullname)

    async def cuts(self) -> None:
        await self.server.__aexit__()

    async def mends(self) -> None:
        await self.server.__aenter__()

    def limits(self, seconds: float, after: int = 0) -> None:
        self.server.limit = (after, seconds)

    def loses_answer(self) -> None:
        self.server.cut_after = 1

    def refuses(self) -> None:
        self.server.errors = [["USER_BLOCKED", "You can't do that.", "to"]]

    async def edits(self, message_id: str, text: str) -> None:
        raise NotImplementedError("Reddit does not tell of edits")

    async def presses(self, shown: Shown, label: str, *, user: str) -> None:
        raise NotImplementedError("Reddit has no buttons")

    async def reacts(self, shown: Shown, emoji: str, *, user: str) -> None:
        raise NotImplementedError("Reddit has no reactions")

    def typed(self, chat: str = "ann") -> bool:
        raise NotImplementedError("Reddit does not show who writes")

    def commands(self) -> Collection[str]:
        raise NotImplementedError("Reddit has no menu of commands")


def last_of(server: RedditServer) -> Thing:
    """What Rekku wrote last."""
    return [thing for thing in server.things.values() if thing.author == USERNAME][-1]
