"""Reminders of a Rekku that is killed all the time: none is lost, and only what was just sent may come twice."""

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from rekku.plugins._event import tables
from rekku.store.database import open_database
from rekku.store.migrations import migrate
from tests.crash.life import MOST_KILLS, PARTS, Life
from tests.crash.verdict import Verdict

AT_A_TIME = 6
"""So many reminders are due in each run."""

SHORTEST, LONGEST = 0.02, 0.6
"""Seconds after which a run is killed."""

DUE = (-0.2, 0.8)
"""Seconds after which a reminder is due."""

POINTS_OF_A_RUN = 60
CHATS = 4
DAY = timedelta(days=1)


class Reminders:
    """The reminders of one life, with an engine that says them. Every other one repeats daily."""

    def __init__(self, life: Life, chance: random.Random) -> None:
        self.life = life
        self.count = 0
        self._chance = chance
        shutil.copy(PARTS / "reminding.py", life.home / "llm_engines" / "scripted.py")

    def write(self, seconds: int = 0) -> None:
        """Some reminders that are due now or in a moment, or so many seconds later."""
        asyncio.run(self._write([self._one(seconds) for _ in range(AT_A_TIME)]))

    def _one(self, seconds: int) -> dict[str, Any]:
        self.count += 1
        due = datetime.now(UTC) + timedelta(seconds=seconds + self._chance.uniform(*DUE))
        return {
            "mark": f"mark {self.count}",
            "person_id": "trainer",
            "created_by": "",
            "interface": "tape",
            "chat_id": f"chat-{self.count % CHATS}",
            "thread_id": "",
            "direct": True,
            "description": f"reminder {self.count}",
            "zone": "UTC",
            "starts": due.replace(tzinfo=None, microsecond=0).isoformat(),
            "repetition": "daily" if self.count % 2 else "none",
            "cron": "",
            "until": "",
            "late_policy": "deliver",
            "status": "waiting",
            "next_at": due,
            "wake_at": due,
            "tries": 0,
            "last_at": None,
            "last_outcome": "",
            "acknowledged_at": None,
            "created_at": due,
        }

    async def _write(self, events: list[dict[str, Any]]) -> None:
        database = await open_database(self.life.home, self.life.server)
        try:
            await migrate(database, tables.SCHEMA)
            await database.write(*(tables.ADD(**event) for event in events))
        finally:
            await database.close()

    async def _rows(self) -> list[Any]:
        database = await open_database(self.life.home, self.life.server)
        try:
            return await database.fetch(select(tables.EVENTS))
        finally:
            await database.close()

    def judge(self, *others: Life) -> Verdict:
        """What is wrong when all is quiet (in other lives on the same database too); `twice` counts what was sent
        again because it was not recorded as sent."""
        sends = [line for life in (self.life, *others) for line in life.trace() if line["what"] == "send"]
        by_text = Counter(line["text"] for line in sends)
        by_row = Counter(line["key"] for line in sends)
        return Verdict(
            [*self._missing(by_text), *_doubled(sends), *self._rows_left()],
            self.count,
            sum(count - 1 for count in by_row.values()),
        )

    def _missing(self, by_text: Counter[str]) -> Iterator[str]:
        for number in range(1, self.count + 1):
            if not by_text[f"reminder {number}"]:
                yield f"reminder {number} was lost"
        for text in by_text:
            if not text.startswith("reminder "):
                yield f"somebody was told {text!r}"

    def _rows_left(self) -> Iterator[str]:
        for row in asyncio.run(self._rows()):
            daily = row.repetition == "daily"
            if daily and row.next_at != (row.last_at + DAY).replace(microsecond=0):
                yield f"{row.description} came for {row.last_at} and comes next at {row.next_at}"
            if (row.status, row.wake_at) != (("waiting", row.next_at) if daily else ("done", None)):
                yield f"{row.description} is {row.status}, to be looked at {row.wake_at}"


def _doubled(sends: list[dict[str, Any]]) -> Iterator[str]:
    """A reminder is one message, however often that had to be sent."""
    keys: dict[str, set[str]] = {}
    for line in sends:
        keys.setdefault(line["text"], set()).add(line["key"])
    for text, found in keys.items():
        if len(found) > 1:
            yield f"{text} became {len(found)} messages"


def killed_at_random(life: Life, kills: int, chance: random.Random, at_points: float = 0.0) -> Verdict:
    """Die so many times while reminders are due: at an instant by chance, or (that share of the times) at a point."""
    reminders = Reminders(life, chance)
    until = life.kills + kills
    while life.kills < until:
        for _ in range(chance.randint(1, min(MOST_KILLS, until - life.kills))):
            reminders.write()
            if chance.random() < at_points:
                life.run("", chance.randint(1, POINTS_OF_A_RUN))
            else:
                life.run(seconds=chance.uniform(SHORTEST, LONGEST))
        life.until_quiet()
    return reminders.judge()
