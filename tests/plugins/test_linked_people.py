"""What plugins keep of a person with two accounts: after /link it is one person's, whichever account asks."""

import json
from typing import Any

import pytest

from rekku.core.audience import Privacy
from rekku.plugins import ai_diary
from rekku.plugins._bio_manager.facts import Fact
from rekku.plugins._bio_manager.joining import together
from rekku.store.schema import ACCOUNTS
from rekku.testing import Bot, MemoryInterface
from tests.plugins.bios import ANN, UNLIMITED, bios, known, notes
from tests.plugins.test_ai_diary import remembered, talk
from tests.road.words import rows

pytestmark = pytest.mark.settings(**UNLIMITED)
ANNA: dict[str, Any] = {"interface": "other", "user": "anna"}
NOTED = {"thought": "Tea again.", "emotions": [], "summary": "Tea.", "tags": ["tea"]}


@pytest.fixture
async def people(bot: Bot) -> Bot:
    """A bot with a second platform."""
    bot.add_interface(MemoryInterface("other", frozenset()))
    await bot.settle()
    return bot


async def link(bot: Bot) -> None:
    """Ann says that both accounts are hers."""
    (words,) = await bot.hears("/link", **ANN)
    code = words.split("/link ", 1)[1].split()[0]
    assert (await bot.hears(f"/link {code} yes", **ANNA))[0].startswith("Done")


async def person(bot: Bot, user: str) -> str:
    """Whose account it is."""
    return next(str(row.person_id) for row in await rows(bot, ACCOUNTS) if row.user_id == user)


async def test_the_diary_remembers_on_one_platform_what_was_said_on_the_other(people: Bot) -> None:
    await talk(people, "My favourite tea is oolong.", "Noted.", NOTED, **ANNA)
    before = json.dumps(await remembered(people, "What tea do I like?", **ANN))
    await link(people)
    after = json.dumps(await remembered(people, "What tea do I like?", **ANN))

    assert "oolong" not in before
    assert "oolong" in after
    assert "oolong" not in json.dumps(await remembered(people, "What tea does Ann like?", user="bob"))
    assert len([e for e in await ai_diary.get_recent_entries() if "oolong" in e["user_message"]]) == 1


async def test_two_bios_become_one_and_nothing_is_lost(people: Bot) -> None:
    await notes(people, ANN, likes=["tea", "rain"], feelings={"coffee": "loves it"})
    await notes(people, ANNA, likes=["Tea", "snow"], feelings={"coffee": "hates it"})
    anna = await person(people, "anna")
    await link(people)

    facts = await known(people, ANN)
    assert facts["likes"] == ["tea", "rain", "snow"]
    assert facts["feelings"] == {"coffee": "loves it", "coffee (2)": "hates it"}
    assert anna not in await bios(people)
    assert await known(people, ANNA) == facts


async def test_what_she_has_heard_about_others_she_has_heard(people: Bot) -> None:
    await notes(people, {"user": "owner"}, person="owner", likes=["gold"])
    await notes(people, ANNA, likes=["snow"])
    before = {who: bio.facts for who, bio in (await bios(people)).items() if who == "trainer"}
    await link(people)
    anna = await person(people, "anna")

    assert {who: bio.facts for who, bio in (await bios(people)).items() if who == "trainer"} == before
    (bio,) = [bio for who, bio in (await bios(people)).items() if who == anna]
    assert {who for facts in bio.facts.values() for fact in facts for who in fact.present} == {anna}


@pytest.mark.sqlite_only
def test_of_two_privacies_the_stricter_one_holds() -> None:
    mine = Fact("tea", privacy=Privacy.PUBLIC, present=("a",))
    theirs = Fact("Tea", privacy=Privacy.PRIVATE, present=("b",))

    for one, other in ((mine, theirs), (theirs, mine)):
        (fact,) = together([one], [other])
        assert fact.privacy is Privacy.PRIVATE
        assert set(fact.present) == {"a", "b"}


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    "name", ["memory:ann", "other:anna", "ann", "anna", "Anna", "@ann_on_memory", "@anna_there", "Nan"]
)
async def test_a_person_is_found_by_what_either_account_is_called(people: Bot, name: str) -> None:
    await notes(people, {**ANN, "tag": "ann_on_memory"}, likes=["tea"], privacy="public")
    await notes(people, {**ANNA, "tag": "anna_there"}, known_as=["Nan"], privacy="public")
    (words,) = await people.hears("/link", **ANN, tag="ann_on_memory")
    code = words.split("/link ", 1)[1].split()[0]
    await people.hears(f"/link {code} yes", **ANNA, tag="anna_there")
    assert (await known(people, {"user": "bob"}, person=name)).get("likes") == ["tea"]
