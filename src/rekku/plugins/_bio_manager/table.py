"""The table of bios: one row for each person, a column of JSON for each field."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Integer, bindparam, delete, select, update

from rekku.core.database import (
    EPOCH,
    MICROSECOND,
    Database,
    Instant,
    Key,
    LongText,
    Schema,
    Statement,
    Step,
    Transaction,
    insert_or_ignore,
    table,
)
from rekku.plugins._bio_manager.facts import FIELDS, Fact, dump, load

TOGETHER = 8
"""Bios that one query reads at most."""

BIO = table(
    "bio",
    Column("person_id", Key, primary_key=True),
    *(Column(name, LongText, nullable=False) for name in FIELDS),
    Column("privacy", Key, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("last_accessed", Instant),
    Column("last_update", Instant),
    Column("update_count", Integer, nullable=False, default=0),
    Column("recent_updates", LongText, nullable=False),
)
"""`privacy` is what new facts get ("": as usual where they are told), `recent_updates` the instants of the last day."""

SCHEMA = Schema("bio_manager", Step(1, "the bios", lambda db: db.create(BIO)))

_ADD = Statement(insert_or_ignore(BIO))
_ONE = Statement(select(BIO).where(BIO.c.person_id == bindparam("person")))
_SOME = Statement(select(BIO).where(BIO.c.person_id.in_([bindparam(f"p{n}") for n in range(TOGETHER)])))
_ALL = Statement(select(BIO))
_NAMES = Statement(select(BIO.c.person_id, BIO.c.known_as))
_CHANGED = (*FIELDS, "privacy", "last_update", "update_count", "recent_updates")
_SET = Statement(
    update(BIO)
    .where(BIO.c.person_id == bindparam("person"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGED})
)
_SEEN = Statement(update(BIO).where(BIO.c.person_id == bindparam("person")).values(last_accessed=bindparam("at")))
DELETE = Statement(delete(BIO).where(BIO.c.person_id == bindparam("person")))


@dataclass(slots=True)
class Bio:
    """What is known about a person, with the instants of the last updates that said something new."""

    person_id: str
    facts: dict[str, Sequence[Fact]]
    privacy: str = ""
    last_accessed: datetime | None = None
    last_update: datetime | None = None
    update_count: int = 0
    recent: list[datetime] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many facts there are."""
        return sum(map(len, self.facts.values()))


async def open_bio(transaction: Transaction, person_id: str, now: datetime) -> Bio:
    """A person's bio, to be changed in this transaction; made if it is not there."""
    empty: dict[str, Any] = dict.fromkeys((*FIELDS, "recent_updates"), "[]")
    await transaction.write(_ADD(person_id=person_id, privacy="", created_at=now, **empty))
    (row,) = await transaction.fetch(_ONE, person=person_id)
    return bio_of(row)


async def save_bio(transaction: Transaction, bio: Bio) -> None:
    """Write a changed bio."""
    values: dict[str, Any] = {f"new_{name}": dump(bio.facts[name]) for name in FIELDS}
    recent = json.dumps([(at - EPOCH) // MICROSECOND for at in bio.recent])
    await transaction.write(
        _SET(
            person=bio.person_id,
            new_privacy=bio.privacy,
            new_last_update=bio.last_update,
            new_update_count=bio.update_count,
            new_recent_updates=recent,
            **values,
        )
    )


async def read_bio(database: Database, person_id: str) -> Bio | None:
    """A person's bio."""
    rows = await database.fetch(_ONE, person=person_id)
    return bio_of(rows[0]) if rows else None


async def read_bios(database: Database, persons: Sequence[str]) -> dict[str, Bio]:
    """The bios of at most TOGETHER persons, with one query."""
    some = [*persons[:TOGETHER], *[""] * (TOGETHER - len(persons))]
    rows = await database.fetch(_SOME, **{f"p{n}": person for n, person in enumerate(some)})
    return {row.person_id: bio_of(row) for row in rows}


async def all_bios(database: Database) -> dict[str, Bio]:
    """Every bio by its person."""
    return {row.person_id: bio_of(row) for row in await database.fetch(_ALL)}


async def nicknames(database: Database) -> dict[str, Sequence[Fact]]:
    """What everybody is known as, by person."""
    return {row.person_id: load(row.known_as) for row in await database.fetch(_NAMES)}


async def note_access(database: Database, seen: dict[str, datetime]) -> None:
    """Write when bios were last used, all at once."""
    await database.write(*(_SEEN(person=person, at=at) for person, at in seen.items()))


async def erase(database: Database, person_id: str) -> None:
    """Delete a person's bio."""
    await database.write(DELETE(person=person_id))


def bio_of(row: Any) -> Bio:
    """The bio that a row holds."""
    return Bio(
        row.person_id,
        {name: load(getattr(row, name)) for name in FIELDS},
        row.privacy,
        row.last_accessed,
        row.last_update,
        row.update_count,
        [EPOCH + MICROSECOND * at for at in json.loads(row.recent_updates)],
    )
