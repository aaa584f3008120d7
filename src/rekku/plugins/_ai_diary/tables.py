"""The diary's tables and statements. The index of words is a table of our own, the same on both databases."""

from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    SmallInteger,
    bindparam,
    delete,
    func,
    literal,
    select,
    union_all,
    update,
)
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from rekku.core.database import Instant, Key, LongText, Schema, Statement, Step, Steps, insert_or_ignore, table

DIARY = table(
    "ai_diary",
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("timestamp", Instant, nullable=False),
    Column("content", LongText, nullable=False),
    Column("personal_thought", LongText, nullable=False),
    Column("emotions", LongText, nullable=False),
    Column("involved_users", LongText, nullable=False),
    Column("interaction_summary", LongText, nullable=False),
    Column("user_message", LongText, nullable=False),
    Column("context_tags", LongText, nullable=False),
    Column("interface", Key, nullable=False),
    Column("chat_id", Key, nullable=False),
    Column("thread_id", Key, nullable=False),
    Column("privacy", Key, nullable=False),
    Column("present", LongText, nullable=False),
    Column("written_by", Key, nullable=False),
    Index("ai_diary_by_time", "timestamp"),
)
WORDS = table(
    "ai_diary_words",
    Column("word", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", BigInteger, primary_key=True, autoincrement=False),
    Column("impact", SmallInteger, nullable=False),
)
WORDS.dialect_kwargs["sqlite_with_rowid"] = False
"""Which words stand in which entries. `word` is the number of a word under a heading (`number_of`), `impact` its
share of a BM25 score in thousandths. In the order of this key the newest entries of a word are side by side."""

SCOPES = table(
    "ai_diary_scopes",
    Column("scope", BigInteger, primary_key=True, autoincrement=False),
    Column("entries", BigInteger, nullable=False),
    Column("first_id", BigInteger, nullable=False),
)
"""About how many entries each heading has, and since when: what a word's rarity is measured against."""

STATE = table(
    "ai_diary_state",
    Column("name", Key, primary_key=True),
    Column("value", Key, nullable=False),
)
TABLES = (DIARY, WORDS, SCOPES, STATE)

ANY = "*"
"""A word that every entry has: what is read under it are the newest entries of a heading."""

EVERYTHING = "everything"
"""The heading of all entries; under it are tags (`#tag`) and names (`@name`), for the owner and for other code."""

ADD = Statement(insert_or_ignore(DIARY))
ADD_SCOPE = Statement(insert_or_ignore(SCOPES))
COUNT_SCOPE = Statement(
    update(SCOPES).where(SCOPES.c.scope == bindparam("which")).values(entries=SCOPES.c.entries + bindparam("more"))
)
SCOPE_ROWS = Statement(select(SCOPES).where(SCOPES.c.scope.in_(bindparam("scopes", expanding=True))))
BY_ID = Statement(select(DIARY).where(DIARY.c.id.in_(bindparam("ids", expanding=True))))
NEWEST = Statement(
    select(DIARY)
    .where(DIARY.c.timestamp <= bindparam("until"), DIARY.c.timestamp >= bindparam("since"))
    .order_by(DIARY.c.timestamp.desc(), DIARY.c.id.desc())
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
PAGE = Statement(
    select(DIARY).where(DIARY.c.id < bindparam("before")).order_by(DIARY.c.id.desc()).limit(bindparam("most"))
)
OLDEST = Statement(
    select(DIARY).where(DIARY.c.timestamp < bindparam("before")).order_by(DIARY.c.timestamp).limit(bindparam("most"))
)
COUNT = Statement(select(func.count()).select_from(DIARY))
ENTRIES_OF_WORD = Statement(
    select(WORDS.c.entry_id)
    .where(WORDS.c.word == bindparam("number"), WORDS.c.entry_id < bindparam("before"))
    .order_by(WORDS.c.entry_id.desc())
    .limit(bindparam("most"))
)
COUNT_WORD = Statement(select(func.count()).where(WORDS.c.word == bindparam("number")))
ERASE = Statement(delete(DIARY).where(DIARY.c.id == bindparam("number")))
ERASE_WORDS = Statement(
    delete(WORDS).where(WORDS.c.entry_id == bindparam("number"), WORDS.c.word.in_(bindparam("numbers", expanding=True)))
)
STATE_ROW = Statement(select(STATE.c.value).where(STATE.c.name == bindparam("which")))
ADD_STATE = Statement(insert_or_ignore(STATE))
SET_STATE = Statement(update(STATE).where(STATE.c.name == bindparam("which")).values(value=bindparam("to")))
KNOWN = Statement(select(literal(1)).where(DIARY.c.id == bindparam("number")).limit(1))


async def make(steps: Steps) -> None:
    """Create all tables."""
    for made in TABLES:
        await steps.create(made)


SCHEMA = Schema("ai_diary", Step(1, "entries, their words, and how many there are", make))


def made_anew() -> list[Statement]:
    """Throws all tables away, whatever they look like, and makes them as they are now."""
    dropped = [Statement(DropTable(made, if_exists=True)) for made in TABLES]
    made = [Statement(CreateTable(made)) for made in TABLES]
    indexes = [Statement(CreateIndex(index)) for made in TABLES for index in made.indexes]
    return [*dropped, *made, *indexes]


ROWS_AT_ONCE = 32


class WordRow(NamedTuple):
    """A row of the index of words."""

    word: int
    entry_id: int
    impact: int


@cache
def add_words() -> Statement:
    """Adds ROWS_AT_ONCE rows to the index of words, bound as word0, entry0, impact0…; what is there stays."""
    rows: list[dict[str, Any]] = [
        {"word": bindparam(f"word{n}"), "entry_id": bindparam(f"entry{n}"), "impact": bindparam(f"impact{n}")}
        for n in range(ROWS_AT_ONCE)
    ]
    return Statement(insert_or_ignore(WORDS).values(rows))


@cache
def newest_of(count: int) -> Statement:
    """The newest `most` rows of each of `count` words, bound as word0…"""
    parts = []
    for n in range(count):
        rows = (
            select(WORDS.c.word, WORDS.c.entry_id, WORDS.c.impact)
            .where(WORDS.c.word == bindparam(f"word{n}"))
            .order_by(WORDS.c.entry_id.desc())
            .limit(bindparam("most"))
            .subquery(f"w{n}")
        )
        parts.append(select(rows.c.word, rows.c.entry_id, rows.c.impact))
    return Statement(union_all(*parts) if count > 1 else parts[0])


def number_of(heading: str, word: str) -> int:
    """The number of a word under a heading: 64 bits, so that two of them are practically never the same."""
    digest = blake2b(f"{heading}\x00{word}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
