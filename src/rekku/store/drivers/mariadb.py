"""MariaDB: reads on a few connections, all writes on one, and what waits together is committed together."""

import asyncio
import hashlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import exc

from rekku.core.errors import ConfigError, StoreError
from rekku.store.drivers.base import Bench, Session, Snapshot, StoredDatabase
from rekku.store.drivers.mariadb_bench import STEP_LIMIT, MariaBench, MariaSnapshot
from rekku.store.drivers.mariadb_dialect import DIALECT
from rekku.store.drivers.mariadb_link import Busy, Link, Lost, NoSuchDatabase, Result, Text, render
from rekku.store.drivers.mariadb_writer import (
    BEGIN,
    MAKE_WRITERS,
    SERIALIZABLE,
    MariaSession,
    Writer,
)
from rekku.store.drivers.server import MariaServer
from rekku.store.drivers.statements import Call, Rows

log = logging.getLogger(__name__)

READERS = 4
FIRST_WAIT = 0.05
MOST_TOGETHER = 500
"""Statements that share a commit."""


A_WEEK = 7 * 86_400

Done = TypeVar("Done")


@dataclass(eq=False, slots=True)
class _Job:
    texts: Sequence[Text]
    future: "asyncio.Future[list[int]]"


class MariaDatabase(StoredDatabase):
    """A database on a MariaDB server. Made by `open_mariadb`."""

    kind = "mariadb"
    dialect = DIALECT

    def __init__(self, server: MariaServer, patience: float) -> None:
        self.server = server
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._free: list[Link] = []
        self._room = asyncio.Semaphore(READERS)
        self._writer = Writer(server, patience)
        self._jobs: deque[_Job] = deque()
        self._bell = asyncio.Event()
        self._closing = False
        self._opened = False
        self._task = self._loop.create_task(self._serve(), name="mariadb-writer")

    async def close(self) -> None:
        self._closing = True
        self._bell.set()
        await asyncio.shield(self._task)
        async with self._writer.lock:
            await self._writer.close()
        while self._free:
            await self._free.pop().close()

    async def _read(self, call: Call) -> Rows:
        texts = [render(call)]
        result = await self._patiently(lambda: self._read_once(texts))
        return result.rows, result.names

    async def _read_once(self, texts: Sequence[Text]) -> Result:
        async with self._room:
            link = self._free.pop() if self._free else await Link.open(self.server)
            try:
                results = await link.run(texts)
            except exc.DatabaseError:
                self._free.append(link)
                raise
            except BaseException as error:
                link.drop()
                if isinstance(error, Lost):
                    self._forget_free()
                raise
            self._free.append(link)
            return results[0]

    def _forget_free(self) -> None:
        for link in self._free:
            link.drop()
        self._free.clear()

    async def _write(self, calls: Sequence[Call]) -> list[int]:
        if self._closing:
            raise StoreError("The database is closed.")
        job = _Job([render(call) for call in calls], self._loop.create_future())
        self._jobs.append(job)
        self._bell.set()
        return await job.future

    async def _serve(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            while self._jobs:
                async with self._writer.lock:
                    await self._commit(self._take())
            if self._closing:
                return

    def _take(self) -> list[_Job]:
        jobs = [self._jobs.popleft()]
        count = len(jobs[0].texts)
        while self._jobs and count + len(self._jobs[0].texts) <= MOST_TOGETHER:
            jobs.append(self._jobs.popleft())
            count += len(jobs[-1].texts)
        return jobs

    async def _commit(self, jobs: Sequence[_Job]) -> None:
        """All of them in one commit; if the server refuses one of them, each in its own."""
        texts = [text for job in jobs for text in job.texts]
        try:
            counts = iter(await self._patiently(lambda: self._attempt(texts)))
        except StoreError as error:
            _fail(jobs, error)
        except Exception as error:  # noqa: BLE001 - carried to the callers
            if len(jobs) == 1:
                _fail(jobs, error)
                return
            for job in jobs:
                await self._commit([job])
        else:
            for job in jobs:
                result = [next(counts) for _ in job.texts]
                if not job.future.done():
                    job.future.set_result(result)

    async def _attempt(self, texts: Sequence[Text]) -> list[int]:
        link = await self._writer.link()
        try:
            results = await link.run([BEGIN, self._writer.mark(), *texts])
            if results[1].matched != 1:
                link.drop()
                raise Lost("The writer's row was taken away; it is made again.")
            if await self._writer.commit():
                return [result.matched for result in results[2:]]
        except BaseException:
            await self._writer.undo()
            raise
        raise Lost("The connection broke before a commit.")

    async def _patiently(self, work: Callable[[], Coroutine[Any, Any, Done]]) -> Done:
        """Do it, again while the server is away or busy, within the patience."""
        give_up: float | None = None
        wait, known = 0.0, f"MariaDB on {self.server.host}:{self.server.port} does not answer."
        while True:
            try:
                if give_up is None:
                    return await work()
                async with asyncio.timeout_at(give_up):
                    return await work()
            except (Lost, Busy, TimeoutError, ConfigError) as error:
                if isinstance(error, ConfigError) and not self._opened:
                    raise  # once it has worked, what looks like a wrong setting is a server or a network in trouble
                now = self._loop.time()
                if give_up is None:
                    give_up = now + self._patience
                elif wait == FIRST_WAIT:
                    log.warning("The database waits: %s", error)
                if now + wait >= give_up or (self._closing and wait):
                    raise StoreError(str(error) or known) from error
                known = str(error) or known  # the time may be over in the middle of a try, which says nothing
                await asyncio.sleep(wait)
                wait = min(1.0, wait * 2 or FIRST_WAIT)

    async def begin(self, limit: float) -> Session:
        if self._closing:
            raise StoreError("The database is closed.")
        await self._writer.lock.acquire()
        try:
            link = await self._patiently(self._open_transaction)
        except BaseException:
            self._writer.drop()
            self._writer.lock.release()
            raise
        return MariaSession(self._writer, link, limit)

    async def _open_transaction(self) -> Link:
        link = await self._writer.link()
        results = await link.run([SERIALIZABLE, BEGIN, self._writer.mark()])
        if results[2].matched != 1:
            link.drop()
            raise Lost("The writer's row was taken away; it is made again.")
        return link

    @asynccontextmanager
    async def _own_link(self) -> AsyncIterator[Link]:
        link = await self._patiently(lambda: Link.open(self.server))
        try:
            yield link
        finally:
            await link.close()

    @asynccontextmanager
    async def bench(self, component: str) -> AsyncIterator[Bench]:
        name = "rekku:" + hashlib.sha256(f"{self.server.name}:{component}".encode()).hexdigest()[:32]
        async with self._own_link() as link:
            found = await link.run([render(("SELECT GET_LOCK(%s, 600)", (name,)))], STEP_LIMIT)
            if found[0].rows[0][0] != 1:
                raise StoreError(f"Another Rekku has been changing the tables of {component} for ten minutes.")
            yield MariaBench(link)  # the server lets go of the lock when the connection closes

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Snapshot]:
        async with self._own_link() as link:
            begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
            await link.run([render(("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", ())), render((begin, ()))])
            yield MariaSnapshot(link)

    async def columns(self, table: str) -> list[str]:
        rows, _ = await self._read(
            (
                "SELECT column_name FROM information_schema.columns WHERE table_schema = database() "
                "AND table_name = %s ORDER BY ordinal_position",
                (table,),
            )
        )
        return [row[0] for row in rows]


