"""Access tokens: how other programs prove for whom they speak. Only a hash of each is kept."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from rekku.core.clock import Clock
from rekku.core.database import Database, Statement
from rekku.interface.webui.sessions import hashed
from rekku.interface.webui.tables import TOKENS

PREFIX = "rekku-"
LONGEST = 200
NOTED = timedelta(minutes=1)

_row = TOKENS.c
ADD = Statement(insert(TOKENS))
ALL = Statement(select(TOKENS).order_by(_row.created_at))
ONE = Statement(select(TOKENS).where(_row.secret == bindparam("hash")))
USED = Statement(update(TOKENS).where(_row.id == bindparam("token")).values(used_at=bindparam("now")))
END = Statement(delete(TOKENS).where(_row.id == bindparam("token")))


@dataclass(frozen=True, slots=True)
class Token:
    """A token; `user_id` is the account on the web page whose rights it has, `secret` a hash."""

    id: str
    name: str
    user_id: str
    secret: str
    created_at: datetime
    used_at: datetime | None = None


class Tokens:
    """All tokens."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._db = database
        self._clock = clock

    async def make(self, token_id: str, name: str, user_id: str) -> str:
        """A new token; its text, which is shown once and kept nowhere."""
        text = PREFIX + secrets.token_urlsafe(32)
        row = Token(token_id, name, user_id, hashed(text), self._clock.now())
        await self._db.write(ADD(**{column: getattr(row, column) for column in Token.__slots__}))
        return text

    async def find(self, text: str) -> Token | None:
        """The token with this text, if it is still good."""
        if not text.startswith(PREFIX) or len(text) > LONGEST:
            return None
        rows = await self._db.fetch(ONE, hash=hashed(text))
        if not rows:
            return None
        token, now = Token(*rows[0]), self._clock.now()
        if token.used_at is None or now - token.used_at >= NOTED:
            await self._db.write(USED(token=token.id, now=now))
            token = replace(token, used_at=now)
        return token

    async def all(self) -> list[Token]:
        """Every token, the oldest first."""
        return [Token(*row) for row in await self._db.fetch(ALL)]

    async def end(self, token_id: str) -> None:
        """It is good no more."""
        await self._db.write(END(token=token_id))
