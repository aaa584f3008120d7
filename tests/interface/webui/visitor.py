"""Somebody at the web page: a browser without a screen, over real HTTP and a real socket."""

import asyncio
import io
import re
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp

from rekku.core.registry import Kind
from rekku.testing import Bot

PASSWORD = "correct horse battery"
PATIENCE = 10.0
CSRF = "x-rekku-csrf"


class Page:
    """An open page: what came over its socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.records: list[dict[str, Any]] = []
        self.lines: dict[str, dict[str, Any]] = {}
        self.drafts: list[str] = []
        self.last = 0
        self.code: int | None = None
        self._news = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def send(self, **record: Any) -> None:
        """Say something to Rekku's page."""
        await self.socket.send_json(record)

    async def say(self, text: str, message_id: str = "", **more: Any) -> str:
        """Write a line; its id."""
        number = message_id or str(uuid.uuid4())
        await self.send(type="say", id=number, text=text, **more)
        return number

    async def until(self, fact: Callable[[], object]) -> None:
        """Wait until something is so, as far as this page knows."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not fact():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"in vain; the page knows {list(self.lines.values())[-5:]}, {self.code=}") from None

    async def record(self, kind: str, **like: Any) -> dict[str, Any]:
        """The first record of a kind, with these values."""

        def found() -> dict[str, Any] | None:
            same = (r for r in self.records if r["type"] == kind and like.items() <= r.items())
            return next(same, None)

        await self.until(found)
        record = found()
        assert record is not None
        return record

    def texts(self, sender: str = "rekku") -> list[str]:
        """What stands there, in order."""
        lines = sorted(self.lines.values(), key=lambda line: int(line["n"]))
        return [line["text"] for line in lines if line["from"] == sender and line["state"] == "final"]

    async def close(self) -> None:
        """Close the page."""
        await self.socket.close()
        await self._reading

    async def _read(self) -> None:
        async for message in self.socket:
            record = message.json()
            self.records.append(record)
            match record:
                case {"type": "lines" | "older", "lines": lines}:
                    for line in lines:
                        self._put(line)
                    self.last = record.get("seq", self.last)
                case {"type": "line", "line": line}:
                    self._put(line)
                    self.last = max(self.last, line["seq"])
                case {"type": "draft", "id": str(number), "text": str(text)}:
                    self.drafts.append(text)
                    if number in self.lines:
                        self.lines[number]["text"] = text
            self._news.set()
        self.code = self.socket.close_code
        self._news.set()

    def _put(self, line: dict[str, Any]) -> None:
        known = self.lines.get(line["id"])
        if known is None or known["seq"] <= line["seq"]:
            self.lines[line["id"]] = line


class Visitor:
    """A browser: cookies, the Origin of its page, the token against forged requests."""

    def __init__(self, base: str) -> None:
        self.base = base
        jar, connector = aiohttp.CookieJar(unsafe=True), aiohttp.TCPConnector(limit=0)
        self.http = aiohttp.ClientSession(base_url=base, cookie_jar=jar, connector=connector)
        self.csrf = ""
        self.me: dict[str, Any] = {}
        self.pages: list[Page] = []

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        """Status and content of a path."""
        async with self.http.get(path, headers=headers) as response:
            return response.status, await _content(response)

    async def post(self, path: str, content: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and content of the answer to a JSON body."""
        told = {"origin": self.base, CSRF: self.csrf, **{k.replace("_", "-"): v for k, v in headers.items()}}
        body: Mapping[str, Any] = (
            {"data": io.BytesIO(content)} if isinstance(content, bytes) else {"json": content or {}}
        )
        async with self.http.post(path, headers=told, **body) as response:
            answer = await _content(response)
            if isinstance(answer, dict) and "csrf" in answer:
                self.csrf = answer["csrf"]
                self.me = answer
            return response.status, answer

    async def log_in(self, password: str = PASSWORD) -> None:
        """Come in with the password."""
        status, told = await self.post("/web/login", {"password": password})
        assert status == 200, told

    async def open(self, last: int = 0, **headers: str) -> Page:
        """Open a page, and wait until it knows what stands there."""
        page = Page(await self.http.ws_connect("/web/socket", headers={"origin": self.base, **headers}))
        self.pages.append(page)
        await page.send(type="hello", last=last)
        await page.record("lines")
        return page

    @property
    def cookie(self) -> str:
        """The cookie of the session."""
        (morsel,) = self.http.cookie_jar
        return morsel.value

    async def close(self) -> None:
        """Close everything."""
        for page in self.pages:
            await page.close()
        await self.http.close()


async def _content(response: aiohttp.ClientResponse) -> Any:
    data = await response.read()
    if response.content_type == "application/json":
        return await response.json()
    return data


def welcome(bot: Bot) -> str:
    """What Rekku says at its start about the web page."""
    component = bot.running.registry.get(Kind.INTERFACE, "webui")
    assert component is not None
    text: str = component.instance.welcome()
    return text


def address(bot: Bot) -> str:
    """Where the web page is."""
    found = re.search(r"http://[^/\s]+", welcome(bot))
    assert found, welcome(bot)
    return found[0]


def link_in(text: str) -> str:
    """The secret in a one-time link."""
    found = re.search(r"#link=([\w-]+)", text)
    assert found, text
    return found[1]
