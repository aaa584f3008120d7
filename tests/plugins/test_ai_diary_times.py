"""Whoever asks about a time is reminded of that time, in each language."""

from datetime import UTC, datetime, timedelta

import pytest

from rekku.plugins._ai_diary import keeper
from rekku.plugins._ai_diary.entry import Entry
from rekku.plugins._ai_diary.recall import recall
from rekku.plugins._ai_diary.schema import SCHEMA
from rekku.plugins._ai_diary.times import SLACK, meant
from rekku.store.database import StoredDatabase
from rekku.store.migrations import migrate
from tests.plugins.test_ai_diary_at_scale import alone

NOW = datetime(2026, 3, 18, 12, tzinfo=UTC)
"""A Wednesday."""


@pytest.mark.parametrize(
    ("texts", "start", "end"),
    [
        (
            "Yesterday? | Che cosa ho detto ieri? | Was war gestern? | 昨天说了什么？ | 昨日は何を話した？",
            "03-17",
            "03-18",
        ),
        ("the day before yesterday | l'altro ieri | vorgestern | 前天 | 一昨日", "03-16", "03-17"),
        ("5 days ago | 5 giorni fa | vor 5 Tagen | 5天前 | 5日前", "03-13", "03-14"),
        ("last week | la settimana scorsa | letzte Woche | 上周 | 先週", "03-09", "03-16"),
        ("last month | il mese scorso | im letzten Monat | 上个月 | 先月", "02-01", "03-01"),
        (
            "on 2 March | March 2nd, 2026 | il 2 marzo | am 2. März | 3月2日 | 2026年3月2日 | 2026-03-02",
            "03-02",
            "03-03",
        ),
    ],
)
def test_times_are_understood(texts: str, start: str, end: str) -> None:
    for text in texts.split(" | "):
        span = meant(text, NOW)
        assert span is not None, text
        days = [f"{at:%m-%d}" for at in (span[0] + SLACK, span[1] - SLACK)]
        assert days == [start, end], text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "30 February",
        "99月99日",
        "0000-00-00",
        "0001-01-01",
        "9999-01-01",
        "9999-12-31",
        "9999年12月31日",
        "on 25 March 2026",
        "grey stern",
    ],
)
def test_what_is_no_time_that_is_over_means_none(text: str) -> None:
    assert meant(text, NOW) is None


def test_a_date_without_a_year_is_the_last_one() -> None:
    span = meant("on December 24th", NOW)
    assert span is not None
    assert (span[0] + SLACK).year == 2025


@pytest.mark.parametrize("question", ["What did we do 5 days ago?", "5天前我们做了什么？", "Was war vor 5 Tagen los?"])
async def test_what_was_said_then_comes_to_mind_before_what_is_new(database: StoredDatabase, question: str) -> None:
    await migrate(database, SCHEMA)
    for hours in range(0, 24 * 10, 4):
        at = NOW - timedelta(hours=hours)
        for person in ("ann", "bob"):
            entry = Entry(keeper.new_id(at), at, f"{person} {at:%d}", present=(person,))
            await database.write(*keeper.writes(entry))
    found = await recall(database, alone("ann"), question, NOW, most=5, recent=3)
    assert {entry.content for entry in found.relevant} <= {"ann 12", "ann 13", "ann 14"}
    assert any(entry.content == "ann 13" for entry in found.relevant)
    assert len(found.relevant) == 5
