"""What both databases have in common: statements in, named tuples out."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import exc
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement

from rekku.core.database import Statement, Transaction, Write
from rekku.core.errors import StoreError
from rekku.store.drivers.statements import Call, Rows, bound, prepared

STEPS_TABLE = "schema_steps"
"""Where migrations note what they did."""

TRANSACTION_LIMIT = 10.0
"""Seconds after which an open transaction is rolled back, because everybody else's writes wait for it."""

ATTEMPTS = 20
"""How often `run` tries before it gives up against faster transactions."""

Result = TypeVar("Result")


class Conflict(StoreError):
    """Another transaction was faster; nothing of this one happened. Do the whole of it again."""


class Session(ABC):
    """One open transaction."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    async def fetch(self, statement: Statement | ClauseElement, **values: Any) -> list[Any]:
        """Rows as named tuples."""
        made = prepared(statement, self._dialect)
        return made.rows(await self.read(made.bind(values)))

    async def write(self, *writes: Write) -> list[int]:
        """How many rows each statement matched."""
        return await self.execute([bound(write, self._dialect) for write in writes])

    @abstractmethod
    async def read(self, call: Call) -> Rows:
        """Rows and the names of their columns."""

    @abstractmethod
    async def execute(self, calls: Sequence[Call]) -> list[int]:
        """How many rows each call matched."""

    @abstractmethod
    async def commit(self) -> None:
        """Make it last."""

    @abstractmethod
    async def rollback(self) -> None:
        """Undo it. Never raises: a transaction that cannot be undone is undone by the database."""


class Snapshot(Protocol):
    """All tables as they are at one instant."""

    async def tables(self) -> list[str]:
        """The names of the tables, in order."""
        ...

    def rows(self, table: str) -> AsyncIterator[Rows]:
        """The rows of a table, some at a time; at least one piece, for the sake of the names."""
        ...


class Bench(Protocol):
    """Where migration steps work: the bare driver, one process at a time."""

    async def read(self, call: Call) -> Rows:
        """Rows and the names of their columns; any SQL, DDL too."""
        ...

    def atomic(self) -> AbstractAsyncContextManager[None]:
        """What happens inside happens whole or not at all, as far as the database can do that with DDL."""
        ...


class StoredDatabase(ABC):
    """`core.database.Database`, opened. `dialect` compiles its statements."""

    kind: str
    dialect: Dialect
    _owner: "asyncio.Task[Any] | None" = None
    """The task that has a transaction open; what it asks outside of it would wait for itself."""

    async def fetch(self, statement: Statement | ClauseElement, **values: Any) -> list[Any]:
        """Rows as named tuples, as last committed."""
        if self._owner is not None:
            self._check_owner()
        made = prepared(statement, self.dialect)
        return made.rows(await self._read(made.bind(values)))

    async def write(self, *writes: Write) -> list[int]:
        """Do all of them in one transaction, and return when it is committed: the rows matched by each."""
        if self._owner is not None:
            self._check_owner()
        if not writes:
            return []
        dialect = self.dialect
        return await self._write([bound(write, dialect) for write in writes])

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """A transaction for reading, deciding and writing, rolled back after TRANSACTION_LIMIT seconds.

        Raises StoreError when another transaction got in its way: do the block again (`run` does it).
        """
        self._check_owner()
        session = await self.begin(TRANSACTION_LIMIT)
        self._owner = asyncio.current_task()
        try:
            yield session
        except BaseException:
            self._owner = None
            await session.rollback()
            raise
        self._owner = None
        await session.commit()

    async def run(self, work: Callable[[Transaction], Awaitable[Result]]) -> Result:
        """Run `work` in a transaction, again if another transaction got in its way."""
        for attempt in range(ATTEMPTS):
            try:
                async with self.transaction() as transaction:
                    return await work(transaction)
            except Conflict:
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(random.uniform(0, 0.005 * 2 ** min(attempt, 6)))
        raise AssertionError("unreachable")

    def _check_owner(self) -> None:
        if self._owner is not None and self._owner is asyncio.current_task():
            raise RuntimeError("inside a transaction use the transaction's own fetch and write")

    @abstractmethod
    async def close(self) -> None:
        """Finish what was asked for, then let go."""

    @abstractmethod
    async def _read(self, call: Call) -> Rows: ...

    @abstractmethod
    async def _write(self, calls: Sequence[Call]) -> list[int]: ...

    @abstractmethod
    async def begin(self, limit: float) -> Session:
        """Open a transaction that may take so many seconds."""

    @abstractmethod
    def bench(self, component: str) -> AbstractAsyncContextManager[Bench]:
        """A place to run a component's migration steps, while no other process does."""

    @abstractmethod
    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """The whole database at one instant, while others go on writing."""

    @abstractmethod
    async def columns(self, table: str) -> list[str]:
        """The names of a table's columns; none if there is no such table."""

    async def copy_aside(self, folder: Path, name: str) -> Path | None:
        """A copy of the whole database as a file `name`.* in a folder; None if it is not a file of ours."""
        return None


def refused(error: Exception, sql: str, *, integrity: bool) -> exc.DatabaseError:
    """What callers get when the database will not do a statement; the values are left out, they may be private."""
    kind = exc.IntegrityError if integrity else exc.DatabaseError
    return kind(sql, None, error, hide_parameters=True)
