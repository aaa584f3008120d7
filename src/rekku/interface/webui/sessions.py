"""Who is logged in: sessions on the server, found by a cookie, which can be ended at any time."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from rekku.core.clock import Clock
from rekku.core.database import Database, Statement
from rekku.interface.webui.tables import SESSIONS

OWNER, GUEST = "owner", "guest"
IDLE = timedelta(days=7)
ABSOLUTE = timedelta(days=30)
NOTED = timedelta(minutes=1)
"""How exactly it is known when a session was last used."""
LONGEST_AGENT = 200

_row = SESSIONS.c
ADD = Statement(insert(SESSIONS))
ALL = Statement(select(SESSIONS).order_by(_row.seen_at.desc()))
ONE = Statement(select(SESSIONS).where(_row.id == bindparam("session")))
SEEN = Statement(update(SESSIONS).where(_row.id == bindparam("session")).values(seen_at=bindparam("now")))
END = Statement(delete(SESSIONS).where(_row.id == bindparam("session")))
END_OF_USER = Statement(delete(SESSIONS).where(_row.user_id == bindparam("user")))
END_OLD = Statement(delete(SESSIONS).where((_row.seen_at < bindparam("idle")) | (_row.created_at < bindparam("born"))))


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in. `id` is a hash of the cookie, which is known to the browser alone."""

    id: str
    kind: str
    user_id: str
    csrf: str
    agent: str
    created_at: datetime
    seen_at: datetime

    @property
    def is_owner(self) -> bool:
        """Whether it is the owner."""
        return self.kind == OWNER

    def is_over(self, now: datetime) -> bool:
        """Whether it was not used for too long, or is too old."""
        return now - self.seen_at > IDLE or now - self.created_at > ABSOLUTE


class Sessions:
    """All sessions. `ended` is called with the id of each that ends."""

    def __init__(self, database: Database, clock: Clock, ended: Callable[[str], None]) -> None:
        self._db = database
        self._clock = clock
        self._ended = ended
        self._known: dict[str, Session] = {}

    async def open(self, kind: str, user_id: str, agent: str) -> tuple[str, Session]:
        """Begin a session; the cookie's value, and the session."""
        now = self._clock.now()
        cookie = secrets.token_urlsafe(32)
        session = Session(hashed(cookie), kind, user_id, secrets.token_urlsafe(24), agent[:LONGEST_AGENT], now, now)
        values = {name: getattr(session, name) for name in Session.__slots__}
        await self._db.write(END_OLD(idle=now - IDLE, born=now - ABSOLUTE), ADD(**values))
        self._known[session.id] = session
        return cookie, session

    async def find(self, cookie: str) -> Session | None:
        """The session of a cookie, if it is still good."""
        if not cookie or len(cookie) > 100:
            return None
        return await self.current(hashed(cookie))

    async def current(self, session_id: str, *, used: bool = True) -> Session | None:
        """The session as it is now; None if it has ended. That a page is open (`used` False) does not lengthen it."""
        now = self._clock.now()
        session = self._known.get(session_id)
        if session is None or now - session.seen_at >= NOTED:
            rows = await self._db.fetch(ONE, session=session_id)
            session = Session(*rows[0]) if rows else None
        if session is None or session.is_over(now):
            self._forget(session_id)
            return None
        if used and now - session.seen_at >= NOTED:
            session = replace(session, seen_at=now)
            await self._db.write(SEEN(session=session_id, now=now))
        self._known[session_id] = session
        return session

    async def all(self) -> list[Session]:
        """Every session that is good, the last used first."""
        now = self._clock.now()
        found = [Session(*row) for row in await self._db.fetch(ALL)]
        return [session for session in found if not session.is_over(now)]

    async def end(self, session_id: str) -> None:
        """End a session."""
        await self._db.write(END(session=session_id))
        self._forget(session_id)

    async def end_all_of(self, user_id: str) -> None:
        """End all sessions of a user."""
        gone = [Session(*row).id for row in await self._db.fetch(ALL) if row.user_id == user_id]
        await self._db.write(END_OF_USER(user=user_id))
        for session_id in gone:
            self._forget(session_id)

    def _forget(self, session_id: str) -> None:
        self._known.pop(session_id, None)
        self._ended(session_id)


def hashed(secret: str) -> str:
    """What is kept of a random secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
