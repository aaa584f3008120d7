"""Reminders of a Rekku that is killed all the time: none is lost, and only what was just sent may come twice."""

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select

from rekku.plugins._event import tables
from rekku.store.database import open_database
from tests.crash.life import KILLED, MOST_KILLS, PARTS, Life
from tests.crash.verdict import Verdict

AT_A_TIME = 8
"""So many reminders are asked for in one message."""

SHORTEST, LONGEST = 0.05, 1.2
"""Seconds after which a run is killed: from before the database is open until reminders are due."""

POINTS_OF_A_RUN = 250
CHATS = 4
DAY = timedelta(days=1)
SETTINGS = {"TRAINER_IDS": "tape:ann", "KNOWN_IDS": "", "MAX_ACTIONS": "100", "CORRECTOR_RETRIES": "9"}


class Reminders:
    """The reminders that one person asks for, in all lives of her on one database. Every other one repeats daily."""

    def __init__(self, *lives: Life) -> None:
        self.lives = lives
        self.count = 0
        self._messages = 0
        for life in lives:
            life.settings |= SETTINGS
            shutil.copy(PARTS / "reminding.py", life.home / "llm_engines" / "scripted.py")

    def ask(self, life: Life, messages: int = 1, ahead: int = 0) -> None:
        """The person asks for some more reminders, due in a moment or so many seconds later."""
        for _ in range(messages):
            first, self.count = self.count + 1, self.count + AT_A_TIME
            self._messages += 1
            chat = f"{life.home.name}-{self._messages % CHATS}"
            life.write([(chat, "", True, "ann", f"remind {first} {self.count} {ahead}")])

    def judge(self) -> Verdict:
        """What is wrong when all is quiet; `twice` counts what was sent again because it was not recorded as sent."""
        sends = [line for life in self.lives for line in life.trace() if line["what"] == "send"]
        sends = [line for line in sends if not line["text"].startswith("noted ")]
        by_text = Counter(line["text"].split("\n")[0] for line in sends)
        by_row = Counter(line["key"] for line in sends)
        rows = asyncio.run(self._rows())
        tomorrow = {row.description for row in rows if _begins_tomorrow(row)}
        problems = [*self._missing(by_text, tomorrow), *_doubled(sends), *self._rows_left(rows, tomorrow)]
        return Verdict(problems, self.count - len(tomorrow), sum(count - 1 for count in by_row.values()))

    def times(self) -> list[tuple[float, float]]:
        """When each reminder was due, and when it was said for the first time, in seconds since 1970."""
        said: dict[str, float] = {}
        for line in (line for life in self.lives for line in life.trace() if line["what"] == "send"):
            said.setdefault(line["text"].split("\n")[0], line["at"])
        return [(row.last_at.timestamp(), said[row.description]) for row in asyncio.run(self._rows())]

    def _missing(self, by_text: Counter[str], tomorrow: Collection[str]) -> Iterator[str]:
        for number in range(1, self.count + 1):
            if not by_text[f"reminder {number}"] and f"reminder {number}" not in tomorrow:
                yield f"reminder {number} was lost"
        for text in by_text:
            if not text.startswith("reminder "):
                yield f"somebody was told {text!r}"

    def _rows_left(self, rows: Sequence[Any], tomorrow: Collection[str]) -> Iterator[str]:
        if len(rows) != self.count:
            yield f"{self.count} reminders were asked for, and {len(rows)} are in the table"
        for row in (row for row in rows if row.description not in tomorrow):
            daily = row.repetition == "daily"
            if daily and row.next_at != (row.last_at + DAY).replace(microsecond=0):
                yield f"{row.description} came for {row.last_at} and comes next at {row.next_at}"
            if (row.status, row.wake_at) != (("waiting", row.next_at) if daily else ("done", None)):
                yield f"{row.description} is {row.status}, to be looked at {row.wake_at}"
            if (row.last_outcome, row.errand) != ("delivered", None):
                yield f"{row.description} was delivered, and the table says {row.last_outcome} ({row.errand})"

    async def _rows(self) -> list[Any]:
        database = await open_database(self.lives[0].home, self.lives[0].server)
        try:
            return await database.fetch(select(tables.EVENTS))
        finally:
            await database.close()


def _begins_tomorrow(row: Any) -> bool:
    """Whether it was made only when its time of today had passed, because the process had died meanwhile."""
    start = datetime.fromisoformat(row.starts).replace(tzinfo=UTC)
    due = (row.last_at, row.next_at, row.wake_at) == (None, start + DAY, start + DAY)
    return row.repetition == "daily" and row.created_at >= start and due


def _doubled(sends: list[dict[str, Any]]) -> Iterator[str]:
    """A reminder is one message, however often that had to be sent."""
    keys: dict[str, set[str]] = {}
    for line in sends:
        keys.setdefault(line["text"].split("\n")[0], set()).add(line["key"])
    for text, found in keys.items():
        if len(found) > 1:
            yield f"{text} became {len(found)} messages"


def killed_at_each(life: Life, points: Sequence[str]) -> Verdict:
    """Die once at each of these points. Raises RuntimeError for one that is not reached."""
    reminders = Reminders(life)
    for point in points:
        reminders.ask(life)
        if life.run(point, 1) != KILLED:
            raise RuntimeError(f"the point “{point}” was not reached")
        life.until_quiet()
    return reminders.judge()


def killed_at_random(life: Life, kills: int, chance: random.Random, at_points: float = 0.5) -> Verdict:
    """Die so many times while reminders are made and due: at an instant by chance, or (that share of the times) at a
    point."""
    reminders = Reminders(life)
    until = life.kills + kills
    while life.kills < until:
        for _ in range(chance.randint(1, min(MOST_KILLS, until - life.kills))):
            reminders.ask(life)
            _killed(life, chance, at_points)
        life.until_quiet()
    return reminders.judge()


def two_killed_at_random(one: Life, other: Life, kills: int, chance: random.Random) -> Verdict:
    """Two processes on one database, both of which die at instants by chance, so many times together."""
    reminders = Reminders(one, other)
    with ThreadPoolExecutor(2) as pool:
        while one.kills + other.kills < kills:
            for _ in range(chance.randint(1, MOST_KILLS // 2)):
                for life in (one, other):
                    reminders.ask(life)
                list(pool.map(lambda life: _killed(life, chance, 0.0), (one, other)))
            list(pool.map(Life.until_quiet, (one, other)))
    return reminders.judge()


def _killed(life: Life, chance: random.Random, at_points: float) -> None:
    if chance.random() < at_points:
        life.run("", chance.randint(1, POINTS_OF_A_RUN))
    else:
        life.run(seconds=chance.uniform(SHORTEST, LONGEST))
