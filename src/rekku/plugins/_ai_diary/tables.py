"""The diary's tables and statements. The index of words is a table of our own, the same on both databases."""

from functools import cache, lru_cache
from hashlib import blake2b
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    SmallInteger,
    bindparam,
    delete,
    func,
    select,
    text,
    update,
)

from rekku.core.database import Instant, Key, LongText, Statement, insert_or_ignore, table

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
    Column("speakers", LongText, nullable=True),
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
READ_AT_ONCE = 32
BY_ID = Statement(select(DIARY).where(DIARY.c.id.in_([bindparam(f"id{n}") for n in range(READ_AT_ONCE)])))
"""A list of a fixed length, unused places 0: that is quicker than one whose length is a part of the text."""

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


ROWS_AT_ONCE = 32


@cache
def add_words() -> Statement:
    """Adds ROWS_AT_ONCE words of one entry, bound as `entry`, word0, impact0…; what is there stays."""
    entry: Any = bindparam("entry")
    rows: list[dict[str, Any]] = [
        {"word": bindparam(f"word{n}"), "entry_id": entry, "impact": bindparam(f"impact{n}")}
        for n in range(ROWS_AT_ONCE)
    ]
    return Statement(insert_or_ignore(WORDS).values(rows))


NEWEST_ENTRY, SIZE = -1, -2
_NEWEST = (
    "SELECT -1 AS place, 1 AS entries, entry_id AS oldest, entry_id AS newest FROM "
    "(SELECT entry_id FROM ai_diary_words WHERE word = :every ORDER BY entry_id DESC LIMIT :recent) AS some"
)
_SIZE = "SELECT -2, entries, first_id, 0 FROM ai_diary_scopes WHERE scope = :every"
_REACH = (
    "SELECT {n}, count(*), min(entry_id), max(entry_id) FROM "
    "(SELECT entry_id FROM ai_diary_words WHERE word = :word{n} ORDER BY entry_id DESC LIMIT :most) AS w{n}"
)
_WORTH = (
    "SELECT entry_id, impact * :weight{n} AS worth FROM "
    "(SELECT entry_id, impact FROM ai_diary_words WHERE word = :word{n} ORDER BY entry_id DESC LIMIT :most{n}) AS w{n}"
)
_BEST = "SELECT entry_id FROM ({}) AS found GROUP BY entry_id ORDER BY sum(worth) DESC, entry_id DESC LIMIT :best"
"""As text: SQLAlchemy takes ten times as long to put the parts together."""


@cache
def look_of(count: int) -> Statement:
    """What is to be known of a heading and `count` words (word0…), as rows of `place, entries, oldest, newest`.

    Place 0… is a word: how many of the newest `most` entries that have it there are, and both ends. NEWEST_ENTRY is one
    of the `recent` newest entries of all, its number in `newest`. SIZE is the row of the heading in SCOPES, if it has
    one. `every` is the number of the heading's ANY.
    """
    return Statement(text(" UNION ALL ".join([_NEWEST, _SIZE, *(_REACH.format(n=n) for n in range(count))])))


@cache
def best_of(count: int) -> Statement:
    """The `best` entries for `count` words: of each word the newest most0…, which count weight0… times their impact."""
    return Statement(text(_BEST.format(" UNION ALL ".join(_WORTH.format(n=n) for n in range(count)))))


def number_of(heading: str, word: str) -> int:
    """The number of a word under a heading.

    Under the heading of everything it has 64 bits, so that two of them are practically never the same. Elsewhere 32 are
    the heading's, so that its words lie side by side on few pages, and 32 the word's: two words that share a number
    cost a look, no more.
    """
    if heading == EVERYTHING:
        return _digest(f"{heading}\x00{word}", 8)
    return heading_bits(heading) | word_bits(word)


@lru_cache(maxsize=1_000)
def heading_bits(heading: str) -> int:
    """The upper half of the numbers of words under a heading."""
    return _digest(heading, 4) << 32


@lru_cache(maxsize=50_000)
def word_bits(word: str) -> int:
    """The lower half of the numbers of a word."""
    return _digest(word, 4) & 0xFFFFFFFF


def _digest(text: str, size: int) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()
    return int.from_bytes(digest, "big", signed=True)
