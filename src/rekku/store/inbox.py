"""The inbox: every message that was accepted, until it is dealt with."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update

from rekku.core.clock import Clock
from rekku.core.database import Database, Statement, Write, insert_or_ignore
from rekku.core.message import Attachment, Conversation, Message
from rekku.store.codec import dump_message, load_message
from rekku.store.schema import ATTACHMENTS, INBOX

LEASE = timedelta(seconds=60)
OPEN = ("waiting", "deferred", "ending")

_row = INBOX.c
ADD = Statement(insert_or_ignore(INBOX))
_FILE = ("inbox_id", "number", "kind", "name", "mime", "data")
ADD_ATTACHMENT = Statement(
    insert(ATTACHMENTS).from_select(
        _FILE,
        select(*(bindparam(f"new_{name}", type_=ATTACHMENTS.c[name].type) for name in _FILE)).where(
            _row.id == bindparam("new_inbox_id")
        ),
    )
)
ATTACHED = Statement(
    select(ATTACHMENTS.c.kind, ATTACHMENTS.c.name, ATTACHMENTS.c.mime, ATTACHMENTS.c.data)
    .where(ATTACHMENTS.c.inbox_id == bindparam("inbox_id"))
    .order_by(ATTACHMENTS.c.number)
)
MINE = Statement(select(INBOX).where(_row.status.in_(OPEN), _row.owner == bindparam("me")).order_by(_row.id))
CLAIM_OWN = Statement(
    update(INBOX).where(_row.status.in_(OPEN), _row.owner == bindparam("me")).values(lease_until=bindparam("until"))
)
CLAIM_LEFT = Statement(
    update(INBOX)
    .where(_row.status.in_(OPEN), _row.owner != bindparam("me"), _row.lease_until < bindparam("now"))
    .values(owner=bindparam("me"), lease_until=bindparam("until"))
)
RENEW = Statement(
    update(INBOX).where(_row.status.in_(OPEN), _row.owner == bindparam("me")).values(lease_until=bindparam("until"))
)
INTERRUPTED = Statement(
    select(INBOX)
    .where(_row.status == "command", _row.owner == bindparam("me"), _row.id < bindparam("before"))
    .order_by(_row.id)
)
EXPIRED = Statement(select(_row.id).where(_row.status.in_(OPEN), _row.lease_until < bindparam("now")).limit(1))
SET_STATUS = Statement(update(INBOX).where(_row.id == bindparam("row")).values(status=bindparam("to")))
SET_TRIES = Statement(update(INBOX).where(_row.id == bindparam("row")).values(tries=bindparam("count")))
NO_TRIES = Statement(
    update(INBOX).where(_row.status.in_(OPEN), _row.owner == bindparam("me"), _row.tries > 0).values(tries=0)
)
SET_TURN = Statement(update(INBOX).where(_row.id == bindparam("row")).values(turn_id=bindparam("turn")))
DEFER = Statement(
    update(INBOX)
    .where(_row.id == bindparam("row"), _row.status.in_(OPEN))
    .values(status="deferred", not_before=bindparam("when"))
)
FIND = Statement(select(INBOX).where(_row.message_key == bindparam("key")))
CORRECTED = Statement(update(INBOX).where(_row.id == bindparam("row")).values(body=bindparam("words")))
LAST_ID = Statement(select(_row.id).order_by(_row.id.desc()).limit(1))
COUNT = Statement(select(_row.status).where(_row.status.in_(OPEN)))
OLD = Statement(
    delete(INBOX).where(_row.status.notin_(OPEN), _row.id < bindparam("before")),
)
OLD_ATTACHMENTS = Statement(delete(ATTACHMENTS).where(ATTACHMENTS.c.inbox_id < bindparam("before")))


@dataclass(frozen=True, slots=True)
class Entry:
    """An accepted message on its way."""

    id: int
    message: Message
    person_id: str
    received_at: datetime
    status: str = "waiting"
    not_before: datetime | None = None
    turn_id: int | None = None
    tries: int = 0
    """The number of the try of a turn that was left behind by a process; 0 if it was not."""

    @property
    def conversation(self) -> Conversation:
        """Where it is answered."""
        return self.message.conversation


class InboxStore:
    """The inbox table. `me` is the id of this installation; its rows are its own as long as it renews its lease."""

    def __init__(self, database: Database, clock: Clock, me: str) -> None:
        self._db = database
        self._clock = clock
        self._me = me

    def added(self, entry: Entry) -> list[Write]:
        """The writes that keep a new entry; the first matches no row if the platform delivered it before."""
        message = entry.message
        row = ADD(
            id=entry.id,
            interface=message.conversation.interface,
            chat_id=message.conversation.chat_id,
            thread_id=message.conversation.thread_id,
            message_key=message_key(message, entry.id),
            person_id=entry.person_id,
            status=entry.status,
            body=dump_message(message),
            received_at=entry.received_at,
            not_before=entry.not_before,
            turn_id=None,
            tries=0,
            owner=self._me,
            lease_until=entry.received_at + LEASE,
        )
        return [row, *self._attachments(entry.id, message.attachments)]

    async def claim(self, *, first: bool = False) -> list[Entry]:
        """What is open and ours, with what nobody looks after any more; each with one try more than was counted.
        `first` is the one time after a start, when the lease of what was ours before may have run out."""
        now = self._clock.now()
        left = CLAIM_LEFT(me=self._me, now=now, until=now + LEASE)
        await self._db.write(left, *([CLAIM_OWN(me=self._me, until=now + LEASE)] if first else []))
        return [await self._entry(row) for row in await self._db.fetch(MINE, me=self._me)]

    async def find(self, message: Message) -> Entry | None:
        """What was kept of a message when it arrived, by its id on the platform; None if it never did."""
        rows = await self._db.fetch(FIND, key=message_key(message, 0)) if message.message_id else []
        return await self._entry(rows[0]) if rows else None

    def corrected(self, number: int, message: Message) -> Write:
        """The write that makes an entry say what its message says now."""
        return CORRECTED(row=number, words=dump_message(message))

    async def interrupted(self, before: int) -> list[Entry]:
        """The commands of ours, of numbers below `before`, that were begun and not answered."""
        return [await self._entry(row) for row in await self._db.fetch(INTERRUPTED, me=self._me, before=before)]

    async def renew(self) -> bool:
        """Renew the lease of what is ours; True if somebody else's lease has run out."""
        now = self._clock.now()
        await self._db.write(RENEW(me=self._me, until=now + LEASE))
        return bool(await self._db.fetch(EXPIRED, now=now))

    async def forgive(self) -> None:
        """Count no tries for what is open: the process ends as it should, so no message has made it die."""
        await self._db.write(NO_TRIES(me=self._me))

    async def waiting(self) -> int:
        """How many messages are open."""
        return len(await self._db.fetch(COUNT))

    async def last_id(self) -> int:
        """The largest id, 0 if there is none."""
        rows = await self._db.fetch(LAST_ID)
        return rows[0].id if rows else 0

    async def _entry(self, row: Any) -> Entry:
        conversation = Conversation(row.interface, row.chat_id, row.thread_id)
        files = tuple(Attachment(*file) for file in await self._db.fetch(ATTACHED, inbox_id=row.id))
        message = load_message(conversation, row.body, files)
        return Entry(
            row.id, message, row.person_id, row.received_at, row.status, row.not_before, row.turn_id, row.tries + 1
        )

    def _attachments(self, inbox_id: int, files: Iterable[Attachment]) -> list[Write]:
        return [
            ADD_ATTACHMENT(
                new_inbox_id=inbox_id, new_number=n, new_kind=f.kind, new_name=f.name, new_mime=f.mime, new_data=f.data
            )
            for n, f in enumerate(files)
        ]


def ended(entries: Iterable[Entry], status: str) -> list[Write]:
    """The writes that give entries their last status."""
    return [SET_STATUS(row=entry.id, to=status) for entry in entries]


def tried(entries: Iterable[Entry]) -> list[Write]:
    """The writes that count the try that begins."""
    return [SET_TRIES(row=entry.id, count=entry.tries) for entry in entries]


def joined(entries: Iterable[Entry], turn_id: int) -> list[Write]:
    """The writes that tell entries which turn answers them, where it is not their own."""
    return [SET_TURN(row=entry.id, turn=turn_id) for entry in entries if entry.id != turn_id]


def deferred(entry: Entry, until: datetime) -> tuple[Entry, Write]:
    """An entry put off, and the write that keeps it so."""
    return replace(entry, status="deferred", not_before=until), DEFER(row=entry.id, when=until)


def message_key(message: Message, number: int) -> str:
    """The same for each delivery of the same message, and only for these."""
    if not message.message_id:
        return f"id:{number}"
    where = message.conversation
    parts = "\0".join((where.interface, where.chat_id, where.thread_id, message.message_id))
    return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()
