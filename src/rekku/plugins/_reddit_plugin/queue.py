"""The queue: what waits to go out to Reddit, and what became of it."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Index, Integer, and_, bindparam, delete, or_, select, update

from rekku.core.database import Database, Instant, Key, LongText, Schema, Statement, Step, insert_or_ignore, table
from rekku.core.message import Conversation
from rekku.core.text import one_line

LEASE = timedelta(seconds=180)
"""How long a wish may be on its way; after that whoever sees it finds out what became of it."""

KEPT = timedelta(days=90)
"""How long it is remembered what was posted."""

LONGEST_TITLE = 80

QUEUE = table(
    "reddit_queue",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("wish", Key, nullable=False, unique=True),
    Column("person_id", Key, nullable=False),
    Column("interface", Key, nullable=False),
    Column("chat_id", Key, nullable=False),
    Column("thread_id", Key, nullable=False),
    Column("direct", Integer, nullable=False),
    Column("action", Key, nullable=False),
    Column("payload", LongText, nullable=False),
    Column("image", LongText, nullable=False),
    Column("status", Key, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("thing", Key, nullable=False),
    Column("link", LongText, nullable=False),
    Column("note", LongText, nullable=False),
    Column("told", Integer, nullable=False),
    Index("reddit_queue_due", "status", "due_at"),
    Index("reddit_queue_person", "person_id"),
)
SCHEMA = Schema("reddit_plugin", Step(1, "the queue", lambda steps: steps.create(QUEUE)))

_row = QUEUE.c
_ADDED = [c.name for c in QUEUE.columns if c.name != "id"]
_SHORT = [c for c in QUEUE.columns if c.name != "image"]
ADD = Statement(insert_or_ignore(QUEUE), columns=_ADDED)
BY_WISH = Statement(select(*_SHORT).where(_row.wish == bindparam("key")))
BY_NUMBER = Statement(select(*_SHORT).where(_row.id == bindparam("number")))
WHOLE = Statement(select(QUEUE).where(_row.id == bindparam("number")))
DUE = Statement(
    select(_row.id, _row.status)
    .where(_row.status.in_(("waiting", "sending")), _row.due_at <= bindparam("now"))
    .order_by(_row.due_at, _row.id)
    .limit(50)
)
OPEN = Statement(select(_row.id, _row.due_at).where(_row.status.in_(("waiting", "sending"))))
WAITING_OF = Statement(
    select(*_SHORT)
    .where(_row.status == "waiting", _row.person_id == bindparam("who"))
    .order_by(_row.id.desc())
    .limit(1)
)
CLAIM = Statement(
    update(QUEUE)
    .where(_row.id == bindparam("number"), _row.status == bindparam("was"), _row.due_at <= bindparam("now"))
    .values(status="sending", due_at=bindparam("until"))
)
UNDO = Statement(
    update(QUEUE).where(_row.id == bindparam("number"), _row.status == "waiting").values(status="undone", image="")
)
AGAIN = Statement(
    update(QUEUE)
    .where(_row.id == bindparam("number"))
    .values(status=bindparam("to"), due_at=bindparam("when"), attempts=bindparam("count"))
)
SETTLE = Statement(
    update(QUEUE)
    .where(_row.id == bindparam("number"))
    .values(
        status=bindparam("to"),
        thing=bindparam("made"),
        link=bindparam("where"),
        note=bindparam("words"),
        image="",
        told=0,
    )
)
TOLD = Statement(update(QUEUE).where(_row.id == bindparam("number")).values(told=1))
UNTOLD = Statement(select(*_SHORT).where(_row.told == 0, _row.status.in_(("done", "failed", "unknown"))))
LATELY = Statement(select(*_SHORT).order_by(_row.id.desc()).limit(10))
LATELY_FOR = Statement(
    select(*_SHORT)
    .where(or_(_row.status == "done", _row.person_id == bindparam("who")))
    .order_by(_row.id.desc())
    .limit(10)
)
LATELY_HERE = Statement(
    select(*_SHORT)
    .where(
        or_(
            _row.status == "done",
            and_(
                _row.person_id == bindparam("who"),
                _row.interface == bindparam("i"),
                _row.chat_id == bindparam("c"),
                or_(_row.thread_id == "", _row.thread_id == bindparam("t")),
            ),
        )
    )
    .order_by(_row.id.desc())
    .limit(10)
)
THINGS = Statement(select(_row.thing).where(_row.thing.in_(bindparam("things", expanding=True))))
OF_PERSON = Statement(select(_row.id).where(_row.person_id == bindparam("who")))
HAND_OVER = Statement(update(QUEUE).where(_row.person_id == bindparam("old")).values(person_id=bindparam("new")))
ERASE = Statement(delete(QUEUE).where(_row.person_id == bindparam("who")))
OLD = Statement(delete(QUEUE).where(_row.status.notin_(("waiting", "sending")), _row.created_at < bindparam("before")))


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing to do at Reddit. `status` is waiting, sending, done, failed, unknown or undone.

    `due_at` is when it goes out, or, while it is being sent, when somebody has to look after it. `thing` is Reddit's
    id of what it made or changed; `note` says how it ended. `round` counts how often the model had put it right before.
    """

    id: int
    person_id: str
    chat: Conversation
    direct: bool
    action: str
    payload: Mapping[str, Any]
    status: str
    due_at: datetime
    created_at: datetime
    attempts: int = 0
    round: int = 0
    thing: str = ""
    link: str = ""
    note: str = ""
    image: bytes = b""

    @property
    def makes_something(self) -> bool:
        """Whether doing it twice would be seen."""
        return self.action in ("reddit_post", "reddit_comment")

    @property
    def title(self) -> str:
        """What it is, for people."""
        match self.action:
            case "reddit_post":
                return f"the post “{one_line(self.payload['title'], LONGEST_TITLE)}” in r/{self.payload['subreddit']}"
            case "reddit_comment":
                return f"the comment “{one_line(self.payload['text'], LONGEST_TITLE)}” on {self.payload['target']}"
            case "reddit_edit":
                return f"the edit of {self.payload['target']}"
        return f"the deletion of {self.payload['target']}"


