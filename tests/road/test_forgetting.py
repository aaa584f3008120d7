"""/forgetme: everything about one person goes, and nothing of anybody else's."""

import asyncio
from typing import Any

import pytest

from rekku.core.errors import EngineRefused
from rekku.core.message import Attachment
from rekku.core.turn import Outcome
from rekku.store.schema import ACCOUNTS, ATTACHMENTS, AUDIT, CHATS, HISTORY, INBOX, OUTBOX, PEOPLE, STEPS
from rekku.testing import Bot
from tests.road.doers import Doer, add
from tests.road.words import action, reply, rows, until

TABLES = (HISTORY, OUTBOX, STEPS, ATTACHMENTS, INBOX, AUDIT, CHATS, ACCOUNTS, PEOPLE)


async def live(bot: Bot, user: str) -> None:
    """Somebody talks with Rekku alone and in a group, sends a file and is refused something."""
    bot.model_says(reply(action("do_it"), action("message", text=f"a secret of {user}")), reply())
    await bot.hears(f"I am {user}", user=user, attachments=(Attachment("image", "me.png", "image/png", b"me"),))
    bot.model_says("hi there")
    await bot.hears(f"{user} in the room", user=user, chat="room", direct=False)
    await bot.tell(f"{user} mumbles", user=user, chat="room", direct=False, addressed=False)


async def everything(bot: Bot) -> dict[str, list[Any]]:
    """All rows of all tables."""
    return {table.name: await rows(bot, table) for table in TABLES}


@pytest.fixture
async def two(bot: Bot) -> Bot:
    """A bot that Ann and Bob have talked with."""
    add(bot, Doer(restricted=True))
    for user in ("ann", "bob"):
        await live(bot, user)
    return bot


async def test_a_dry_run_tells_what_is_kept_and_erases_nothing(two: Bot) -> None:
    before = await everything(two)
    for text in ("/forgetme", "/forgetme please", "/forgetme no"):
        (words,) = await two.hears(text, user="bob")
        assert words.startswith("I keep about you: ")
        assert "1 accounts" in words
        assert "1 attachments" in words
        assert words.endswith("Write /forgetme yes to erase it for good.")
    after = await everything(two)
    for table in (HISTORY, STEPS, ATTACHMENTS, AUDIT, CHATS, ACCOUNTS, PEOPLE):
        assert len(after[table.name]) == len(before[table.name])


async def test_yes_erases_one_person_everywhere_and_leaves_the_others(two: Bot) -> None:
    (bob,) = {row.person_id for row in await rows(two, ACCOUNTS) if row.user_id == "bob"}
    before = await everything(two)
    (words,) = await two.hears("/forgetme yes", user="bob")
    assert words.startswith("Erased: ")
    after = await everything(two)

    for name, left in after.items():
        for row in left:
            assert getattr(row, "person_id", "") != bob, f"{name} still knows him"
            assert "bob" not in str(row) or row.text == words, f"{name} still knows him: only the receipt stays"
            assert "a secret of bob" not in str(row)
    for name, rows_before in before.items():
        anns = [row for row in rows_before if "ann" in str(row)]
        assert [row for row in after[name] if "ann" in str(row)] == anns
    for name in ("steps", "attachments", "audit", "accounts"):
        assert 2 * len(after[name]) == len(before[name]), f"{name}: half of it was his"


async def test_who_was_forgotten_is_a_stranger_afterwards(two: Bot) -> None:
    await two.hears("/allow memory:bob")
    await two.hears("/forgetme yes", user="bob")
    two.model_says("nice to meet you")
    assert await two.hears("hello", user="bob") == ["nice to meet you"]
    assert "history" not in two.engine.prompts[-1]
    (role,) = [row.role for row in await rows(two, PEOPLE) if row.name == "Bob"]
    assert role == "unknown"


async def test_who_is_blocked_stays_blocked_when_forgotten(two: Bot) -> None:
    (bob,) = {row.person_id for row in await rows(two, ACCOUNTS) if row.user_id == "bob"}
    await two.hears("/block bob")
    await two.running.road.people.forget(bob, dry_run=False)
    assert await two.tell("hello", user="bob") is Outcome.IGNORED
    await two.restart()
    assert await two.tell("hello", user="bob") is Outcome.IGNORED
    assert [row.text for row in await rows(two, HISTORY) if row.person_id == bob] == []


async def test_plugins_forget_too_and_one_that_cannot_is_named(two: Bot) -> None:
    class Memory:
        def __init__(self) -> None:
            self.asked: list[tuple[str, bool]] = []

        async def forget_person(self, person_id: str, dry_run: bool) -> dict[str, int]:
            self.asked.append((person_id, dry_run))
            return {"memories": 3}

    class Broken:
        def forget_person(self, person_id: str, dry_run: bool) -> dict[str, int]:
            raise KeyError("no")

    memory = two.add(Memory())
    two.add(Broken(), "broken")
    (dry,) = await two.hears("/forgetme", user="bob")
    (wet,) = await two.hears("/forgetme yes", user="bob")
    assert "3 memories" in dry
    assert "3 memories" in wet
    assert wet.endswith("These could not do it and must be asked again: broken.")
    assert [how for _, how in memory.asked] == [True, False]


async def test_forgetting_works_for_the_trainer_who_stays_the_trainer(two: Bot) -> None:
    two.model_says("hi", "hello")
    await two.hears("hello")
    await two.hears("/forgetme yes")
    assert [row for row in await rows(two, HISTORY) if row.chat_id == "owner"] == []
    assert await two.hears("hello again") == ["hello"]
    assert (await two.hears("/status"))[0].startswith("Rekku ")


async def test_nothing_is_erased_while_a_turn_could_write_it_again(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    receipt = await bot.send("my secret is PLUGH", user="bob")
    await until(bot, lambda: bool(bot.engine.prompts))
    assert (await bot.hears("/forgetme yes", user="bob"))[0].startswith("I am still busy")

    bot.model_says("I see.")
    bot.engine.gate.set()
    await receipt.outcome()
    assert (await bot.hears("/forgetme yes", user="bob"))[0].startswith("Erased: ")
    assert not [row for row in await rows(bot, HISTORY) if row.chat_id == "bob"]


async def test_what_waits_for_an_engine_is_dropped_with_its_person(bot: Bot) -> None:
    bot.model_says(EngineRefused("out of order"))
    await bot.tell("my secret is PLUGH", user="bob")
    await bot.hears("/forgetme yes", user="bob")
    await bot.clock.advance(120)

    assert len(bot.engine.prompts) == 1
    assert not [row for row in await rows(bot, INBOX) if "PLUGH" in row.body]
