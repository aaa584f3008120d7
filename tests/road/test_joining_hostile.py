"""Joining people when something else happens meanwhile: a block, a forgetting, a link, rights that are taken back."""

import asyncio

import pytest

from rekku.core.errors import RekkuError
from rekku.core.message import Conversation
from rekku.store.schema import ACCOUNTS, AUDIT, CHATS, PEOPLE
from rekku.testing import Bot
from tests.road.test_linking import THERE, code, keeper, person
from tests.road.two_platforms import Keeper
from tests.road.words import rows

__all__ = ["keeper"]


async def half_join(bot: Bot, kept: str, trusts: tuple[str, ...] = (), deaths: int = 1) -> None:
    """The owner gives all of anna to `kept`, and a plugin dies on the way."""
    gone = await person(bot, "anna")
    for plugin in bot.running.registry:
        if isinstance(plugin.instance, Keeper):
            plugin.instance.deaths = deaths
    with pytest.raises(RekkuError, match="not all of it worked"):
        await bot.running.house.join(gone, kept, sure=True, trusts=trusts)


async def test_a_block_outlasts_a_joining_with_somebody_who_is_forgotten_meanwhile(bot: Bot, keeper: Keeper) -> None:
    ann = await person(bot, "ann")
    await bot.hears("/block other:anna")
    await half_join(bot, ann)
    await bot.running.house.forget(ann, dry_run=False)
    await bot.restart()

    assert await bot.hears("let me in", **THERE) == []
    owners = {row.person_id for row in await rows(bot, ACCOUNTS)}
    assert owners <= {row.person_id for row in await rows(bot, PEOPLE)}


async def test_who_is_half_joined_links_with_nobody(bot: Bot, keeper: Keeper) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello", user="bob")
    ann, bob = await person(bot, "ann"), await code(bot, "bob")
    await half_join(bot, ann)
    for who in ({"user": "ann"}, THERE):
        assert "just being joined" in (await bot.hears(f"/link {bob} yes", **who))[0]
    await bot.restart()

    assert await person(bot, "anna") == ann


async def test_two_joinings_at_once_come_one_after_the_other(bot: Bot, keeper: Keeper) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello", user="bob")
    ann, anna, bob = await person(bot, "ann"), await person(bot, "anna"), await code(bot, "bob")
    keeper.gate.clear()
    owners = asyncio.create_task(bot.running.house.join(anna, ann, sure=True))
    hers = asyncio.create_task(bot.hears(f"/link {bob} yes", **THERE))
    gone = asyncio.create_task(bot.running.house.forget(anna, dry_run=False))
    await asyncio.sleep(0.1)
    assert not any(task.done() for task in (owners, hers, gone))
    keeper.gate.set()
    await owners

    assert "Done: you and Bob" in (await hers)[0]
    assert await gone == {}, "nobody is left under that number"
    assert keeper.merged == [(anna, ann), (ann, await person(bot, "bob"))]
    assert {await person(bot, user) for user in ("ann", "anna", "bob")} == {await person(bot, "bob")}


async def test_rights_that_the_owner_took_back_are_not_given_again_by_what_is_half_joined(
    bot: Bot, keeper: Keeper
) -> None:
    await half_join(bot, "trainer", ("other:anna",), deaths=2)
    (bot.home / ".env").write_text("TRAINER_IDS=cli:me\n", encoding="utf-8")
    await bot.restart()

    assert (bot.home / ".env").read_text(encoding="utf-8") == "TRAINER_IDS=cli:me\n"
    assert "trainer" not in {p.role.word for p in await bot.running.road.people.known("other:anna")}


@pytest.mark.parametrize("leave", ["unlink", "part"])
async def test_who_leaves_takes_no_chat_of_another_account_along(bot: Bot, keeper: Keeper, leave: str) -> None:
    """Two accounts on one platform, whose chats have numbers of their own."""
    bot.model_says("Hello.", "Hello.")
    await bot.hears("hello", interface="other", user="a1", chat="chat of a1")
    await bot.hears("hello", interface="other", user="a2", chat="chat of a2")
    first, second = await person(bot, "a1"), await person(bot, "a2")
    await bot.running.house.join(second, first, sure=True)
    if leave == "unlink":
        await bot.hears("/unlink", interface="other", user="a2", chat="chat of a2")
    else:
        await bot.running.house.part("other", "a2")

    new = await person(bot, "a2")
    chats = {row.chat_id: row.person_id for row in await rows(bot, CHATS)}
    assert chats["chat of a1"] != new
    people = bot.running.road.people
    assert Conversation("other", "chat of a1") not in await people.own_chats(new)
    assert Conversation("other", "chat of a2") not in await people.own_chats(first)
    bot.model_says("Hello.")
    await bot.hears("again", interface="other", user="a1", chat="chat of a1")
    assert await people.own_chats(first) == [Conversation("other", "chat of a1")]


@pytest.mark.settings(TRAINER_IDS="cli:me")
async def test_rights_that_cannot_be_given_are_not_in_the_file_either(bot: Bot, keeper: Keeper) -> None:
    """What the environment says stands in the file as well, so the file can be written, and does not count."""
    (bot.home / ".env").write_text("TRAINER_IDS=cli:me\n", encoding="utf-8")
    with pytest.raises(RekkuError, match="environment of the process"):
        await bot.running.house.join(await person(bot, "anna"), "trainer", sure=True, trusts=["other:anna"])

    assert (bot.home / ".env").read_text(encoding="utf-8") == "TRAINER_IDS=cli:me\n"
    assert {row.action: row.outcome for row in await rows(bot, AUDIT)}["join"] == "refused"
