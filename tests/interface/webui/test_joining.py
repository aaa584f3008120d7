"""The owner joins two entries that are one human, and takes an account off again."""

from typing import Any

import pytest

from rekku.house_commands.linking import BEGUN
from rekku.testing import Bot
from tests.interface.webui.visitor import Visitor, address
from tests.road.two_platforms import Keeper, Other

BIO = '{"actions": [{"type": "bio_update", "payload": {"likes": ["%s"]}}]}'


@pytest.fixture
def web_settings() -> dict[str, str]:
    """With bios."""
    return {"REKKU_PLUGINS": "message_plugin,time_plugin,webui,bio_manager"}


@pytest.fixture
async def keeper(bot: Bot) -> Keeper:
    """Ann on two platforms, and a plugin that keeps something about people."""
    bot.add_interface(Other())
    made = bot.add(Keeper())
    bot.model_says(BIO % "tea", "Noted.", BIO % "coffee", "Noted.")
    await bot.hears("I like tea", user="ann")
    await bot.hears("I like coffee", interface="other", user="anna")
    return made


async def persons(owner: Visitor) -> dict[str, Any]:
    """Who stands on the page, by each of their accounts."""
    _, people = await owner.get("/web/people")
    return {f"{a['interface']}:{a['id']}": person for person in people for a in person["accounts"]}


async def join(owner: Visitor, gone: str, kept: str, **more: Any) -> tuple[int, Any]:
    """Join the persons of two accounts, or only look."""
    known = await persons(owner)
    return await owner.post("/web/people/join", {"gone": known[gone]["id"], "kept": known[kept]["id"], **more})


async def test_first_it_is_said_what_would_move_and_nothing_moves(bot: Bot, owner: Visitor, keeper: Keeper) -> None:
    status, plan = await join(owner, "other:anna", "memory:ann")

    assert status == 200
    assert (plan["name"], plan["role"], plan["accounts"]) == ("Ann", "unknown", ["memory:ann", "other:anna"])
    assert (plan["counts"]["words"], plan["counts"]["facts in a bio"]) == (2, 1)
    assert (plan["full_rights"], plan["people"]) == ([], None)
    assert keeper.merged == []
    known = await persons(owner)
    assert known["memory:ann"]["id"] != known["other:anna"]["id"]


async def test_two_entries_become_one_with_all_that_is_known(bot: Bot, owner: Visitor, keeper: Keeper) -> None:
    before = await persons(owner)
    status, told = await join(owner, "other:anna", "memory:ann", sure=True)
    assert status == 200
    after = await persons(owner)

    assert told["people"] == (await owner.get("/web/people"))[1]
    assert after["memory:ann"] == after["other:anna"]
    assert after["other:anna"]["id"] == before["memory:ann"]["id"]
    assert keeper.merged == [(before["other:anna"]["id"], before["memory:ann"]["id"])]
    _, bio = await owner.post("/web/plugin/bio_manager/show", {"person": after["memory:ann"]["id"]})
    assert {fact["text"] for fact in bio["facts"]} == {"tea", "coffee"}


async def test_an_account_is_taken_off_again_and_is_a_stranger(bot: Bot, owner: Visitor, keeper: Keeper) -> None:
    await bot.hears("/allow memory:ann")
    await join(owner, "other:anna", "memory:ann", sure=True)
    status, _ = await owner.post("/web/people/part", {"interface": "other", "id": "anna"})
    assert status == 200
    after = await persons(owner)

    assert (after["memory:ann"]["role"], after["other:anna"]["role"]) == ("known", "unknown")
    assert after["memory:ann"]["id"] != after["other:anna"]["id"]
    status, told = await owner.post("/web/people/part", {"interface": "other", "id": "anna"})
    assert (status, told["error"]) == (409, "This account is not joined with another.")
    status, told = await owner.post("/web/people/part", {"interface": "webui", "id": "owner"})
    assert (status, "TRAINER_IDS" in told["error"]) == (409, True)
    assert (await owner.post("/web/people/part", {"interface": "other", "id": "nobody"}))[0] == 409


async def test_a_block_stays_when_they_are_joined_and_when_they_part(bot: Bot, owner: Visitor, keeper: Keeper) -> None:
    await bot.hears("/allow memory:ann")
    await bot.hears("/block other:anna")
    assert (await join(owner, "other:anna", "memory:ann"))[1]["role"] == "blocked"
    await join(owner, "other:anna", "memory:ann", sure=True)
    assert (await persons(owner))["memory:ann"]["role"] == "blocked"
    assert await bot.hears("let me in", user="ann") == []
    await owner.post("/web/people/part", {"interface": "memory", "id": "ann"})
    assert {(await persons(owner))[account]["role"] for account in ("memory:ann", "other:anna")} == {"blocked"}


