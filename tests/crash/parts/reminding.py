"""An engine that makes reminders when it is asked to, and says what an event is about when one is due."""

import json
import re
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from rekku.core.engine_base import EngineBase
from rekku.core.model_call import ChatMessages, ModelCall
from rekku.plugins._event.tables import EVENTS
from tests.crash import death

AHEAD = timedelta(seconds=1)
"""How far ahead a reminder is due at least; when it is made only after that, because the process died, it is in the
past, and is asked for again."""

SPREAD = 2


class Reminding(EngineBase):
    """A line of the input, as `7 remind 31 38 5`, asks for reminders by their numbers, 5 seconds from now."""

    async def generate_response(self, messages: ChatMessages, call: ModelCall) -> AsyncIterator[str]:
        death.point("engine asked")
        given = json.loads(str(messages[1]["content"]))["input"]
        if given["type"] == "event":
            found = re.search(r"“(reminder \d+)”", given["payload"]["text"])
            actions = [_say(str(found and found[1]))]
        else:
            actions = await self._make(given["payload"]["text"], first=len(messages) == 2)
        call.used(10, 10, "scripted-1")
        yield json.dumps({"actions": actions})

    async def _make(self, text: str, *, first: bool) -> list[dict[str, Any]]:
        """Those that are not there yet; after a crash or an error a careful model looks what is there."""
        there = {row.description for row in await self.host.database.fetch(select(EVENTS.c.description))}
        events, numbers = [], []
        for line in text.splitlines():
            number, _, begin, end, ahead = line.split()
            numbers.append(number)
            events += list(_events(range(int(begin), int(end) + 1), int(ahead), there))
        return [*events, *([_say(f"noted {' '.join(numbers)}")] if first else [])]


def _events(numbers: Iterable[int], ahead: int, there: set[str]) -> Iterable[dict[str, Any]]:
    now = datetime.now(UTC)
    for number in numbers:
        due = now + AHEAD + timedelta(seconds=ahead + number % SPREAD)
        if f"reminder {number}" not in there:
            yield {
                "type": "event",
                "payload": {
                    "date": f"{due:%Y-%m-%d}",
                    "time": f"{due:%H:%M:%S}",
                    "description": f"reminder {number}",
                    "repeat": "daily" if number % 2 else "none",
                },
            }


def _say(text: str) -> dict[str, Any]:
    return {"type": "message", "payload": {"text": text}}


PLUGIN_CLASS = Reminding
