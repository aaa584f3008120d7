"""A diary of an earlier version is taken over, and found again."""

import random
from dataclasses import replace

from sqlalchemy import text

from rekku.core.audience import Audience
from rekku.core.database import Statement
from rekku.core.message import Conversation
from rekku.plugins._ai_diary import keeper
from rekku.plugins._ai_diary.recall import recall
from rekku.plugins._ai_diary.schema import SCHEMA
from rekku.plugins._ai_diary.tables import ADD, WORDS
from rekku.store.database import StoredDatabase
from rekku.store.migrations import migrate
from tests.plugins.test_ai_diary_at_scale import NOW, alone, entry

OLD_WORD = 12345


async def test_entries_from_before_are_indexed_anew(database: StoredDatabase) -> None:
    await migrate(database, SCHEMA, up_to=1)
    await database.fetch(text("ALTER TABLE ai_diary DROP COLUMN speakers"))
    old = [entry(number, random.Random(number)) for number in range(450)]
    old[0] = replace(old[0], user_message="zephyr", present=("ann", "bob"))
    names = [name for name in old[0].as_row() if name != "speakers"]
    add = Statement(ADD.clause, columns=names)
    rows = [{name: value for name, value in one.as_row().items() if name in names} for one in old]
    await database.write(*(add(**row) for row in rows))
    left = f"INSERT INTO {WORDS.name} VALUES ({OLD_WORD}, {old[0].id}, 7)"
    await database.fetch(text(left))

    await migrate(database, SCHEMA)
    found = await recall(database, alone("ann"), "zephyr", NOW, most=3, recent=3)
    assert [one.id for one in found.relevant] == [old[0].id]
    assert [one.id for one in found.recent] == [one.id for one in old[:-4:-1]]
    (kept,) = await keeper.by_ids(database, [old[0].id])
    assert (kept.speakers, kept.spoke) == (None, ("ann", "bob"))
    stale = await database.fetch(text(f"SELECT count(*) AS n FROM {WORDS.name} WHERE word = {OLD_WORD}"))
    assert stale[0].n == 0
    nobody = Audience(Conversation("memory", "x"), direct=True, person_id="x")
    assert (await recall(database, nobody, "zephyr", NOW)).recent == ()
