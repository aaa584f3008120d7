"""One connection to MariaDB: several statements in one packet, errors sorted by what can be done about them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from types import NoneType
from typing import Any, NamedTuple

from rekku.core.errors import ConfigError, StoreError
from rekku.store.drivers.base import refused
from rekku.store.drivers.server import MariaServer
from rekku.store.drivers.statements import Call, Rows

try:
    import asyncmy
    from asyncmy import converters, errors
    from asyncmy.constants.CLIENT import FOUND_ROWS
    from asyncmy.cursors import SSCursor
except ImportError as missing:
    raise ConfigError(
        "DB_HOST is set, but the MariaDB driver is not installed. Install it: pip install 'rekku[mariadb]'"
    ) from missing

ANSWER_LIMIT = 8.0
"""Seconds that a statement may take; a server that is silent for longer counts as gone."""

CONNECT_LIMIT = 5.0
PACKET = 1_000_000
"""Bytes of statements that are sent together."""

PIECE = 500
SETUP = (
    "SET NAMES utf8mb4 COLLATE utf8mb4_nopad_bin",
    "SET autocommit=1, time_zone='+00:00', innodb_lock_wait_timeout=5, "
    "sql_mode='STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    "SELECT @@max_allowed_packet",
)
LOST_CODES = frozenset(
    {0, 1040, 1053, 1152, 1158, 1159, 1160, 1161, 1184, 1290, 1836, 1927, 2002, 2003, 2006, 2013, 2014, 2055, 4031}
)
BUSY_CODES = frozenset({1020, 1205, 1213})
DENIED_CODES = frozenset({1044, 1045, 1130, 1227, 1251, 1698, 1862})
NO_SUCH_DATABASE = 1049


class Lost(StoreError):
    """The connection is gone; what was not committed has not happened."""


class Busy(StoreError):
    """The server gave way to another transaction; try again."""


class NoSuchDatabase(StoreError):
    """The server has no database of that name."""


class Result(NamedTuple):
    """What one statement did: rows matched, or rows read with the names of their columns."""

    matched: int
    rows: Sequence[Sequence[Any]]
    names: Sequence[str]


class Text(NamedTuple):
    """A statement with its values written into it, and without them for error messages."""

    encoded: bytes
    sql: str


def render(call: Call) -> Text:
    """The statement as it is sent. Raises UnicodeEncodeError for texts that no database can hold."""
    sql, parameters = call
    written = sql % tuple([_WRITERS.get(type(value), _other)(value) for value in parameters])
    return Text(written.encode("utf-8", "surrogateescape"), sql)


class Link:
    """A connection with our session settings. Not for two users at the same time."""

    def __init__(self, raw: Any, name: str) -> None:
        self._raw = raw
        self._name = name
        self._longest = PACKET

    @property
    def alive(self) -> bool:
        """Whether it can still be used, as far as is known."""
        return bool(self._raw.connected)

    @classmethod
    async def open(cls, server: MariaServer, *, database: bool = True) -> "Link":
        """Connect. Raises ConfigError (wrong password, unknown host), NoSuchDatabase or Lost."""
        raw = None
        try:
            async with asyncio.timeout(CONNECT_LIMIT):
                raw = await asyncmy.connect(
                    host=server.host,
                    port=server.port,
                    user=server.user,
                    password=server.password,
                    database=server.name if database else None,
                    charset="utf8mb4",
                    client_flag=FOUND_ROWS,
                    autocommit=None,
                    connect_timeout=CONNECT_LIMIT,
                )
        except (errors.MySQLError, OSError) as error:
            raise _connecting_failed(server, error) from error
        link = cls(raw, f"{server.host}:{server.port}")
        try:
            results = await link.run([Text(sql.encode(), sql) for sql in SETUP], CONNECT_LIMIT)
        except BaseException:
            link.drop()
            raise
        link._longest = int(results[-1].rows[0][0])
        return link

    async def run(self, texts: Sequence[Text], limit: float = ANSWER_LIMIT) -> list[Result]:
        """Send the statements, as many as fit in one packet, and return what each did, up to the first that fails.

        Raises Lost, Busy, or SQLAlchemy's DatabaseError (IntegrityError) for a statement that is refused.
        """
        results: list[Result] = []
        for packet in _packets(texts):
            if len(packet) > self._longest - 1024:
                problem = ValueError(f"{len(packet)} bytes are more than the server's max_allowed_packet")
                raise refused(problem, texts[len(results)].sql, integrity=False)
            try:
                async with asyncio.timeout(limit):
                    await self._send(packet, results)
            except errors.MySQLError as error:
                raise self._sort(error, texts[min(len(results), len(texts) - 1)].sql) from error
            except TimeoutError as error:
                self.drop()
                raise Lost(f"MariaDB on {self._name} did not answer within {limit:g} s.") from error
            except (OSError, EOFError, RuntimeError, AttributeError, IndexError) as error:
                self.drop()  # how the driver fails when the connection breaks between two packets
                raise Lost(f"The connection to MariaDB on {self._name} broke ({error!r}).") from error
        return results

    async def stream(self, text: Text) -> AsyncIterator[Rows]:
        """The rows of one statement, some at a time; at least one piece, for the sake of the names."""
        async with self._raw.cursor(SSCursor) as cursor:
            async with asyncio.timeout(ANSWER_LIMIT):
                await cursor.execute(text.encoded)
                rows = await cursor.fetchmany(PIECE)
            names = [column[0] for column in cursor.description]
            yield rows, names
            while rows:
                async with asyncio.timeout(ANSWER_LIMIT):
                    rows = await cursor.fetchmany(PIECE)
                yield rows, names

    def drop(self) -> None:
        """Close at once, without a word to the server."""
        self._raw.close()

    async def close(self) -> None:
        """Say goodbye and close; never raises."""
        try:
            async with asyncio.timeout(1):
                await self._raw.ensure_closed()
        except (errors.MySQLError, OSError, RuntimeError, AttributeError):
            self.drop()

    async def _send(self, packet: bytes, results: list[Result]) -> None:
        # The driver's own cursor would ask the server for the warnings of every INSERT IGNORE, and log them.
        raw = self._raw
        await raw.query(packet)
        while True:
            result = raw._result
            names = [column[0] for column in result.description] if result.description else ()
            results.append(Result(result.affected_rows, result.rows or (), names))
            if not result.has_next:
                return
            await raw.next_result()

    def _sort(self, error: Exception, sql: str) -> Exception:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        if code in LOST_CODES or not self.alive:
            self.drop()
            return Lost(f"The connection to MariaDB on {self._name} broke ({error.args[-1] if error.args else error}).")
        if code in BUSY_CODES:
            return Busy(f"MariaDB on {self._name} is busy with another transaction on the same rows.")
        return refused(error, sql, integrity=isinstance(error, errors.IntegrityError))


def _packets(texts: Sequence[Text]) -> list[bytes]:
    if len(texts) == 1:
        return [texts[0].encoded]
    packets: list[bytes] = []
    waiting: list[bytes] = []
    length = 0
    for text in texts:
        if waiting and length + len(text.encoded) > PACKET:
            packets.append(b";".join(waiting))
            waiting, length = [], 0
        waiting.append(text.encoded)
        length += len(text.encoded)
    packets.append(b";".join(waiting))
    return packets


def _connecting_failed(server: MariaServer, error: Exception) -> Exception:
    where = f"{server.host}:{server.port}"
    code = error.args[0] if error.args else 0
    if code == NO_SUCH_DATABASE:
        return NoSuchDatabase(f"MariaDB on {where} has no database {server.name!r}.")
    if code in DENIED_CODES:
        return ConfigError(
            f"MariaDB on {where} does not let the user {server.user!r} in. Check DB_USER, DB_PASS and DB_NAME, "
            "and what that user is allowed to do."
        )
    if type(error.__cause__).__name__ == "gaierror":
        return ConfigError(f"There is no host named {server.host!r}. Check DB_HOST.")
    return Lost(f"MariaDB on {where} cannot be reached ({type(error.__cause__ or error).__name__}). Is it running?")


def _str(value: str) -> str:
    if not value.isascii():
        value.encode()  # a lone surrogate is refused here, as SQLite does
    return f"'{converters.escape_string(value)}'"


def _bytes(value: bytes) -> str:
    return str(converters.escape_bytes_prefixed(bytes(value)))


def _other(value: Any) -> str:
    if isinstance(value, str):
        return _str(str.__str__(value))
    if isinstance(value, int):
        return int.__repr__(value)
    return str(converters.escape_item(value, "utf8mb4", converters.conversions))


_WRITERS: dict[type, Callable[[Any], str]] = {
    str: _str,
    int: int.__repr__,
    bool: lambda value: "1" if value else "0",
    NoneType: lambda _: "NULL",
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
}
