"""The terminals that are connected, and the records that go to them."""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from rekku.interface._cli.address import from_same_user

log = logging.getLogger(__name__)

LONGEST_LINE = 4_000_000
"""Bytes of one record."""
MOST_WAITING = 8_000_000
"""Bytes that may wait for a client that reads slowly; past that it is dropped."""


class Client:
    """One connected terminal."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.greeted = False

    @property
    def allowed(self) -> bool:
        """Whether it runs as the user whom this Rekku belongs to."""
        return from_same_user(self.writer.get_extra_info("socket"))

    def send(self, record: Mapping[str, Any]) -> bool:
        """Send a record without waiting; False if the client is gone, or was dropped because it does not read."""
        if self.writer.is_closing():
            return False
        self.writer.write(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace") + b"\n")
        if self.writer.transport.get_write_buffer_size() > MOST_WAITING:
            log.warning("A terminal that does not read was dropped.")
            self.writer.transport.abort()
            return False
        return True

    async def receive(self) -> dict[str, Any] | None:
        """The next record; None at the end. Raises ValueError, a sentence, for what is not one."""
        try:
            line = await self.reader.readline()
        except ConnectionError:
            return None
        except ValueError:
            self.writer.close()
            raise ValueError(f"A record may have {LONGEST_LINE:,} bytes.") from None
        if not line:
            return None
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise ValueError("That is not a line of JSON.") from None
        if not isinstance(record, dict):
            raise ValueError("A record is a JSON object.")
        return record

    def close(self) -> None:
        """Hang up; what was sent still goes out."""
        self.writer.close()


class Clients:
    """All connected terminals that said hello; they see the same conversation."""

    def __init__(self) -> None:
        self.connected: set[Client] = set()

    def send(self, record: Mapping[str, Any]) -> bool:
        """Send a record to everybody; False if nobody is there."""
        reached = [client.send(record) for client in tuple(self.connected) if client.greeted]
        return any(reached)

    def close(self) -> None:
        """Hang up on everybody."""
        for client in tuple(self.connected):
            client.close()
        self.connected.clear()