class Queue:
    """The table of wishes."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def add(self, wish: Wish, key: str) -> Wish:
        """Keep a wish; one with the same key is kept once. Returns it with its number."""
        write = ADD(
            wish=key,
            person_id=wish.person_id,
            interface=wish.chat.interface,
            chat_id=wish.chat.chat_id,
            thread_id=wish.chat.thread_id,
            direct=int(wish.direct),
            action=wish.action,
            payload=json.dumps(dict(wish.payload)),
            image=base64.b64encode(wish.image).decode(),
            status=wish.status,
            due_at=wish.due_at,
            created_at=wish.created_at,
            attempts=0,
            round=wish.round,
            thing="",
            link="",
            note="",
            told=1,
        )
        await self._db.write(write)
        return _wish((await self._db.fetch(BY_WISH, key=key))[0])

    async def get(self, number: int, *, whole: bool = False) -> Wish | None:
        """One wish; `whole` with its picture."""
        rows = await self._db.fetch(WHOLE if whole else BY_NUMBER, number=number)
        return _wish(rows[0]) if rows else None

    async def due(self, now: datetime) -> list[tuple[int, str]]:
        """Numbers and statuses of what has to be looked after now."""
        return [(row.id, row.status) for row in await self._db.fetch(DUE, now=now)]

    async def open(self) -> list[datetime]:
        """When each wish that is not settled has to be looked after."""
        return [row.due_at for row in await self._db.fetch(OPEN)]

    async def claim(self, number: int, was: str, now: datetime) -> bool:
        """Take a due wish; False if another process, or an undo, was faster."""
        return (await self._db.write(CLAIM(number=number, was=was, now=now, until=now + LEASE)))[0] == 1

    async def undo(self, number: int) -> bool:
        """Take a waiting wish back; False if it does not wait any more."""
        return (await self._db.write(UNDO(number=number)))[0] == 1

    async def last_waiting(self, person_id: str) -> Wish | None:
        """The newest wish of a person that waits."""
        rows = await self._db.fetch(WAITING_OF, who=person_id)
        return _wish(rows[0]) if rows else None

    async def again(self, wish: Wish, to: str, when: datetime) -> None:
        """Look after it later, as `waiting` (send it) or `sending` (find out what became of it)."""
        await self._db.write(AGAIN(number=wish.id, to=to, when=when, count=wish.attempts + 1))

    async def settle(self, wish: Wish, to: str, note: str, thing: str = "", link: str = "") -> None:
        """Note how it ended, and in which words it will be told."""
        await self._db.write(SETTLE(number=wish.id, to=to, words=note, made=thing, where=link))

    async def told(self, wish: Wish) -> None:
        """Note that its outcome was told."""
        await self._db.write(TOLD(number=wish.id))

    async def untold(self) -> list[Wish]:
        """What ended, and nobody was told."""
        return [_wish(row) for row in await self._db.fetch(UNTOLD)]

    async def lately(self, person_id: str | None, here: Conversation | None = None) -> list[Wish]:
        """The last ten wishes, newest first: what is public and that person's own, or (None) everybody's; with `here`
        (a chat where others read along) of their own only those that were made there."""
        if person_id is None:
            return [_wish(row) for row in await self._db.fetch(LATELY)]
        if here is not None:
            rows = await self._db.fetch(LATELY_HERE, who=person_id, i=here.interface, c=here.chat_id, t=here.thread_id)
            return [_wish(row) for row in rows]
        return [_wish(row) for row in await self._db.fetch(LATELY_FOR, who=person_id)]

    async def known(self, things: Sequence[str]) -> set[str]:
        """Which of these the table knows as its own doing."""
        return {row.thing for row in await self._db.fetch(THINGS, things=list(things))} if things else set()

    async def forget(self, person_id: str, dry_run: bool) -> int:
        """Erase a person's wishes, or count them."""
        rows = await self._db.fetch(OF_PERSON, who=person_id)
        if not dry_run:
            await self._db.write(ERASE(who=person_id))
        return len(rows)

    async def hand_over(self, old: str, new: str) -> None:
        """A person's wishes belong to another from now on."""
        await self._db.write(HAND_OVER(old=old, new=new))

    async def tidy(self, now: datetime) -> None:
        """Erase what ended long ago."""
        await self._db.write(OLD(before=now - KEPT))


def _wish(row: Any) -> Wish:
    image = getattr(row, "image", "")
    return Wish(
        id=row.id,
        person_id=row.person_id,
        chat=Conversation(row.interface, row.chat_id, row.thread_id),
        direct=bool(row.direct),
        action=row.action,
        payload=json.loads(row.payload),
        status=row.status,
        due_at=row.due_at,
        created_at=row.created_at,
        attempts=row.attempts,
        round=row.round,
        thing=row.thing,
        link=row.link,
        note=row.note,
        image=base64.b64decode(image),
    )
