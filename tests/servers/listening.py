"""A server on loopback that goes away and comes back on the same port."""

from typing import Self

from aiohttp import web


class Listening:
    """Listens with what `application` makes; an application can be run once."""

    port = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()

    def application(self) -> web.Application:
        """What answers."""
        raise NotImplementedError

    async def up(self) -> None:
        """Listen, on the same port as before."""
        self._runner = web.AppRunner(
            self.application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.05
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def down(self) -> None:
        """Hang up on everybody, and listen no more."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()
