"""Tell Rekku what the weather is like where it lives."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.members import in_thread
from rekku.core.message import Message
from rekku.core.settings import Setting
from rekku.plugins._weather import fetch
from rekku.plugins._weather.report import read_report

log = logging.getLogger(__name__)

TOO_OLD = timedelta(hours=24)
"""From this age on a report says nothing about the weather any more."""

FIRST_RETRY = 60.0
"""Seconds until the service is asked again after a failure; twice as long after each further one."""

UNSET = "the setting PROMPT_LOCATION is not set, so the weather is not known"


class WeatherPlugin(AIPluginBase):
    """The weather now and for the next days in every prompt, fetched in the background, never during a message."""

    settings = (
        Setting("PROMPT_LOCATION", "Where Rekku lives, in words, as “Rome, Italy”."),
        Setting("WEATHER_FETCH_TIME", "Minutes between two looks at the weather.", int, default=30, minimum=1),
        Setting("WEATHER_URL", "The weather server: wttr.in, or one that answers like it.", default="https://wttr.in"),
    )

    def __init__(self) -> None:
        self.limit = 20.0
        self._report: dict[str, Any] = {}
        self._fetched: datetime | None = None
        self._trouble = ""

    @property
    def _location(self) -> str:
        return str(self.host.settings["PROMPT_LOCATION"] or "")

    async def start(self) -> None:
        if self._location:
            self.host.spawn(self._keep_fresh(), "weather")

    async def get_static_injection(
        self, message: Message | None = None, context_memory: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        if not self._location:
            return {"weather": {"unknown": f"{UNSET}; the owner can set it"}}
        age = self._age()
        if age is None or age >= TOO_OLD:
            return {"weather": {"unknown": self._trouble or "the first report has not come yet"}}
        late = {"age": f"{_in_words(age)} old, newer reports cannot be had now"} if self._trouble else {}
        return {"weather": {"location": self._location, **late, **self._report}}

    async def health(self) -> str:
        return self._trouble if self._location else UNSET

    def export_state(self) -> dict[str, Any]:
        return {"location": self._location, "report": self._report, "fetched": self._fetched}

    def import_state(self, state: Any) -> None:
        if state["location"] == self._location:
            self._report, self._fetched = state["report"], state["fetched"]

    def _age(self) -> timedelta | None:
        return None if self._fetched is None else max(self.host.clock.now() - self._fetched, timedelta(0))

    async def _keep_fresh(self) -> None:
        await in_thread(fetch.prepare)
        interval = 60.0 * self.host.settings["WEATHER_FETCH_TIME"]
        retry = FIRST_RETRY
        while True:
            await self._refresh()
            if self._trouble:
                pause, retry = min(retry, interval), retry * 2
            else:
                pause, retry = interval, FIRST_RETRY
            await self.host.clock.sleep(pause)

    async def _refresh(self) -> None:
        """Ask the service once; what goes wrong is kept in words, and logged when it begins and when it ends."""
        base = str(self.host.settings["WEATHER_URL"]).rstrip("/")
        try:
            report = read_report(await fetch.body(base, self._location, self.limit))
        except fetch.NoReport as error:
            trouble = str(error)
        except ValueError as error:
            trouble = f"{urlsplit(base).netloc or base} answered what is no weather report ({error})"
        else:
            if self._trouble:
                log.info("The weather service answers again.")
            self._report, self._fetched, self._trouble = report, self.host.clock.now(), ""
            return
        if not self._trouble:
            log.warning("The weather could not be had: %s.", trouble)
        self._trouble = trouble


def _in_words(age: timedelta) -> str:
    minutes = int(age.total_seconds() // 60)
    if minutes == 1:
        return "1 minute"
    return f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"


PLUGIN_CLASS = WeatherPlugin
