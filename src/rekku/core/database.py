"""How a component keeps things: tables, numbered steps, statements.

    NOTES = table("notes", Column("id", BigInteger, primary_key=True), Column("text", LongText))
    ADD = Statement(insert(NOTES))
    ALL = Statement(select(NOTES.c.id, NOTES.c.text).where(NOTES.c.id > bindparam("after")))

    class Notes(AIPluginBase):
        tables = Schema("notes", Step(1, "the first table", lambda db: db.create(NOTES)))

        async def remember(self, number, text):
            await self.host.database.write(ADD(id=number, text=text))
            return await self.host.database.fetch(ALL, after=0)

A statement is compiled once per database and then runs on the bare driver.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from sqlalchemy import BigInteger, Column, Constraint, Index, MetaData, String, Table, Text, insert
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.dml import Insert
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

METADATA = MetaData()

Result = TypeVar("Result")

LongText = Text().with_variant(LONGTEXT(), "mysql", "mariadb")
"""Text of any length; plain `Text` ends at 64 KB on MariaDB."""

Key = String(255)
"""A text that may be indexed, compared byte for byte on both databases."""


class Instant(TypeDecorator[datetime]):
    """A point in time, kept as microseconds since 1970 in UTC; aware datetimes in Python."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Microseconds for the database."""
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The instant that the database keeps."""
        return _instant(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[int | None], datetime | None]:
        """The same without a call around it: each prompt reads a hundred of them."""
        return _instant


@lru_cache(maxsize=8_192)
def _instant(microseconds: int | None) -> datetime | None:
    """The lines of a chat are read for every prompt: the same value is the same object, and quick as a key."""
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)


def table(name: str, *parts: Column[Any] | Constraint | Index) -> Table:
    """A table that behaves the same on both databases. Defining it again (a reload) replaces the definition."""
    known = METADATA.tables.get(name)
    if known is not None:
        METADATA.remove(known)
    return Table(
        name,
        METADATA,
        *parts,
        mysql_engine="InnoDB",
        mysql_charset="utf8mb4",
        mysql_collate="utf8mb4_nopad_bin",
        mariadb_engine="InnoDB",
        mariadb_charset="utf8mb4",
        mariadb_collate="utf8mb4_nopad_bin",
    )


def insert_or_ignore(into: Table) -> Insert:
    """An insert that changes nothing (0 rows) when a row with the same key is there."""
    ignoring = insert(into).prefix_with("OR IGNORE", dialect="sqlite")
    return ignoring.prefix_with("IGNORE", dialect="mysql").prefix_with("IGNORE", dialect="mariadb")


class Statement:
    """A SQLAlchemy Core statement that is compiled once per database.

    Calling it binds values for `write`; `fetch` takes the values itself. For an insert, the columns are those
    that are given `columns` (default: all of the table's).
    """

    __slots__ = ("clause", "columns", "compiled")

    def __init__(self, clause: ClauseElement, *, columns: Sequence[str] | None = None) -> None:
        self.clause = clause
        self.columns = columns
        self.compiled: dict[str, Any] = {}

    def __call__(self, **values: Any) -> "Write":
        return Write(self, values)


@dataclass(frozen=True, slots=True)
class Write:
    """A statement with its values, ready to be written."""

    statement: Statement
    values: dict[str, Any]


class Transaction(Protocol):
    """Several statements that see each other and happen together or not at all."""

    async def fetch(self, statement: Statement | ClauseElement, **values: Any) -> list[Any]:
        """Rows as named tuples."""
        ...

    async def write(self, *writes: Write) -> list[int]:
        """How many rows each statement matched."""
        ...


class Database(Protocol):
    """The database as components see it. Every call may raise StoreError when the database stays away."""

    @property
    def kind(self) -> str:
        """`sqlite` or `mariadb`."""
        ...

    async def fetch(self, statement: Statement | ClauseElement, **values: Any) -> list[Any]:
        """Rows as named tuples, as last committed."""
        ...

    async def write(self, *writes: Write) -> list[int]:
        """Do all of them in one transaction, and return when it is committed (on disk): the rows matched by each.

        Writes of different callers that wait at the same time share a commit, but not each other's failures.
        """
        ...

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A transaction for reading, deciding and writing; keep it short. It may be refused with StoreError
        when another one was faster: do the whole block again then (`run` does it for you)."""
        ...

    async def run(self, work: "Callable[[Transaction], Awaitable[Result]]") -> "Result":
        """Run `work` in a transaction, again if another transaction got in its way."""
        ...


class Steps(Protocol):
    """What a migration step may do. Runs once; on MariaDB DDL is not part of a transaction."""

    @property
    def kind(self) -> str:
        """`sqlite` or `mariadb`."""
        ...

    async def create(self, made: Table) -> None:
        """Create a table and its indexes, unless they are there."""
        ...

    async def add_column(self, name: str, column: Column[Any]) -> None:
        """Add a column to the table of that name, unless it is there."""
        ...

    async def execute(self, clause: "ClauseElement | Statement | str", **values: Any) -> list[Any]:
        """Run any statement; rows, if it has some. A `Statement` is compiled only the first time."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One numbered change of a component's tables. What was released is never edited: add the next number."""

    number: int
    summary: str
    upgrade: Callable[[Steps], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Schema:
    """A component's tables: the steps from nothing to today, in order, numbered 1, 2, 3…"""

    component: str
    steps: tuple[Step, ...]

    def __init__(self, component: str, *steps: Step) -> None:
        object.__setattr__(self, "component", component)
        object.__setattr__(self, "steps", steps)
