"""A bell: who rests hears it."""

import asyncio

from rekku.core.host import Host


class Bell:
    """Rung when there is news; `rung` stays until somebody has taken note (`hush`)."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._stir = asyncio.Event()
        self.rung = False

    def ring(self) -> None:
        """There is news."""
        self.rung = True
        self._stir.set()

    def hush(self) -> None:
        """What was rung for is looked at now."""
        self.rung = False

    async def rest(self, seconds: float | None) -> None:
        """Wait until it is rung, or was, for at most so many seconds of the clock (None: for ever)."""
        self._stir.clear()
        if self.rung:
            return
        until = None if seconds is None else self._host.clock.monotonic() + seconds
        alarm = None if until is None else self._host.spawn(self._wake(until), "events rest")
        try:
            await self._stir.wait()
        finally:
            if alarm is not None:
                alarm.cancel()

    async def _wake(self, until: float) -> None:
        await self._host.clock.sleep(max(0.0, until - self._host.clock.monotonic()))
        self._stir.set()
