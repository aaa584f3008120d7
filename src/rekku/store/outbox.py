"""The outbox: every message that was promised, until it is delivered."""

from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import bindparam, delete, exists, or_, select, update

from rekku.core.clock import Clock
from rekku.core.database import Database, Statement, Write, insert_or_ignore
from rekku.core.message import Conversation
from rekku.store.codec import dump, load
from rekku.store.outgoing import Outgoing, outgoing_of
from rekku.store.schema import INBOX, OUTBOX

LEASE = timedelta(seconds=60)
STRANDED = timedelta(minutes=10)
"""An interface that no process has had for so long is not there."""
OPEN = ("queued", "sending")
WHERE = ("interface", "chat_id", "thread_id", "extra")
LOOKED_AT = 200
"""How many of the last messages to a chat people may still react to."""

_row = OUTBOX.c
ADD = Statement(insert_or_ignore(OUTBOX))
FILL = Statement(
    update(OUTBOX)
    .where(_row.id == bindparam("row"))
    .values(status=bindparam("to"), text=bindparam("words"), extra=bindparam("more"), turn_id=bindparam("turn"))
)
SENT = Statement(
    update(OUTBOX)
    .where(_row.id == bindparam("row"))
    .values(status=bindparam("to"), platform_id=bindparam("platform"), sent_at=bindparam("now"), error="")
)
PROGRESSED = Statement(
    update(OUTBOX)
    .where(_row.id == bindparam("row"))
    .values(progress=bindparam("pieces"), platform_id=bindparam("platform"))
)
FAILED = Statement(
    update(OUTBOX)
    .where(_row.id == bindparam("row"))
    .values(status=bindparam("to"), error=bindparam("why"), attempts=bindparam("count"))
)
MOVED = Statement(
    update(OUTBOX)
    .where(_row.id == bindparam("row"), _row.status.in_(OPEN))
    .values(platform_id="", progress=None, **{name: bindparam(f"new_{name}") for name in WHERE})
)
CLAIM = Statement(
    update(OUTBOX)
    .where(
        _row.status.in_(OPEN),
        _row.interface == bindparam("here"),
        or_(_row.owner == bindparam("me"), _row.lease_until <= bindparam("now")),
    )
    .values(owner=bindparam("me"), lease_until=bindparam("until"))
)
CLAIM_STRANDED = Statement(
    update(OUTBOX)
    .where(
        _row.status.in_(OPEN),
        _row.lease_until <= bindparam("long_ago"),
        _row.interface.notin_(bindparam("here", expanding=True)),
        _row.extra.like('%"person_id":%'),
    )
    .values(owner=bindparam("me"), lease_until=bindparam("until"))
)
RELEASE = Statement(update(OUTBOX).where(_row.id == bindparam("row")).values(owner="", lease_until=bindparam("now")))
RENEW = Statement(
    update(OUTBOX).where(_row.status.in_(OPEN), _row.owner == bindparam("me")).values(lease_until=bindparam("until"))
)
EXPIRED = Statement(select(_row.id).where(_row.status.in_(OPEN), _row.lease_until <= bindparam("now")).limit(1))
MINE = Statement(select(OUTBOX).where(_row.status.in_(OPEN), _row.owner == bindparam("me")).order_by(_row.id))
DRAFTS = Statement(select(OUTBOX).where(_row.status == "draft", _row.turn_id == bindparam("turn")).order_by(_row.id))
OF_TURN = Statement(select(OUTBOX).where(_row.turn_id == bindparam("turn")).order_by(_row.id))
LAST_TURN = Statement(
    select(_row.turn_id)
    .where(
        _row.interface == bindparam("interface"),
        _row.chat_id == bindparam("chat_id"),
        _row.thread_id == bindparam("thread_id"),
        exists().where(
            INBOX.c.id == _row.turn_id,
            INBOX.c.interface == _row.interface,
            INBOX.c.chat_id == _row.chat_id,
            INBOX.c.thread_id == _row.thread_id,
        ),
    )
    .order_by(_row.id.desc())
    .limit(1)
)
LAST_OF_CHAT = Statement(
    select(_row.platform_id, _row.progress, _row.text, _row.thread_id, _row.turn_id)
    .where(_row.interface == bindparam("interface"), _row.chat_id == bindparam("chat_id"))
    .order_by(_row.id.desc())
    .limit(bindparam("most"))
)
LAST_ID = Statement(select(_row.id).order_by(_row.id.desc()).limit(1))
COUNT = Statement(select(_row.id).where(_row.status.in_(OPEN)))
OLD = Statement(delete(OUTBOX).where(_row.status.notin_(OPEN), _row.id < bindparam("before")))