async def test_nobody_becomes_the_trainer_unless_the_account_is_named(bot: Bot, owner: Visitor, keeper: Keeper) -> None:
    for gone, kept in (("other:anna", "memory:owner"), ("memory:owner", "other:anna")):
        _, plan = await join(owner, gone, kept)
        assert (plan["kept"], plan["role"], plan["full_rights"]) == ("trainer", "trainer", ["other:anna"])
        for trusts in ([], ["memory:ann"], ["other:anna", "memory:ann"]):
            status, told = await join(owner, gone, kept, sure=True, trusts=trusts)
            assert (status, "all rights of the trainer" in told["error"]) == (409, True)
    assert (await join(owner, "other:anna", "memory:owner", trusts="other:anna"))[0] == 400
    assert (await persons(owner))["other:anna"]["role"] == "unknown"
    assert not (bot.home / ".env").exists()


async def test_a_named_account_becomes_the_trainers_and_stays_it_after_a_restart(
    bot: Bot, owner: Visitor, keeper: Keeper
) -> None:
    (bot.home / ".env").write_text("TRAINER_IDS=cli:me\n", encoding="utf-8")
    status, _ = await join(owner, "other:anna", "memory:owner", sure=True, trusts=["other:anna"])
    assert status == 200
    assert (bot.home / ".env").read_text(encoding="utf-8") == "TRAINER_IDS=cli:me,other:anna\n"
    assert (await persons(owner))["other:anna"]["role"] == "trainer"
    assert "Whom I know" not in (await bot.hears("/people", interface="other", user="anna"))[0]
    _, bio = await owner.post("/web/plugin/bio_manager/show", {"person": "trainer"})
    assert [fact["text"] for fact in bio["facts"]] == ["coffee"]

    await bot.restart()
    again = Visitor(address(bot))
    await again.log_in()
    after = await persons(again)
    assert (after["other:anna"]["id"], after["memory:ann"]["role"]) == ("trainer", "unknown")
    await again.close()


@pytest.mark.parametrize("user", ["eve,webui:guest", "eve ", "eve\nTRAINER_IDS=webui:guest"])
async def test_no_name_smuggles_in_another_trainer(bot: Bot, owner: Visitor, user: str) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello", user=user)
    status, told = await join(owner, f"memory:{user}", "memory:owner", sure=True, trusts=[f"memory:{user}"])
    assert (status, "TRAINER_IDS cannot name it" in told["error"]) == (409, True)
    assert not (bot.home / ".env").exists()
    assert (await persons(owner))[f"memory:{user}"]["role"] == "unknown"


async def test_a_blocked_person_does_not_become_the_trainer(bot: Bot, owner: Visitor, keeper: Keeper) -> None:
    await bot.hears("/block other:anna")
    status, told = await join(owner, "other:anna", "memory:owner", sure=True, trusts=["other:anna"])
    assert (status, "is blocked" in told["error"]) == (409, True)


@pytest.mark.parametrize(("kept", "trusts"), [("memory:ann", []), ("memory:owner", ["other:anna"])])
async def test_what_is_interrupted_is_finished_at_the_next_start(
    bot: Bot, owner: Visitor, keeper: Keeper, kept: str, trusts: list[str]
) -> None:
    wanted = (await persons(owner))[kept]["id"]
    keeper.deaths = 1
    status, told = await join(owner, "other:anna", kept, sure=True, trusts=trusts)
    assert (status, "start Rekku again" in told["error"]) == (409, True)
    await bot.restart()

    assert [new for _, new in keeper.merged] == [wanted]
    again = Visitor(address(bot))
    await again.log_in()
    assert (await persons(again))["other:anna"]["id"] == wanted
    await again.close()


async def test_a_trainer_whose_rights_were_not_written_yet_has_them_after_the_next_start(
    bot: Bot, owner: Visitor, keeper: Keeper
) -> None:
    anna = (await persons(owner))["other:anna"]["id"]
    await bot.running.road.state.set(f"{BEGUN}{anna}", "trainer other:anna")  # and here the power went out
    await bot.restart()

    assert keeper.merged == [(anna, "trainer")]
    assert (bot.home / ".env").read_text(encoding="utf-8") == "TRAINER_IDS=other:anna\n"
    assert not bot.running.road.state.under(BEGUN)


async def test_what_is_half_joined_is_joined_again_and_with_nobody_else(
    bot: Bot, owner: Visitor, keeper: Keeper
) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello", user="bob")
    keeper.deaths = 1
    await join(owner, "other:anna", "memory:ann", sure=True)
    status, told = await join(owner, "memory:ann", "memory:bob", sure=True)
    assert (status, "just being joined" in told["error"]) == (409, True)
    assert (await owner.post("/web/people/part", {"interface": "other", "id": "anna"}))[0] == 409
    assert (await join(owner, "other:anna", "memory:ann", sure=True))[0] == 200
    assert (await join(owner, "memory:ann", "memory:bob", sure=True))[0] == 200


async def test_what_cannot_be_joined_is_said(bot: Bot, owner: Visitor, keeper: Keeper) -> None:
    ann = (await persons(owner))["memory:ann"]["id"]
    for gone, words in ((ann, "one person already"), ("nobody", "I know nobody"), (["x"], "must be a text")):
        status, told = await owner.post("/web/people/join", {"gone": gone, "kept": ann})
        assert status in (400, 409)
        assert words in told["error"]


async def test_only_the_owner_joins(bot: Bot, stranger: Visitor) -> None:
    for path in ("/web/people/join", "/web/people/part"):
        assert (await stranger.post(path, {}))[0] == 401
