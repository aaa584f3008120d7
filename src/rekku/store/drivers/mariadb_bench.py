"""What works on a whole MariaDB: migration steps, and snapshots for a backup."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rekku.store.drivers.mariadb_link import Link, render
from rekku.store.drivers.mariadb_writer import BEGIN, COMMIT, ROLLBACK, WRITERS_TABLE
from rekku.store.drivers.statements import Call, Rows

STEP_LIMIT = 3600.0
"""Seconds that one statement of a migration or a restore may take."""


class MariaBench:
    """Migration steps on MariaDB; DDL commits by itself there, so steps look before they change."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def read(self, call: Call) -> Rows:
        result = (await self._link.run([render(call)], STEP_LIMIT))[0]
        return result.rows, result.names

    @asynccontextmanager
    async def atomic(self) -> AsyncIterator[None]:
        await self._link.run([BEGIN])
        try:
            yield
        except BaseException:
            if self._link.alive:
                await self._link.run([ROLLBACK])
            raise
        await self._link.run([COMMIT])


class MariaSnapshot:
    """All tables at the instant at which the transaction began."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def tables(self) -> list[str]:
        found = await self._link.run([render(("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'", ()))])
        return sorted(row[0] for row in found[0].rows if row[0] != WRITERS_TABLE)

    async def rows(self, table: str) -> AsyncIterator[Rows]:
        quoted = table.replace("`", "``").replace("%", "%%")
        async for piece in self._link.stream(render((f"SELECT * FROM `{quoted}`", ()))):  # noqa: S608 - a known table
            yield piece
