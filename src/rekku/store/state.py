"""What was chosen at run time, and the audit of what was done."""

import itertools
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update

from rekku.core.database import Database, Statement, Write, insert_or_ignore
from rekku.core.principal import Principal
from rekku.store.codec import dump
from rekku.store.schema import AUDIT, STATE

PLACE = "place:"

ALL = Statement(select(STATE.c.name, STATE.c.value))
ADD = Statement(insert_or_ignore(STATE))
CHANGE = Statement(update(STATE).where(STATE.c.name == bindparam("key")).values(value=bindparam("content")))
REMOVE = Statement(delete(STATE).where(STATE.c.name == bindparam("key")))
AUDITED = Statement(insert_or_ignore(AUDIT))
AUDIT_OUTCOME = Statement(update(AUDIT).where(AUDIT.c.id == bindparam("row")).values(outcome=bindparam("ended")))


class State:
    """Names and texts, all of them in memory, every change in the database."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._values: dict[str, str] = {}

    async def load(self) -> None:
        """Read everything."""
        self._values = {row.name: row.value for row in await self._db.fetch(ALL)}

    def get(self, name: str, default: str = "") -> str:
        """The text under a name."""
        return self._values.get(name, default)

    def under(self, beginning: str) -> list[tuple[str, str]]:
        """The names that begin so, without the beginning, and their texts."""
        return [
            (name.removeprefix(beginning), text) for name, text in self._values.items() if name.startswith(beginning)
        ]

    async def set(self, name: str, value: str) -> None:
        """Keep a text; an empty one removes the name."""
        if value:
            await self._db.write(ADD(name=name, value=value), CHANGE(key=name, content=value))
            self._values[name] = value
        else:
            await self._db.write(REMOVE(key=name))
            self._values.pop(name, None)


async def place_of(database: Database, me: str) -> int:
    """A small number that belongs to this installation alone, given out at its first start on this database."""
    rows = await database.fetch(ALL)
    taken = {row.name: row.value for row in rows if row.name.startswith(PLACE)}
    for name, owner in taken.items():
        if owner == me:
            return int(name.removeprefix(PLACE))
    for number in itertools.count():
        name = f"{PLACE}{number}"
        if name not in taken and (await database.write(ADD(name=name, value=me)))[0]:
            return number
    raise AssertionError("unreachable")


def audited(
    number: int, at: datetime, turn_id: int | None, who: Principal, action: str, detail: object, outcome: str
) -> Write:
    """The write that notes who asked for what."""
    text = dump(detail)[:4000]
    return AUDITED(
        id=number, at=at, turn_id=turn_id, person_id=who.person_id, action=action[:255], detail=text, outcome=outcome
    )


def audit_outcome(number: int, outcome: str) -> Write:
    """The write that notes how it ended."""
    return AUDIT_OUTCOME(row=number, ended=outcome)
