"""How often a model may write about one person, and what it is told when that is too often."""

from dataclasses import dataclass
from datetime import datetime, timedelta

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for each person; 0 is no limit. `minutes` are between two updates, `per_day` is in any 24 hours."""

    fields: int
    minutes: int
    per_day: int

    def recent(self, updates: list[datetime], now: datetime) -> list[datetime]:
        """The updates of the last day; a clock that was set back does not count against anybody."""
        return [at for at in updates if now - DAY < at <= now]

    def problem(self, name: str, updates: list[datetime], now: datetime) -> str:
        """Why another update must wait, until when, and what to do; "" if it need not."""
        recent = self.recent(updates, now)
        waits = []
        if self.minutes and recent:
            ready = recent[-1] + timedelta(minutes=self.minutes)
            waits.append((ready, f"one update in {self.minutes} minutes is allowed"))
        if self.per_day and len(recent) >= self.per_day:
            waits.append((recent[-self.per_day] + DAY, f"{self.per_day} updates in 24 hours are allowed"))
        ready, rule = max(waits, default=(now, ""))
        if ready <= now:
            return ""
        return (
            f"nothing was written: the bio of {name} was updated not long ago, and {rule}. Do not try again now. "
            f"Wait until {ready:%Y-%m-%d %H:%M} UTC, and join all new facts in one update then"
        )
