"""The conversation as it stands on the page: each line with its place, each change with a number that grows."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from rekku.core.clock import Clock
from rekku.core.database import Database, Statement, Transaction
from rekku.interface.webui.hub import Client, Hub
from rekku.interface.webui.tables import LINES

ME, REKKU = "me", "rekku"
DRAFT, FINAL, GONE = "draft", "final", "gone"
AT_ONCE = 50
"""Lines that a page gets at first, and with each look further back."""
MOST_MISSED = 300
"""Changes after which a page that comes back starts anew."""

_row = LINES.c
HERE = _row.chat_id == bindparam("chat")
LAST = Statement(select(func.max(_row.number).label("number"), func.max(_row.seq).label("seq")).where(HERE))
ONE = Statement(select(LINES).where(HERE, _row.message_id == bindparam("message")))
ADD = Statement(insert(LINES))
CHANGE = Statement(
    update(LINES)
    .where(HERE, _row.message_id == bindparam("message"))
    .values(seq=bindparam("next"), state=bindparam("now"), text=bindparam("words"), extra=bindparam("more"))
)
AFTER = Statement(select(LINES).where(HERE, _row.seq > bindparam("after")).order_by(_row.seq).limit(bindparam("most")))
BEFORE = Statement(
    select(LINES)
    .where(HERE, _row.number < bindparam("before"), _row.state != GONE)
    .order_by(_row.number.desc())
    .limit(bindparam("most"))
)
COUNT = Statement(select(func.count().label("count")).where(HERE))
ERASE = Statement(delete(LINES).where(HERE))
HIGHEST = 2**62


@dataclass(frozen=True, slots=True)
class Line:
    """One message on the page. `extra` holds files, choices, the message that it answers, a reaction."""

    number: int
    seq: int
    id: str
    sender: str
    state: str
    text: str
    at: datetime
    extra: dict[str, Any] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """What a page gets."""
        return {
            "n": self.number,
            "seq": self.seq,
            "id": self.id,
            "from": self.sender,
            "state": self.state,
            "text": self.text,
            "at": self.at.isoformat(),
            **self.extra,
        }


class Lines:
    """What stands in each chat. Changes are told to the open pages in the order of their numbers."""

    def __init__(self, database: Database, clock: Clock, hub: Hub) -> None:
        self._db = database
        self._clock = clock
        self._hub = hub
        self._order = asyncio.Lock()
        self._drafts: dict[tuple[str, str], str] = {}

    async def add(
        self, chat_id: str, message_id: str, sender: str, text: str, *, state: str = FINAL, **extra: Any
    ) -> bool:
        """Add a line, or let the one with this id say this; False if it says so already."""
        told = {name: value for name, value in extra.items() if value}

        async def work(transaction: Transaction) -> Line | None:
            rows = await transaction.fetch(ONE, chat=chat_id, message=message_id)
            if not rows:
                return await self._insert(transaction, chat_id, message_id, sender, state, text, told)
            old = _line(rows[0])
            if state == DRAFT or (old.state, old.text, old.extra) == (state, text, told):
                return None
            return await self._change(transaction, chat_id, old, state, text, told)

        return await self._in_order(chat_id, work) is not None

    async def edit(self, chat_id: str, message_id: str, text: str, **extra: Any) -> bool:
        """Let a line say something else, for good; a line that is not there is added as one of Rekku's."""
        return await self.add(chat_id, message_id, REKKU, text, **extra)

    async def put(self, chat_id: str, message_id: str, **extra: Any) -> None:
        """Note something more about a line; nothing if it is not there."""

        async def work(transaction: Transaction) -> Line | None:
            rows = await transaction.fetch(ONE, chat=chat_id, message=message_id)
            if not rows:
                return None
            old = _line(rows[0])
            return await self._change(transaction, chat_id, old, old.state, old.text, {**old.extra, **extra})

        await self._in_order(chat_id, work)

    def draft(self, chat_id: str, message_id: str, text: str) -> None:
        """Show what a line says that is still being written."""
        self._drafts[chat_id, message_id] = text
        self._hub.tell(chat_id, {"type": "draft", "id": message_id, "text": text})

    async def remove(self, chat_id: str, message_id: str) -> None:
        """Take a line off the page."""

        async def work(transaction: Transaction) -> Line | None:
            rows = await transaction.fetch(ONE, chat=chat_id, message=message_id)
            return await self._change(transaction, chat_id, _line(rows[0]), GONE, "", {}) if rows else None

        await self._in_order(chat_id, work)

    async def show(self, client: Client, after: int) -> bool:
        """Send a page all that changed after a number (0: the last lines) and from then on every change; False if
        there are too many pages."""
        async with self._order:
            rows, anew = await self._missed(client.chat_id, after)
            last = await self._db.fetch(LAST, chat=client.chat_id)
            if not self._hub.add(client):
                return False
            client.send(
                {
                    "type": "lines",
                    "lines": self._shown(client.chat_id, rows),
                    "seq": int(last[0].seq or 0),
                    "anew": anew,
                }
            )
        return True

    async def older(self, client: Client, before: int) -> None:
        """Send a page the lines before a place."""
        rows = await self._db.fetch(BEFORE, chat=client.chat_id, before=before, most=AT_ONCE)
        lines = self._shown(client.chat_id, [_line(row) for row in reversed(rows)])
        client.send({"type": "older", "lines": lines, "more": len(rows) == AT_ONCE})

    async def count(self, chat_id: str) -> int:
        """How many lines a chat has."""
        return int((await self._db.fetch(COUNT, chat=chat_id))[0].count)

    async def erase(self, chat_id: str) -> None:
        """Erase a chat."""
        await self._db.write(ERASE(chat=chat_id))

    async def _missed(self, chat_id: str, after: int) -> tuple[list[Line], bool]:
        if after:
            rows = await self._db.fetch(AFTER, chat=chat_id, after=after, most=MOST_MISSED + 1)
            if len(rows) <= MOST_MISSED:
                return [_line(row) for row in rows], False
        rows = await self._db.fetch(BEFORE, chat=chat_id, before=HIGHEST, most=AT_ONCE)
        return [_line(row) for row in reversed(rows)], True

    def _shown(self, chat_id: str, lines: Sequence[Line]) -> list[dict[str, Any]]:
        shown = [line.shown() for line in lines]
        for one in shown:
            if one["state"] == DRAFT:
                one["text"] = self._drafts.get((chat_id, one["id"]), one["text"])
        return shown

    async def _in_order(self, chat_id: str, work: Callable[[Transaction], Awaitable[Line | None]]) -> Line | None:
        """Do it and tell the pages, one change after the other."""
        async with self._order:
            line = await self._db.run(work)
            if line is not None:
                if line.state != DRAFT:
                    self._drafts.pop((chat_id, line.id), None)
                self._hub.tell(chat_id, {"type": "line", "line": line.shown()})
        return line

    async def _insert(
        self, transaction: Transaction, chat_id: str, message_id: str, sender: str, state: str, text: str, extra: Any
    ) -> Line:
        last = (await transaction.fetch(LAST, chat=chat_id))[0]
        number, seq = int(last.number or 0) + 1, int(last.seq or 0) + 1
        line = Line(number, seq, message_id, sender, state, text, self._clock.now(), extra)
        row = ADD(
            chat_id=chat_id,
            number=number,
            seq=seq,
            message_id=message_id,
            sender=sender,
            state=state,
            text=text,
            extra=json.dumps(extra),
            at=line.at,
        )
        await transaction.write(row)
        return line

    async def _change(
        self, transaction: Transaction, chat_id: str, old: Line, state: str, text: str, extra: dict[str, Any]
    ) -> Line:
        last = (await transaction.fetch(LAST, chat=chat_id))[0]
        line = Line(old.number, int(last.seq or 0) + 1, old.id, old.sender, state, text, old.at, extra)
        more = json.dumps(extra)
        await transaction.write(CHANGE(chat=chat_id, message=old.id, next=line.seq, now=state, words=text, more=more))
        return line


def _line(row: Any) -> Line:
    return Line(
        row.number, row.seq, row.message_id, row.sender, row.state, row.text, row.at, json.loads(row.extra or "{}")
    )
