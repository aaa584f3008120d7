"""A proxy on loopback before another server, in which a connection can break at the worst moment."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

Judge = Callable[[web.Request], Awaitable["web.Response | None"]]
HOP = frozenset({"host", "transfer-encoding", "content-length", "connection", "content-encoding", "accept-encoding"})


class Proxy:
    """Hands on every request. `judge` may answer one itself, `rewrite` change where it goes, `loses` drop an answer."""

    def __init__(self, target: str, judge: Judge) -> None:
        self.target = target
        self.judge = judge
        self.loses: Callable[[web.Request], bool] = lambda _: False
        self.rewrite: Callable[[web.Request], str] = lambda request: request.path_qs
        self.port = 0
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def up(self) -> None:
        """Listen, on the same port as before."""
        app = web.Application(client_max_size=60_000_000)
        app.router.add_route("*", "/{path:.*}", self._hand_on)
        self._session = aiohttp.ClientSession(auto_decompress=True)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def down(self) -> None:
        """Hang up on everybody, and listen no more."""
        if self._runner is not None and self._session is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()
            await self._session.close()

    async def _hand_on(self, request: web.Request) -> web.Response:
        if (answer := await self.judge(request)) is not None:
            return answer
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        body = await request.read()
        target = self.target + self.rewrite(request)
        async with self._session.request(request.method, target, headers=headers, data=body or None) as told:
            data = await told.read()
        if self.loses(request):
            assert request.transport is not None
            request.transport.abort()
        kept: dict[str, Any] = {n: v for n, v in told.headers.items() if n.lower() not in (*HOP, "content-type")}
        kept["Content-Type"] = told.headers.get("Content-Type", "application/json")
        return web.Response(status=told.status, body=data, headers=kept)
