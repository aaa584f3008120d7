"""The owner at the page of terminals: a socket for each, and what it shows."""

import asyncio
import contextlib
import json
from typing import Any

import aiohttp

from tests.interface.webui.visitor import Visitor

PATIENCE = 15.0
SIZE = {"columns": 80, "rows": 24}


class View:
    """A terminal on an open page: what it shows."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, shows_all: bool = True) -> None:
        self.socket = socket
        self.shown = b""
        self.total = 0
        self.records: list[dict[str, Any]] = []
        self.shows_all = shows_all
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @property
    def faults(self) -> list[str]:
        """What it complains about."""
        return [record["text"] for record in self.records if record["type"] == "fault"]

    async def type(self, keys: str) -> None:
        """Press keys."""
        await self.socket.send_json({"type": "keys", "keys": keys})

    async def until(self, text: str) -> None:
        """Wait until something is shown."""
        await self.wait_for(lambda: text.encode() in self.shown)

    async def wait_for(self, fact: Any) -> None:
        """Wait until something is so."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not fact():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"in vain; it shows {self.shown[-500:]!r} {self.records}") from None

    async def ended(self) -> str:
        """Why it has ended, once it has."""
        await self.wait_for(lambda: any(record["type"] == "ended" for record in self.records))
        return str(self.records[-1]["reason"])

    async def show_all(self) -> None:
        """Show what has come, and from now on what comes."""
        self.shows_all = True
        await self._say_seen(self.total)

    async def close(self) -> None:
        """Close the page."""
        await self.socket.close()
        await self._reading

    async def _read(self) -> None:
        async for message in self.socket:
            if isinstance(message.data, bytes):
                self.shown = (self.shown + message.data)[-1_000_000:]
                self.total += len(message.data)
                if self.shows_all:
                    await self._say_seen(len(message.data))
            else:
                record = json.loads(message.data)
                if record["type"] == "anew":
                    self.shown = b""
                self.records.append(record)
            self._news.set()
        self._news.set()

    async def _say_seen(self, count: int) -> None:
        with contextlib.suppress(ConnectionError):  # the shell has ended, and Rekku has hung up
            await self.socket.send_json({"type": "seen", "bytes": count})


class Owner(Visitor):
    """The owner, with terminals."""

    async def do(self, deed: str, **given: Any) -> Any:
        """What the panel of the terminal answers."""
        status, told = await self.post(f"/web/plugin/terminal/{deed}", given)
        assert status == 200, told
        return told

    async def begin(self, **size: int) -> str:
        """A new terminal; its name."""
        return str((await self.do("open", **{**SIZE, **size}))["screen"])

    async def until_running(self, *names: str) -> None:
        """Wait until just these programs have the keyboards."""
        async with asyncio.timeout(PATIENCE):
            while {screen["running"] for screen in (await self.do("screens"))["screens"]} != set(names):
                continue

    async def look_at(self, screen: str, at: int = 0, shows_all: bool = True) -> View:
        """Open a page on a terminal."""
        path = f"/web/terminal/{screen}?at={at}"
        return View(await self.http.ws_connect(path, headers={"origin": self.base}), shows_all)