class OutboxStore:
    """The outbox table."""

    def __init__(self, database: Database, clock: Clock, me: str) -> None:
        self._db = database
        self._clock = clock
        self._me = me

    def added(self, message: Outgoing) -> Write:
        """The write that keeps a message; one that was drafted has its row already."""
        if message.drafted:
            return FILL(
                row=message.id, to=message.status, words=message.text, more=message.extra(), turn=message.turn_id
            )
        return ADD(
            id=message.id,
            turn_id=message.turn_id,
            interface=message.to.interface,
            chat_id=message.to.chat_id,
            thread_id=message.to.thread_id,
            status=message.status,
            text=message.text,
            extra=message.extra(),
            platform_id=message.platform_id,
            attempts=0,
            created_at=message.created_at,
            sent_at=None,
            error="",
            owner=self._me,
            lease_until=message.created_at + LEASE,
            progress=None,
        )

    def progressed(self, message: Outgoing) -> Write:
        """The write that keeps which pieces of a message were sent."""
        return PROGRESSED(row=message.id, pieces=dump(message.pieces), platform=message.platform_id)

    def moved(self, message: Outgoing) -> Write:
        """The write that lets a message go to another chat, from its beginning."""
        where = (message.to.interface, message.to.chat_id, message.to.thread_id, message.extra())
        return MOVED(row=message.id, **{f"new_{name}": value for name, value in zip(WHERE, where, strict=True)})

    def sent(self, message: Outgoing, status: str = "sent") -> Write:
        """The write that says that a message arrived (or that a draft can be seen)."""
        return SENT(row=message.id, to=status, platform=message.platform_id, now=self._clock.now())

    async def claim(self, interfaces: Iterable[str]) -> list[Outgoing]:
        """Take over what these interfaces have to deliver: this installation's, and what nobody looks after now."""
        now = self._clock.now()
        writes = [CLAIM(here=interface, me=self._me, now=now, until=now + LEASE) for interface in interfaces]
        if not writes:
            return []
        await self._db.write(*writes)
        return [outgoing_of(row) for row in await self._db.fetch(MINE, me=self._me)]

    async def claim_stranded(self, interfaces: Iterable[str]) -> list[Outgoing]:
        """Take over what may go elsewhere and is for an interface that no process has had for a while."""
        now, here = self._clock.now(), [*interfaces]
        claim = CLAIM_STRANDED(me=self._me, here=here, long_ago=now - STRANDED, until=now + LEASE)
        if not here or not (await self._db.write(claim))[0]:
            return []
        mine = [outgoing_of(row) for row in await self._db.fetch(MINE, me=self._me)]
        return [message for message in mine if message.person_id and message.to.interface not in here]

    def released(self, message: Outgoing) -> Write:
        """The write that leaves a message to whoever has its interface."""
        return RELEASE(row=message.id, now=self._clock.now())

    async def renew(self) -> bool:
        """Renew the lease of what is ours; True if there is something that nobody looks after."""
        now = self._clock.now()
        await self._db.write(RENEW(me=self._me, until=now + LEASE))
        return bool(await self._db.fetch(EXPIRED, now=now))

    async def drafts(self, turn_id: int) -> list[Outgoing]:
        """What a turn showed before the process ended."""
        return [outgoing_of(row) for row in await self._db.fetch(DRAFTS, turn=turn_id)]

    async def of_turn(self, turn_id: int) -> list[Outgoing]:
        """Everything that a turn sent or will send."""
        return [outgoing_of(row) for row in await self._db.fetch(OF_TURN, turn=turn_id)]

    async def last_turn(self, where: Conversation) -> int | None:
        """The turn of the last message to a conversation, of those that were asked there."""
        rows = await self._db.fetch(
            LAST_TURN, interface=where.interface, chat_id=where.chat_id, thread_id=where.thread_id
        )
        return rows[0].turn_id if rows else None

    async def said(self, where: Conversation, platform_id: str) -> tuple[Conversation, str] | None:
        """What a message with this id on its platform says, and in which thread, if it is one of Rekku's last in a
        chat; else None."""
        rows = await self._db.fetch(LAST_OF_CHAT, interface=where.interface, chat_id=where.chat_id, most=LOOKED_AT)
        for row in rows:
            if platform_id and (platform_id == row.platform_id or platform_id in load(row.progress or "[]")):
                return Conversation(where.interface, where.chat_id, row.thread_id), str(row.text)
        return None

    async def turn_of(self, where: Conversation, platform_id: str) -> int | None:
        """The turn that said a message with this id on its platform, if it is one of Rekku's last in a chat."""
        rows = await self._db.fetch(LAST_OF_CHAT, interface=where.interface, chat_id=where.chat_id, most=LOOKED_AT)
        for row in rows:
            if platform_id and (platform_id == row.platform_id or platform_id in load(row.progress or "[]")):
                return None if row.turn_id is None else int(row.turn_id)
        return None

    async def waiting(self) -> int:
        """How many messages are not delivered yet."""
        return len(await self._db.fetch(COUNT))

    async def last_id(self) -> int:
        """The largest id, 0 if there is none."""
        rows = await self._db.fetch(LAST_ID)
        return rows[0].id if rows else 0


def failed(message: Outgoing, status: str, why: str) -> Write:
    """The write that says that a message did not arrive, for now (queued) or for good."""
    return FAILED(row=message.id, to=status, why=why, count=message.attempts)
