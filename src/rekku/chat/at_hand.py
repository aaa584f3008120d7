"""A Rekku to talk to: the one that runs, or one that is brought up for this conversation."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from rekku import home as home_folder
from rekku.chat.connection import Connection, connect
from rekku.core.errors import ConfigError

EDGES = frozenset({"cli"})
PATIENCE = 15.0
"""Seconds in which a Rekku that holds the home must begin to listen."""


@asynccontextmanager
async def at_hand(home: Path, environ: Mapping[str, str]) -> AsyncIterator[Connection]:
    """A connection to the Rekku of this home; without a running one, one with only the terminal lives as long as the
    block. Raises ConfigError."""
    async with AsyncExitStack() as stack:
        try:
            stack.enter_context(home_folder.lock(home))
        except home_folder.HomeInUse as held:
            connection = await _to_running(home, held)
        else:
            from rekku.app import running

            await stack.enter_async_context(running(home, environ, edges=EDGES))
            connection = await _to_own(home)
        stack.callback(connection.close)
        yield connection


async def _to_running(home: Path, held: home_folder.HomeInUse) -> Connection:
    try:
        return await connect(home, PATIENCE)
    except OSError as error:
        raise ConfigError(f"{held} It does not answer on its local socket ({error.strerror}).") from error


async def _to_own(home: Path) -> Connection:
    try:
        return await connect(home)
    except OSError as error:
        raise ConfigError(
            f"The terminal interface did not start ({error.strerror}). `rekku doctor` says why."
        ) from error
