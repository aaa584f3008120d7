"""Listens, and serves the application with uvicorn in Rekku's own loop. Imported at start only."""

import asyncio
import logging
import socket
from typing import Any

import uvicorn
from uvicorn.lifespan.off import LifespanOff
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from rekku.interface.webui.settings import NEIGHBOURS, is_loopback

BACKLOG = 256
FRAME = 512 * 1024
"""Bytes of one message from a page."""
MOST_AT_ONCE = 1200
"""Connections and requests at the same time."""
HEAD = 64 * 1024
"""Bytes of a request's head."""
GRACE = 1
"""Seconds that requests get to end when Rekku ends."""
CHATTY = ("uvicorn", "uvicorn.error", "uvicorn.access", "websockets")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. On this machine alone, a port that is taken gives way to one of the next. Raises OSError."""
    tries = NEIGHBOURS if port and is_loopback(host) else 1
    for number in range(tries):
        try:
            return _bound(host, port + number if port else 0)
        except OSError as error:
            if number + 1 == tries or port + number >= 65535 or not _is_taken(error):
                raise
    raise AssertionError("unreachable")


def _bound(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
        bound.setblocking(False)
    except BaseException:
        bound.close()
        raise
    return bound


def _is_taken(error: OSError) -> bool:
    import errno

    return error.errno in (errno.EADDRINUSE, errno.EACCES)


class Server:
    """A uvicorn server that starts and stops where it is told to, and leaves signals and log settings alone."""

    def __init__(self, app: Any, listening: socket.socket) -> None:
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._listening = listening
        config = uvicorn.Config(
            app,
            http=H11Protocol,
            ws=WebSocketsSansIOProtocol,
            ws_max_size=FRAME,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            limit_concurrency=MOST_AT_ONCE,
            h11_max_incomplete_event_size=HEAD,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = LifespanOff(config)

    @property
    def port(self) -> int:
        """The port that it listens at."""
        return int(self._listening.getsockname()[1])

    async def start(self) -> None:
        """Serve from now on."""
        await self._server.startup(sockets=[self._listening])

    async def stop(self) -> None:
        """Let requests and pages end, for a moment; then end them. (uvicorn's own way polls, ten times a second.)"""
        state = self._server.server_state
        for server in self._server.servers:
            server.close()
        for connection in tuple(state.connections):
            connection.shutdown()
        if tasks := tuple(state.tasks):
            _, late = await asyncio.wait(tasks, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._listening.close()
