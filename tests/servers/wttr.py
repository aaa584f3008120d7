"""A weather server on loopback that answers as wttr.in does."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Self

from aiohttp import web

SAMPLE: Mapping[str, Any] = {
    "current_condition": [
        {
            "FeelsLikeC": "-3",
            "humidity": "93",
            "localObsDateTime": "2026-03-01 01:10 PM",
            "precipMM": "1.4",
            "temp_C": "1",
            "weatherDesc": [{"value": "Light snow"}],
            "winddir16Point": "NNE",
            "windspeedKmph": "22",
        }
    ],
    "nearest_area": [{"areaName": [{"value": "Smallville"}], "country": [{"value": "Nowhere"}]}],
    "weather": [
        {
            "date": "2026-03-01",
            "mintempC": "-2",
            "maxtempC": "3",
            "hourly": [
                {"chanceofrain": "0", "chanceofsnow": "10", "weatherDesc": [{"value": "Mist"}]},
                {"chanceofrain": "0", "chanceofsnow": "80", "weatherDesc": [{"value": "Heavy snow"}]},
                {"chanceofrain": "0", "chanceofsnow": "20", "weatherDesc": [{"value": "Cloudy"}]},
            ],
        }
    ],
}
"""An answer of the same shape as a real one, with what is not needed left out."""


class WeatherServer:
    """Answers every request with `body` and `status`; `paths` are the paths that were asked for, as they came."""

    def __init__(self) -> None:
        self.says(SAMPLE)
        self.paths: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """What WEATHER_URL must be."""
        return f"http://127.0.0.1:{self.port}"

    def says(self, body: Mapping[str, Any] | str | bytes, status: int = 200) -> None:
        """Answer this from now on; a mapping as JSON."""
        self.status = status
        text = json.dumps(body) if isinstance(body, Mapping) else body
        self.body = text.encode() if isinstance(text, str) else text

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        app = web.Application()
        app.router.add_get("/{place:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def stop(self) -> None:
        """Refuse connections and drop those that are open."""
        runner, self._runner = self._runner, None
        if runner is not None:
            self.gate.set()
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _answer(self, request: web.Request) -> web.Response:
        self.paths.append(request.raw_path)
        await self.gate.wait()
        return web.Response(body=self.body, status=self.status, content_type="application/json")
