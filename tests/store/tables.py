"""A component with tables of every kind of column, for the tests of the store."""

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, bindparam, func, insert, select, update

from rekku.core.database import Instant, Key, LongText, Schema, Statement, Step, Steps, insert_or_ignore, table

NOW = datetime(2031, 5, 6, 7, 8, 9, 123456, tzinfo=UTC)

NOTES = table(
    "notes",
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Key),
    Column("text", LongText),
    Column("at", Instant),
    Column("data", LargeBinary),
    Column("flag", Boolean, nullable=False, default=False),
    Column("weight", Float),
    Column("count", Integer, nullable=False, default=0),
)
NAMES = table("names", Column("name", Key, primary_key=True), Column("number", BigInteger, nullable=False))

ADD = Statement(insert(NOTES))
ADD_NEW = Statement(insert_or_ignore(NOTES))
ALL = Statement(select(NOTES).order_by(NOTES.c.id))
IDS = Statement(select(NOTES.c.id).order_by(NOTES.c.id))
ONE = Statement(select(NOTES).where(NOTES.c.id == bindparam("number")))
SOME = Statement(
    select(NOTES.c.id)
    .where(NOTES.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(NOTES.c.id)
    .limit(bindparam("most"))
)
FIXED = Statement(
    select(NOTES.c.id).where(NOTES.c.key.in_(("a", "b")), NOTES.c.id > bindparam("after")).order_by(NOTES.c.id)
)
COUNT = Statement(select(NOTES.c.count).where(NOTES.c.id == bindparam("number")))
SET_COUNT = Statement(update(NOTES).where(NOTES.c.id == bindparam("number")).values(count=bindparam("to")))
HOW_MANY = Statement(select(func.count().label("many")).select_from(NOTES))
ADD_NAME = Statement(insert(NAMES))
NAMED = Statement(select(NAMES.c.number).where(NAMES.c.name == bindparam("wanted")))


async def make_tables(db: Steps) -> None:
    """The only step of SCHEMA."""
    await db.create(NOTES)
    await db.create(NAMES)


SCHEMA = Schema("notes", Step(1, "notes and names", make_tables))
