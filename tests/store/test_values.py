"""What is written comes back as it was, on both databases."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, literal, select, text
from sqlalchemy.exc import IntegrityError

from rekku.core.database import Statement
from rekku.core.errors import PluginError
from rekku.store.database import StoredDatabase
from tests.store.tables import (
    ADD,
    ADD_NAME,
    ADD_NEW,
    ALL,
    FIXED,
    HOW_MANY,
    IDS,
    NAMED,
    NOTES,
    NOW,
    ONE,
    SET_COUNT,
    SOME,
)

TEXTS = [
    "",
    "plain",
    "trailing space ",
    'it\'s "quoted" \\ and 100 % :named ?',
    "%s %(x)s %%",
    "\x00\x1a\r\n\t",
    "猫 Ωμέγα 👩‍👩‍👧‍👦",
    "-- comment; DROP TABLE notes; /* ' */",
    "ä" * 70_000,
]


@pytest.mark.parametrize("words", TEXTS, ids=range(len(TEXTS)))
async def test_texts_come_back_as_they_were(store: StoredDatabase, words: str) -> None:
    await store.write(ADD(id=1, text=words), ADD(id=2, text="after"))

    rows = await store.fetch(ALL)
    assert [row.text for row in rows] == [words, "after"]


async def test_every_type_comes_back_as_it_was(store: StoredDatabase) -> None:
    data = bytes(range(256)) * 400
    await store.write(ADD(id=-(2**62), key="k", text="t", at=NOW, data=data, flag=True, weight=0.1, count=7))
    await store.write(ADD(id=5))

    row, empty = await store.fetch(ALL)
    assert row == (-(2**62), "k", "t", NOW, data, True, 0.1, 7)
    assert row.at.tzinfo is UTC
    assert isinstance(row.flag, bool)
    assert empty == (5, None, None, None, None, False, None, 0)


async def test_instants_before_1970_and_far_ahead_keep_their_microseconds(store: StoredDatabase) -> None:
    instants = [datetime(1900, 1, 1, 0, 0, 0, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)]
    await store.write(*(ADD(id=n, at=at) for n, at in enumerate(instants)))

    assert [row.at for row in await store.fetch(ALL)] == instants


async def test_keys_are_compared_byte_for_byte(store: StoredDatabase) -> None:
    keys = ["a", "A", "a ", "ä", "a\u0308", "", " "]
    await store.write(*(ADD_NAME(name=key, number=n) for n, key in enumerate(keys)))

    for n, key in enumerate(keys):
        assert await store.fetch(NAMED, wanted=key) == [(n,)]
    with pytest.raises(IntegrityError):
        await store.write(ADD_NAME(name="A", number=9))


async def test_a_duplicate_that_is_ignored_matches_no_row(store: StoredDatabase) -> None:
    assert await store.write(ADD_NEW(id=1, text="first")) == [1]
    assert await store.write(ADD_NEW(id=1, text="second"), ADD_NEW(id=2)) == [0, 1]
    assert [row.text for row in await store.fetch(ONE, number=1)] == ["first"]


async def test_an_update_that_changes_nothing_still_matches_its_row(store: StoredDatabase) -> None:
    await store.write(ADD(id=1, count=3))

    assert await store.write(SET_COUNT(number=1, to=3), SET_COUNT(number=2, to=3)) == [1, 0]


async def test_prefixes_for_mysql_alone_work_on_mariadb(store: StoredDatabase) -> None:
    add = Statement(insert(NOTES).prefix_with("OR IGNORE", dialect="sqlite").prefix_with("IGNORE", dialect="mysql"))
    assert await store.write(add(id=1), add(id=1)) == [1, 0]


async def test_lists_and_limits_are_bound(store: StoredDatabase) -> None:
    await store.write(*(ADD(id=n, key="abc"[n % 3]) for n in range(9)))

    assert await store.fetch(SOME, ids=[8, 1, 5, 77], most=2) == [(1,), (5,)]
    assert await store.fetch(SOME, ids=[], most=2) == []
    assert await store.fetch(FIXED, after=3) == [(4,), (6,), (7,)]


async def test_bare_clauses_and_texts_can_be_fetched(store: StoredDatabase) -> None:
    await store.write(ADD(id=4))

    assert (await store.fetch(select(NOTES.c.id, literal("5%").label("share"))))[0].share == "5%"
    assert (await store.fetch(text("SELECT id, :word AS word FROM notes WHERE '%' = '%'"), word="w"))[0].word == "w"
    assert (await store.fetch(HOW_MANY))[0].many == 1


async def test_a_name_that_the_statement_lacks_is_told_to_the_author(store: StoredDatabase) -> None:
    with pytest.raises(PluginError, match="no parameter named colour"):
        await store.write(ADD(id=1, colour="red"))
    with pytest.raises(PluginError, match="'id' is missing"):
        await store.write(ADD(text="no id"))
    with pytest.raises(PluginError, match="'number' is missing"):
        await store.fetch(ONE)


async def test_half_a_surrogate_pair_is_refused_and_harms_nobody(store: StoredDatabase) -> None:
    with pytest.raises(UnicodeEncodeError):
        await store.write(ADD(id=1, text="\udc41' OR 1"))
    assert await store.fetch(IDS) == []


async def test_refusals_do_not_repeat_the_values(store: StoredDatabase) -> None:
    await store.write(ADD(id=1))
    with pytest.raises(IntegrityError) as caught:
        await store.write(ADD(id=1, text="my secret"))
    assert "my secret" not in str(caught.value)
