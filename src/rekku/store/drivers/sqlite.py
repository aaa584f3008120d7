"""SQLite: one file, one connection in a thread of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy.dialects.sqlite.base import SQLiteTypeCompiler
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from rekku.core.errors import StoreError
from rekku.store.drivers.base import Bench, Session, Snapshot, StoredDatabase
from rekku.store.drivers.sqlite_copy import SqliteSnapshot, copy_file
from rekku.store.drivers.sqlite_thread import End, Exclusive, Job, SqliteThread
from rekku.store.drivers.statements import Call, Rows

STEP_LIMIT = 3600.0
"""Seconds that one migration step may take."""


class _Types(SQLiteTypeCompiler):
    def visit_BIGINT(self, type_: Any, **kw: Any) -> str:
        return "INTEGER"  # the same 64 bits, and as a primary key it is the row's own number: no second index


class Dialect(SQLiteDialect_pysqlite):
    """How statements are written for SQLite."""

    supports_statement_cache = True
    type_compiler_cls = _Types


class SqliteSession(Session):
    """One transaction that has the thread to itself."""

    def __init__(self, turn: Exclusive, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(SqliteDatabase.dialect)
        self._turn = turn
        self._loop = loop

    async def read(self, call: Call) -> Rows:
        return await self._ask([call], writes=False)  # type: ignore[no-any-return]

    async def execute(self, calls: Sequence[Call]) -> list[int]:
        return await self._ask(calls, writes=True)  # type: ignore[no-any-return]

    async def commit(self) -> None:
        await self._send(lambda future: End(True, future))

    async def rollback(self) -> None:
        if not self._turn.over:
            self._turn.jobs.put(End(False, None))
            self._turn.over = "The transaction has ended."

    async def _ask(self, calls: Sequence[Call], *, writes: bool) -> Any:
        return await self._send(lambda future: Job(calls, writes, future))

    async def _send(self, job: "Callable[[asyncio.Future[Any]], Job | End]") -> Any:
        turn = self._turn
        if turn.over:
            raise StoreError(turn.over)
        future = self._loop.create_future()
        turn.waiting.add(future)
        sent = job(future)
        turn.jobs.put(sent)
        if isinstance(sent, End):
            turn.over = "The transaction has ended."
        try:
            return await future
        finally:
            turn.waiting.discard(future)


class SqliteDatabase(StoredDatabase):
    """A SQLite file. Made by `open_sqlite`."""

    kind = "sqlite"
    dialect = Dialect(paramstyle="qmark")

    def __init__(self, file: Path, thread: SqliteThread) -> None:
        self.file = file
        self._thread = thread
        self._loop = asyncio.get_running_loop()
        self._closing = False

    async def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._thread.hurry()
            self._thread.jobs.put(None)
        await asyncio.shield(self._thread.closed)

    async def _read(self, call: Call) -> Rows:
        return await self._put([call], writes=False)  # type: ignore[no-any-return]

    async def _write(self, calls: Sequence[Call]) -> list[int]:
        return await self._put(calls, writes=True)  # type: ignore[no-any-return]

    def _put(self, calls: Sequence[Call], *, writes: bool) -> "asyncio.Future[Any]":
        self._check()
        future = self._loop.create_future()
        self._thread.jobs.put(Job(calls, writes, future))
        return future

    def _check(self) -> None:
        if self._closing:
            raise StoreError("The database is closed.")

    async def begin(self, limit: float) -> Session:
        self._check()
        turn = Exclusive(self._loop.create_future(), limit)
        self._thread.jobs.put(turn)
        session = SqliteSession(turn, self._loop)
        try:
            await turn.opened
        except asyncio.CancelledError:
            await session.rollback()
            raise
        return session

    @asynccontextmanager
    async def bench(self, component: str) -> AsyncIterator[Bench]:
        yield SqliteBench(self)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        snapshot = await asyncio.to_thread(SqliteSnapshot, self.file)
        try:
            yield snapshot
        finally:
            await asyncio.to_thread(snapshot.close)

    async def columns(self, table: str) -> list[str]:
        rows, _ = await self._read(("SELECT name FROM pragma_table_info(?)", (table,)))
        return [row[0] for row in rows]

    async def copy_aside(self, folder: Path, name: str) -> Path:
        target = folder / f"{name}.db"
        await asyncio.to_thread(copy_file, self.file, target)
        return target


class SqliteBench:
    """Migration steps on SQLite: each in one transaction, DDL included."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._session: Session | None = None

    async def read(self, call: Call) -> Rows:
        if self._session is not None:
            return await self._session.read(call)
        return await self._database._read(call)

    @asynccontextmanager
    async def atomic(self) -> AsyncIterator[None]:
        self._session = await self._database.begin(STEP_LIMIT)
        try:
            yield
        except BaseException:
            await self._session.rollback()
            raise
        else:
            await self._session.commit()
        finally:
            self._session = None


async def open_sqlite(file: Path, patience: float) -> SqliteDatabase:
    """Open the file, or make it. Raises ConfigError if it cannot be a Rekku database."""
    thread = SqliteThread(file, patience, asyncio.get_running_loop())
    thread.start()
    await asyncio.shield(thread.opened)
    return SqliteDatabase(file, thread)
