"""What is remembered of Reddit: which items were handed over, which thread a comment is in, what was sent."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Column, Index, bindparam, delete, select, update

from rekku.core.database import Database, Instant, Key, Schema, Statement, Step, insert_or_ignore, table

KEPT = timedelta(days=60)
"""How long it is remembered. What is older in the inbox is never taken up, so that nothing can come twice."""
GRACE = timedelta(minutes=10)
"""What came so shortly before the very first start is answered, too; clocks differ."""
FIRST = "the first start"

SEEN = table(
    "reddit_seen",
    Column("thing", Key, primary_key=True),
    Column("at", Instant, nullable=False),
    Index("reddit_seen_at", "at"),
)
THREADS = table(
    "reddit_threads",
    Column("thing", Key, primary_key=True),
    Column("post", Key, nullable=False),
    Column("root", Key, nullable=False),
    Column("at", Instant, nullable=False),
    Index("reddit_threads_at", "at"),
)
SENT = table(
    "reddit_sent",
    Column("piece", Key, primary_key=True),
    Column("thing", Key, nullable=False),
    Column("at", Instant, nullable=False),
    Index("reddit_sent_thing", "thing"),
    Index("reddit_sent_at", "at"),
)
SCHEMA = Schema(
    "reddit_interface",
    Step(1, "what was handed over", lambda db: db.create(SEEN)),
    Step(2, "the threads of comments", lambda db: db.create(THREADS)),
    Step(3, "what was sent", lambda db: db.create(SENT)),
)

SEEN_OF = Statement(select(SEEN.c.thing).where(SEEN.c.thing.in_(bindparam("things", expanding=True))))
WHEN = Statement(select(SEEN.c.at).where(SEEN.c.thing == bindparam("of")))
SEE = Statement(insert_or_ignore(SEEN))
FORGET_SEEN = Statement(delete(SEEN).where(SEEN.c.at < bindparam("before"), SEEN.c.thing != FIRST))
THREAD_OF = Statement(select(THREADS.c.post, THREADS.c.root).where(THREADS.c.thing == bindparam("of")))
ADD_THREAD = Statement(insert_or_ignore(THREADS))
FORGET_THREADS = Statement(delete(THREADS).where(THREADS.c.at < bindparam("before")))
BEGIN = Statement(insert_or_ignore(SENT))
BEGUN = Statement(select(SENT.c.thing, SENT.c.at).where(SENT.c.piece == bindparam("of")))
AGAIN = Statement(update(SENT).where(SENT.c.piece == bindparam("of")).values(at=bindparam("now")))
DONE = Statement(update(SENT).where(SENT.c.piece == bindparam("of")).values(thing=bindparam("made")))
UNDO = Statement(delete(SENT).where(SENT.c.piece == bindparam("of")))
OURS = Statement(select(SENT.c.thing).where(SENT.c.thing.in_(bindparam("things", expanding=True))))
FORGET_SENT = Statement(delete(SENT).where(SENT.c.at < bindparam("before")))


class Seen:
    """The three tables. Every method may raise StoreError."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def since(self, now: datetime) -> datetime:
        """What is older than this is not answered: it was there before the very first start, or is very old."""
        await self._db.write(SEE(thing=FIRST, at=now - GRACE))
        first: datetime = (await self._db.fetch(WHEN, of=FIRST))[0].at
        return max(first, now - KEPT + timedelta(days=1))

    async def new(self, things: Collection[str]) -> set[str]:
        """Which of these were not handed over yet."""
        rows = await self._db.fetch(SEEN_OF, things=list(things)) if things else []
        return set(things) - {row.thing for row in rows}

    async def see(self, thing: str, now: datetime) -> None:
        """It was handed over."""
        await self._db.write(SEE(thing=thing, at=now))

    async def thread(self, comment: str) -> tuple[str, str] | None:
        """The post and the first comment of the thread in which a comment stands, if it is known."""
        rows = await self._db.fetch(THREAD_OF, of=comment)
        return (rows[0].post, rows[0].root) if rows else None

    async def remember(self, comments: Collection[str], post: str, root: str, now: datetime) -> None:
        """These comments stand in that thread."""
        await self._db.write(*(ADD_THREAD(thing=name, post=post, root=root, at=now) for name in comments))

    async def begin(self, piece: str, now: datetime) -> tuple[str, datetime] | None:
        """Something is about to be sent. If it was before: what became of it ("" if nobody knows), and when."""
        rows = await self._db.write(BEGIN(piece=piece, thing="", at=now))
        if rows[0]:
            return None
        (row,) = await self._db.fetch(BEGUN, of=piece)
        return row.thing, row.at

    async def again(self, piece: str, now: datetime) -> None:
        """It is about to be sent once more."""
        await self._db.write(AGAIN(of=piece, now=now))

    async def done(self, piece: str, thing: str) -> None:
        """It stands at Reddit as that thing."""
        await self._db.write(DONE(of=piece, made=thing))

    async def undo(self, piece: str) -> None:
        """It certainly did not go out."""
        await self._db.write(UNDO(of=piece))

    async def ours(self, things: Collection[str]) -> set[str]:
        """Which of these are known to be something that was sent."""
        return {row.thing for row in await self._db.fetch(OURS, things=list(things))} if things else set()

    async def tidy(self, now: datetime) -> None:
        """Forget what is old."""
        before = now - KEPT
        await self._db.write(FORGET_SEEN(before=before), FORGET_SENT(before=before))
        await self._db.write(FORGET_THREADS(before=now - 6 * KEPT))
