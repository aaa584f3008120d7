"""How much a model may write down about people, and what it is told when that is too much or wrong."""

import asyncio
from typing import Any

import pytest

from rekku.plugins._bio_manager.facts import FIELDS, MOST
from rekku.testing import Bot
from tests.plugins.bios import (
    ANN,
    BOB,
    OWNER,
    alone,
    bios,
    known,
    notes,
    problems,
    the_bio,
    unlimited,
    update,
)
from tests.road.words import say

pytestmark = alone


class TestLimits:
    """How much a model may write about one person."""

    async def test_more_than_three_fields_are_refused_with_what_to_do(self, bot: Bot) -> None:
        said = await problems(bot, ANN, known_as=["A"], likes=["b"], not_likes=["c"], information=["d"])
        assert said == (
            "one update may write 3 fields and this one writes 4 (known_as, likes, not_likes, information): "
            "write the most important ones now, and the others in a later update"
        )
        assert await bios(bot) == {}

    async def test_a_second_update_within_the_hour_must_wait(self, bot: Bot) -> None:
        await notes(bot, ANN, likes=["tea"])
        bot.clock.jump(60 * 59)
        said = await problems(bot, ANN, likes=["coffee"])
        assert "one update in 60 minutes is allowed" in said
        assert "Wait until 2026-03-01 13:00 UTC, and join all new facts in one update then" in said

        await notes(bot, BOB, likes=["beer"])
        bot.clock.jump(60)
        await notes(bot, ANN, likes=["coffee"])
        assert await known(bot, ANN) == {"likes": ["tea", "coffee"]}

    @pytest.mark.settings(BIO_UPDATE_MINUTES="0", BIO_UPDATES_PER_DAY="2")
    async def test_the_third_update_of_the_day_must_wait_for_the_next(self, bot: Bot) -> None:
        await notes(bot, ANN, likes=["tea"])
        bot.clock.jump(3600)
        await notes(bot, ANN, likes=["coffee"])
        bot.clock.jump(3600)
        said = await problems(bot, ANN, likes=["milk"])
        assert "2 updates in 24 hours are allowed" in said
        assert "Wait until 2026-03-02 12:00 UTC" in said

        bot.clock.jump(22 * 3600)
        await notes(bot, ANN, likes=["milk"])

    async def test_they_hold_for_the_owners_turns_and_after_a_restart_too(self, bot: Bot) -> None:
        await notes(bot, OWNER, likes=["tea"])
        await bot.restart()
        assert "Do not try again now" in await problems(bot, OWNER, likes=["coffee"])

    async def test_what_is_known_already_does_not_count(self, bot: Bot) -> None:
        await notes(bot, ANN, likes=["tea"])
        await notes(bot, ANN, likes=["Tea"])
        assert (await the_bio(bot)).update_count == 1

    async def test_taking_out_and_keeping_private_are_always_possible(self, bot: Bot) -> None:
        await notes(bot, ANN, likes=["tea", "rum"])
        await notes(bot, ANN, remove={"likes": ["RUM"]}, privacy="public")
        assert await known(bot, BOB, person="ann") == {"likes": ["tea"]}

    async def test_of_many_at_once_one_is_written(self, bot: Bot) -> None:
        bot.model_says("Hi.")
        await bot.tell("hi", **ANN)
        told = lambda messages: (  # noqa: E731 - a reply that depends on what the model has seen
            update(person="Ann", likes=["tea"]) if len(messages) == 2 else say("Later.")
        )
        bot.model_says(*[told] * 20)
        await asyncio.gather(*(bot.tell("listen", chat=f"room {n}", direct=False) for n in range(10)))
        assert (await the_bio(bot)).update_count == 1

    @unlimited
    async def test_a_field_that_is_full_says_so(self, bot: Bot) -> None:
        await notes(bot, ANN, likes=[f"thing {n}" for n in range(MOST)])
        assert f"{MOST} facts are kept in a field; remove old ones" in await problems(bot, ANN, likes=["one more"])


@pytest.mark.sqlite_only
class TestWrongPayloads:
    """What a model gets back, in words that it can act on."""

    @pytest.mark.parametrize(
        ("payload", "said"),
        [
            ({}, f"write at least one of {', '.join(FIELDS)}, remove, privacy"),
            ({"likes": []}, "write at least one of"),
            ({"likes": [["tea"]]}, "payload.likes must be a list of short texts"),
            ({"likes": [True]}, "payload.likes must be a list of short texts"),
            ({"likes": {"tea": 1}}, "payload.likes must be a list or a text"),
            ({"contacts": ["phone"]}, "payload.contacts must be an object"),
            ({"contacts": {"phone": ["1"]}}, 'payload.contacts must be an object like {"name": "value"}'),
            ({"likes": "x" * 301}, "payload.likes: each fact may have 300 characters"),
            ({"likes": [str(n) for n in range(101)]}, "payload.likes: these are 101 facts, and 100 may be kept"),
            ({"privacy": "secret"}, "payload.privacy must be one of private, chat, public"),
            ({"remove": {"sins": ["all"]}}, "payload.remove must be an object like"),
            ({"remove": {"likes": ["tea"]}}, "the bio of Ann has no likes: tea"),
        ],
    )
    async def test_what_cannot_be_written_is_explained(self, bot: Bot, payload: dict[str, Any], said: str) -> None:
        assert said in await problems(bot, ANN, **payload)

    async def test_texts_that_no_database_takes_are_made_whole(self, bot: Bot) -> None:
        await notes(bot, ANN, likes=["half \ud83d a\n\n  thing"], known_as="安娜")
        assert await known(bot, ANN) == {"likes": ["half � a thing"], "known_as": ["安娜"]}
