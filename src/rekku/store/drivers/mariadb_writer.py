"""The one connection that writes to MariaDB, and the proof of what it committed.

A commit whose answer was lost may have happened. So every transaction also writes its number into this process's row
of `store_writers`, and after such a loss that row tells: it is locked until the server has decided.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Sequence

from sqlalchemy import exc

from rekku.core.errors import StoreError
from rekku.store.drivers.base import Conflict, Session
from rekku.store.drivers.mariadb_dialect import DIALECT
from rekku.store.drivers.mariadb_link import Busy, Link, Lost, Result, Text, render
from rekku.store.drivers.server import MariaServer
from rekku.store.drivers.statements import Call, Rows

log = logging.getLogger(__name__)

WRITERS_TABLE = "store_writers"
BEGIN = render(("BEGIN", ()))
COMMIT = render(("COMMIT", ()))
ROLLBACK = render(("ROLLBACK", ()))
SERIALIZABLE = render(("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", ()))
MAKE_WRITERS = render(
    (
        f"CREATE TABLE IF NOT EXISTS {WRITERS_TABLE} (writer CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, "
        "batch BIGINT NOT NULL, at BIGINT NOT NULL, PRIMARY KEY (writer)) ENGINE=InnoDB",
        (),
    )
)


class Writer:
    """The one connection that writes, and the proof of what it committed."""

    def __init__(self, server: MariaServer, patience: float) -> None:
        self._patience = patience
        self.lock = asyncio.Lock()
        self._server = server
        self._name = uuid.uuid4().hex
        self._batch = 0
        self._link: Link | None = None

    async def link(self) -> Link:
        """The connection, made anew if it is gone."""
        if self._link is None or not self._link.alive:
            link = await Link.open(self._server)
            row = "INSERT INTO store_writers (writer, batch, at) VALUES (%s, %s, %s) ON DUPLICATE KEY UPDATE at = %s"
            now = int(time.time())
            try:
                await link.run([render((row, (self._name, 0, now, now)))])
            except BaseException:
                link.drop()
                raise
            self._link = link
        return self._link

    def mark(self) -> Text:
        """The statement that writes the number of the transaction that begins."""
        self._batch += 1
        return Text(
            b"UPDATE store_writers SET batch = %d, at = %d WHERE writer = '%s'"
            % (self._batch, time.time(), self._name.encode()),
            "UPDATE store_writers",
        )

    async def commit(self) -> bool:
        """Commit the transaction that was marked last; False if the answer was lost and it did not happen."""
        batch = self._batch
        link = self._link
        try:
            if link is None:
                return False
            await link.run([COMMIT])
        except Lost:
            log.warning("The answer to a commit was lost; asking the server whether it happened")
            return await self._happened(batch)
        return True

    async def _happened(self, batch: int) -> bool:
        """Whether the transaction with that number was committed."""
        ask = render(("SELECT batch FROM store_writers WHERE writer = %s FOR UPDATE", (self._name,)))
        try:
            async with asyncio.timeout(self._patience):
                while True:
                    try:
                        results = await (await self.link()).run([ask])
                    except (Lost, Busy):
                        await asyncio.sleep(0.1)
                    else:
                        return bool(results[0].rows) and results[0].rows[0][0] == batch
        except TimeoutError as error:
            raise StoreError("The database went away during a commit; it is not known whether it happened.") from error

    async def undo(self) -> None:
        """Roll back what is open; never raises."""
        if self._link is None or not self._link.alive:
            return
        try:
            await self._link.run([ROLLBACK])
        except (StoreError, exc.DatabaseError):
            log.warning("A transaction could not be rolled back; the server does it when the connection closes")
            self._link.drop()

    def drop(self) -> None:
        """Close the connection at once; the server rolls back what is open."""
        if self._link is not None:
            self._link.drop()

    async def close(self) -> None:
        """Take the row away and say goodbye; never raises."""
        if self._link is None:
            return
        if self._link.alive:
            try:
                await self._link.run([render(("DELETE FROM store_writers WHERE writer = %s", (self._name,)))], 2)
            except (StoreError, exc.DatabaseError) as error:
                log.info("The database was closed without a goodbye: %s", error)
        await self._link.close()


class MariaSession(Session):
    """One transaction on the writer's connection; its reads lock what they read (SERIALIZABLE)."""

    def __init__(self, writer: Writer, link: Link, limit: float) -> None:
        super().__init__(DIALECT)
        self._writer = writer
        self._link = link
        self._limit = limit
        self._one_at_a_time = asyncio.Lock()
        self._over = ""
        self._alarm = asyncio.get_running_loop().call_later(limit, self._expire)

    async def read(self, call: Call) -> Rows:
        result = (await self._run([render(call)]))[0]
        return result.rows, result.names

    async def execute(self, calls: Sequence[Call]) -> list[int]:
        if not calls:
            return []
        return [result.matched for result in await self._run([render(call) for call in calls])]

    async def commit(self) -> None:
        if self._over:
            raise StoreError(self._over)
        self._alarm.cancel()
        try:
            if not self._link.alive or not await self._writer.commit():
                raise Conflict("The connection broke before the transaction was committed; nothing of it happened.")
        except Busy as error:
            raise Conflict(str(error)) from error
        finally:
            self._end()

    async def rollback(self) -> None:
        if self._over:
            return
        try:
            await self._writer.undo()
        finally:
            self._end()

    async def _run(self, texts: Sequence[Text]) -> list[Result]:
        async with self._one_at_a_time:
            if self._over:
                raise StoreError(self._over)
            try:
                return await self._link.run(texts, self._limit)
            except (Lost, Busy) as error:
                raise self._why(error) from error

    def _why(self, error: StoreError) -> StoreError:
        return StoreError(self._over) if self._over else Conflict(str(error))

    def _expire(self) -> None:
        self._link.drop()
        self._end(f"A transaction was open for more than {self._limit:g} s and was rolled back.")

    def _end(self, why: str = "The transaction has ended.") -> None:
        """Let the others write, once."""
        if not self._over:
            self._over = why
            self._alarm.cancel()
            self._writer.lock.release()
