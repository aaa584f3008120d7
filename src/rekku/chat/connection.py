"""The client's end of the local socket; the records are described in `rekku.interface.cli`."""

import asyncio
import contextlib
import json
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from rekku.platforms.local_socket import reachable

LONGEST_LINE = 8_000_000
"""Bytes: a record of the server may be longer than one of ours, by the escapes."""


class Connection:
    """A connection to a running Rekku."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def hello(self, *, tty: bool) -> None:
        """Say that we are there; from then on messages are sent to us."""
        await self._send({"type": "hello", "tty": tty})

    async def say(self, text: str, message_id: str = "") -> str:
        """Send what the owner says; returns the message's id. The same id again is harmless."""
        message_id = message_id or uuid.uuid4().hex
        await self._send({"type": "message", "id": message_id, "text": text})
        return message_id

    async def answer(self, question: int, text: str) -> None:
        """Send the owner's words for a prompt."""
        await self._send({"type": "answer", "question": question, "text": text})

    async def records(self) -> AsyncIterator[dict[str, Any]]:
        """What the server sends, until it hangs up."""
        while True:
            try:
                line = await self._reader.readline()
            except (ConnectionError, ValueError):
                return
            if not line:
                return
            yield json.loads(line)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def _send(self, record: Mapping[str, Any]) -> None:
        # A connection that broke is noticed where records are read: there it ends.
        with contextlib.suppress(ConnectionError):
            self._writer.write(json.dumps(record).encode() + b"\n")
            await self._writer.drain()


async def connect(home: Path, patience: float = 0.0) -> Connection:
    """Connect to the Rekku that runs in this home, trying for so many seconds (it may be starting).

    Raises OSError if it does not listen.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while True:
        try:
            return await _connect(home)
        except (FileNotFoundError, ConnectionRefusedError):
            if loop.time() >= deadline:
                raise
            await asyncio.sleep(0.05)


async def _connect(home: Path) -> Connection:
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    ours.setblocking(False)
    try:
        with reachable(home) as path:
            await asyncio.get_running_loop().sock_connect(ours, path)
        return Connection(*await asyncio.open_unix_connection(sock=ours, limit=LONGEST_LINE))
    except BaseException:
        ours.close()
        raise
