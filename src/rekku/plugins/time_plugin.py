"""Tell Rekku what time it is, and where it lives."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.clock import local_zone
from rekku.core.message import Message
from rekku.core.settings import Setting


class TimePlugin(AIPluginBase):
    """Date, time with zone and UTC, and the location, in every prompt."""

    settings = (
        Setting("TZ", "The time zone where Rekku lives, as Europe/Rome; by default the machine's."),
        Setting("PROMPT_LOCATION", "Where Rekku lives, in words, as “Rome, Italy”."),
    )

    async def start(self) -> None:
        self._zone = local_zone(self.host.settings["TZ"])

    async def get_static_injection(
        self, message: Message | None = None, context_memory: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        now = self.host.clock.now()
        there = now.astimezone(self._zone)
        facts = {
            "date": there.strftime("%A, %Y-%m-%d"),
            "time": there.strftime("%H:%M %Z (UTC%z)"),
            "zone": str(self._zone),
            "utc": now.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
        }
        location = self.host.settings["PROMPT_LOCATION"]
        return {"time": {**facts, "location": location} if location else facts}


PLUGIN_CLASS = TimePlugin
