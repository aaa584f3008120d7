"""A proxy on loopback before another server, in which a connection can break at the worst moment."""

from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from tests.servers.listening import Listening

Judge = Callable[[web.Request], Awaitable["web.Response | None"]]
HOP = frozenset({"host", "transfer-encoding", "content-length", "connection", "content-encoding", "accept-encoding"})


class Proxy(Listening):
    """Hands on every request. `judge` may answer one itself, `rewrite` change where it goes, `loses` drop an answer."""

    def __init__(self, target: str, judge: Judge) -> None:
        self.target = target
        self.judge = judge
        self.loses: Callable[[web.Request], bool] = lambda _: False
        self.rewrite: Callable[[web.Request], str] = lambda request: request.path_qs
        self._session: aiohttp.ClientSession | None = None

    def application(self) -> web.Application:
        """All of it is handed on."""
        app = web.Application(client_max_size=60_000_000)
        app.router.add_route("*", "/{path:.*}", self._hand_on)
        return app

    async def up(self) -> None:
        """Listen, on the same port as before."""
        self._session = aiohttp.ClientSession(auto_decompress=True)
        await super().up()

    async def down(self) -> None:
        """Hang up on everybody, and listen no more."""
        await super().down()
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

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
