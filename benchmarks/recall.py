"""What the diary finds: which share of the questions of a recall set is answered.

    python benchmarks/recall.py FILE

FILE has one JSON object a line: `{"kind": "turn", "scenario", "session", "turn", "text"}`, and `{"kind": "question",
"scenario", "text", "evidence": [turn, …]}`. Turns are two minutes apart, sessions a day. A question counts as answered
at k if one of its turns is among the first k found.
"""

import argparse
import asyncio
import json
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rekku.core.audience import Audience
from rekku.core.message import Conversation
from rekku.plugins._ai_diary import keeper, schema
from rekku.plugins._ai_diary.entry import Entry
from rekku.plugins._ai_diary.recall import recall
from rekku.store.database import open_database
from rekku.store.migrations import migrate

DEPTHS = (1, 3, 5, 10)
START = datetime(2020, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def audience(person: str) -> Audience:
    """A person in a direct chat."""
    return Audience(Conversation("bench", person), direct=True, person_id=person)


async def found(rows: Sequence[dict[str, Any]]) -> None:
    """Print which share of the questions of a recall set is answered."""
    questions = [row for row in rows if row["kind"] == "question"]
    turns: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        database = await open_database(Path(folder))
        await migrate(database, schema.SCHEMA)
        for number, row in enumerate(row for row in rows if row["kind"] == "turn"):
            at = START + timedelta(days=row["session"], minutes=2 * number)
            entry = Entry(keeper.new_id(at), at, "", user_message=row["text"], present=(row["scenario"],))
            await keeper.write(database, entry)
            turns[entry.id] = row["turn"]
        hits = dict.fromkeys(DEPTHS, 0)
        for row in questions:
            told = await recall(database, audience(row["scenario"]), row["text"], NOW, most=max(DEPTHS))
            got = [turns[entry.id] for entry in told.relevant]
            for depth in DEPTHS:
                hits[depth] += any(turn in got[:depth] for turn in row["evidence"])
        await database.close()
    print("  ".join(f"recall@{depth} {hits[depth] / len(questions):.3f}" for depth in DEPTHS))


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    asked: Any = parser.parse_args()
    asyncio.run(found([json.loads(line) for line in asked.file.read_text("utf-8").splitlines()]))


if __name__ == "__main__":
    main()