async def open_mariadb(server: MariaServer, patience: float) -> MariaDatabase:
    """Connect, make the database if it is not there, and start the writer. Raises ConfigError or StoreError."""
    database = MariaDatabase(server, patience)
    try:
        try:
            link = await database._patiently(lambda: Link.open(server))
        except NoSuchDatabase:
            link = await _create(server)
        old = int(time.time()) - A_WEEK
        await link.run([MAKE_WRITERS, render(("DELETE FROM store_writers WHERE at < %s", (old,)))], STEP_LIMIT)
        database._free.append(link)
        database._opened = True
    except BaseException:
        await database.close()
        raise
    return database


async def _create(server: MariaServer) -> Link:
    link = await Link.open(server, database=False)
    quoted = server.name.replace("`", "``").replace("%", "%%")
    make = f"CREATE DATABASE IF NOT EXISTS `{quoted}` CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin"
    try:
        await link.run([render((make, ()))])
    except exc.DatabaseError as error:
        raise ConfigError(
            f"MariaDB on {server.host}:{server.port} has no database {server.name!r}, and the user {server.user!r} "
            "may not make it. Make it, or set DB_NAME to one that exists."
        ) from error
    finally:
        await link.close()
    return await Link.open(server)


def _fail(jobs: Sequence[_Job], error: Exception) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_exception(error)
