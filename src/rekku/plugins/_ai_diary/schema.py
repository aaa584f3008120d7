"""How the diary's tables came to be what they are, and how they are made anew."""

from sqlalchemy import Column, bindparam, select
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from rekku.core.database import LongText, Schema, Statement, Step, Steps
from rekku.plugins._ai_diary import keeper
from rekku.plugins._ai_diary.entry import entry_of
from rekku.plugins._ai_diary.tables import DIARY, SCOPES, TABLES, WORDS

AT_ONCE = 200
_AFTER = Statement(select(DIARY).where(DIARY.c.id > bindparam("after")).order_by(DIARY.c.id).limit(AT_ONCE))


async def make(steps: Steps) -> None:
    """Create all tables."""
    for made in TABLES:
        await steps.create(made)


async def index_anew(steps: Steps) -> None:
    """Who spoke is kept beside who was present, and the words of one heading lie side by side."""
    await steps.add_column(DIARY.name, Column("speakers", LongText, nullable=True))
    for made in (WORDS, SCOPES):
        await steps.execute(DropTable(made, if_exists=True))
        await steps.create(made)
    after = 0
    while rows := await steps.execute(_AFTER, after=after):
        for row in rows:
            for write in keeper.index_writes(entry_of(row)):
                await steps.execute(write.statement, **write.values)
        after = rows[-1].id


SCHEMA = Schema(
    "ai_diary",
    Step(1, "entries, their words, and how many there are", make),
    Step(2, "who spoke, and an index by heading", index_anew),
)


def made_anew() -> list[Statement]:
    """Throws all tables away, whatever they look like, and makes them as they are now."""
    dropped = [Statement(DropTable(made, if_exists=True)) for made in TABLES]
    made = [Statement(CreateTable(made)) for made in TABLES]
    indexes = [Statement(CreateIndex(index)) for made in TABLES for index in made.indexes]
    return [*dropped, *made, *indexes]
