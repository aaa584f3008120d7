"""The journal: what a model replied in a turn, and what became of each deed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update

from rekku.core.database import Database, Statement, Write, insert_or_ignore
from rekku.core.turn import Deed
from rekku.store.codec import dump, dump_deeds, load, load_deeds
from rekku.store.schema import STEPS

_row = STEPS.c
ADD = Statement(insert_or_ignore(STEPS))
SET_PLAN = Statement(
    update(STEPS)
    .where(_row.turn_id == bindparam("turn"), _row.number == bindparam("step"))
    .values(plan=bindparam("deeds"))
)
OF_TURN = Statement(select(STEPS).where(_row.turn_id == bindparam("turn")).order_by(_row.number))
USED = Statement(
    select(func.sum(_row.prompt_tokens + _row.completion_tokens).label("tokens")).where(_row.at >= bindparam("since"))
)
OLD = Statement(delete(STEPS).where(_row.turn_id < bindparam("before")))


@dataclass(slots=True)
class StepRecord:
    """One reply and its deeds. `stored` and `changed` say what the journal does not know yet."""

    turn_id: int
    number: int
    reply: str
    deeds: list[Deed]
    at: datetime
    fields: dict[str, Any] = field(default_factory=dict)
    knew: dict[str, Any] = field(default_factory=dict)
    engine: str = ""
    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cost: float | None = None
    problem: str = ""
    stored: bool = False
    changed: bool = True

    def set(self, index: int, deed: Deed) -> None:
        """Note what became of a deed."""
        self.deeds[index] = deed
        self.changed = True

    def unsaved(self) -> list[Write]:
        """The writes that bring the journal up to date; call it when they are about to be written."""
        if self.stored and not self.changed:
            return []
        plan = dump_deeds(self.deeds)
        if self.stored:
            write = SET_PLAN(turn=self.turn_id, step=self.number, deeds=plan)
        else:
            write = ADD(
                turn_id=self.turn_id,
                number=self.number,
                reply=self.reply,
                plan=plan,
                fields=dump({"fields": self.fields, "problem": self.problem}),
                knew=dump(self.knew),
                engine=self.engine,
                model=self.model,
                prompt_tokens=self.prompt_tokens,
                completion_tokens=self.completion_tokens,
                seconds=self.seconds,
                cost=self.cost,
                at=self.at,
            )
        return [write]

    def saved(self) -> None:
        """The writes are committed."""
        self.stored = True
        self.changed = False


async def steps_of(database: Database, turn_id: int) -> list[StepRecord]:
    """The steps that a turn has taken."""
    return [_step(row) for row in await database.fetch(OF_TURN, turn=turn_id)]


def cost_of(steps: Sequence[StepRecord]) -> float | None:
    """What some steps cost together, in US dollars; None unless it is known of each that used tokens."""
    known = [step.cost for step in steps if step.cost is not None]
    unknown = any(step.cost is None and (step.prompt_tokens or step.completion_tokens) for step in steps)
    return sum(known) if known and not unknown else None


async def tokens_since(database: Database, since: datetime) -> int:
    """How many tokens were used since an instant."""
    rows: Sequence[Any] = await database.fetch(USED, since=since)
    return int(rows[0].tokens or 0)


def _step(row: Any) -> StepRecord:
    beside = load(row.fields)
    return StepRecord(
        turn_id=row.turn_id,
        number=row.number,
        reply=row.reply,
        deeds=load_deeds(row.plan),
        at=row.at,
        fields=beside["fields"],
        knew=load(row.knew),
        engine=row.engine,
        model=row.model,
        prompt_tokens=row.prompt_tokens,
        completion_tokens=row.completion_tokens,
        seconds=row.seconds,
        cost=row.cost,
        problem=beside["problem"],
        stored=True,
        changed=False,
    )
