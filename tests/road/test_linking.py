"""/link and /unlink: two accounts become one person's by consent of both, and are parted again."""

from typing import Any

import pytest

from rekku.core.message import User
from rekku.core.principal import Principal
from rekku.core.registry import Kind, registry
from rekku.store.schema import ACCOUNTS, AUDIT, CHATS, HISTORY
from rekku.testing import Bot
from tests.road.two_platforms import Keeper, Other
from tests.road.words import rows, say, texts

THERE: dict[str, Any] = {"interface": "other", "user": "anna"}


@pytest.fixture
async def keeper(bot: Bot) -> Keeper:
    """Ann on two platforms, and a plugin that keeps something about her."""
    bot.add_interface(Other())
    made = bot.add(Keeper())
    bot.model_says("Hello.", "Hello.")
    await bot.hears("I like tea", user="ann")
    await bot.hears("I like it, too", **THERE)
    return made


async def code(bot: Bot, user: str = "ann") -> str:
    """The code that somebody gets."""
    (words,) = await bot.hears("/link", user=user)
    return words.split("/link ", 1)[1].split()[0]


async def person(bot: Bot, user: str) -> str:
    """Whose account it is."""
    return next(str(row.person_id) for row in await rows(bot, ACCOUNTS) if row.user_id == user)


async def link(bot: Bot) -> list[str]:
    """Ann links her accounts."""
    return await bot.hears(f"/link {await code(bot)} yes", **THERE)


async def test_a_code_of_one_platform_is_typed_on_the_other_and_confirmed(bot: Bot, keeper: Keeper) -> None:
    ann, anna = await person(bot, "ann"), await person(bot, "anna")
    given = await code(bot)
    (sure,) = await bot.hears(f"/link {given}", **THERE)
    assert "you and Ann on memory one person" in sure
    assert await person(bot, "anna") == anna, "not before it is confirmed"
    (done,) = await bot.hears(f"/link {given} yes", **THERE)

    assert done.startswith("Done: you and Ann on memory are one person")
    assert await person(bot, "anna") == ann
    assert keeper.merged == [(anna, ann)]
    assert "You are one person now with Anna on other" in texts(bot, "ann")[-1]
    for table in (HISTORY, CHATS, AUDIT):
        assert anna not in {row.person_id for row in await rows(bot, table)}


async def test_each_of_them_may_write_to_the_chats_of_the_other(bot: Bot, keeper: Keeper) -> None:
    await link(bot)
    bot.model_says(say("Do not forget the tea.", interface="other"))
    await bot.tell("Remind me over there.", user="ann")
    interface = registry.get(Kind.INTERFACE, "other")
    assert interface is not None

    assert interface.instance.sent[-1].text == "Do not forget the tea."


async def test_a_role_that_one_of_them_has_both_have(bot: Bot, keeper: Keeper) -> None:
    await bot.hears("/allow other:anna")
    await link(bot)
    principal: Principal
    for interface, user in (("memory", "ann"), ("other", "anna")):
        account = await bot.running.road.people.add_account(interface, user)
        principal, _ = await bot.running.road.people.principal(interface, User(account.user_id))
        assert principal.role.word == "known"


async def test_what_a_crash_interrupted_is_taken_up_at_the_next_start(bot: Bot, keeper: Keeper) -> None:
    ann = await person(bot, "ann")
    keeper.deaths = 1
    await link(bot)
    assert await person(bot, "anna") != ann
    await bot.restart()

    assert await person(bot, "anna") == ann
    assert len(keeper.merged) == 1


async def test_a_code_is_good_once_for_ten_minutes_and_only_the_last_one(bot: Bot, keeper: Keeper) -> None:
    first, second = await code(bot), await code(bot)
    assert "not good" in (await bot.hears(f"/link {first} yes", **THERE))[0]
    await bot.clock.advance(601)
    assert "not good" in (await bot.hears(f"/link {second} yes", **THERE))[0]
    await link(bot)
    assert "not good" in (await bot.hears(f"/link {second}", user="eve"))[0]
    assert keeper.merged != []


async def test_a_code_does_not_lift_a_block(bot: Bot, keeper: Keeper) -> None:
    given = await code(bot)
    await bot.hears("/block memory:ann")
    await bot.hears(f"/link {given} yes", **THERE)
    assert await bot.hears("let me in", user="ann") == []
    assert await bot.hears("let me in", **THERE) == []


async def test_codes_cannot_be_guessed(bot: Bot, keeper: Keeper) -> None:
    good = await code(bot)
    for _ in range(5):
        await bot.hears("/link aaaaaaaaaa", user="eve")
    assert "too many wrong codes" in (await bot.hears(f"/link {good} yes", user="eve"))[0]
    assert await person(bot, "eve") != await person(bot, "ann")


async def test_no_code_is_given_or_taken_where_others_read_along(bot: Bot, keeper: Keeper) -> None:
    room = {"chat": "room", "direct": False}
    assert "direct chat" in (await bot.hears("/link", user="ann", **room))[0]
    assert "direct chat" in (await bot.hears(f"/link {await code(bot)} yes", user="eve", **room))[0]


async def test_nobody_becomes_the_trainer_by_a_code(bot: Bot, keeper: Keeper) -> None:
    given = await code(bot)
    assert "TRAINER_IDS" in (await bot.hears("/link"))[0]
    assert "TRAINER_IDS" in (await bot.hears(f"/link {given} yes"))[0]
    assert keeper.merged == []


async def test_the_account_that_unlinks_is_a_stranger_and_the_memory_stays(bot: Bot, keeper: Keeper) -> None:
    await link(bot)
    ann = await person(bot, "ann")
    assert "Done" in (await bot.hears("/unlink", **THERE))[0]

    assert await person(bot, "ann") == ann
    assert await person(bot, "anna") not in (ann, "")
    assert ann in {row.person_id for row in await rows(bot, HISTORY)}
    assert "not linked" in (await bot.hears("/unlink", user="ann"))[0]
    bot.model_says("Hello, stranger.")
    assert await bot.hears("hi again", **THERE) == ["Hello, stranger."]
