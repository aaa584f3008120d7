"""Accounts that become one person's: their events do, too."""

from typing import Any

import pytest

from rekku.plugins._event.tables import EVENTS
from rekku.plugins.event import EventPlugin
from rekku.plugins.time_plugin import TimePlugin
from rekku.testing import Bot, MemoryInterface
from tests.plugins.event_words import comes, event, make, row
from tests.road.words import action, reply, rows, say, texts, until

pytestmark = pytest.mark.settings(TZ="Europe/Rome")
THERE: dict[str, Any] = {"interface": "phone", "user": "anna"}


@pytest.fixture
async def phone(bot: Bot) -> MemoryInterface:
    """Ann has a phone, where she is called Anna, and an event in each place."""
    bot.add(TimePlugin())
    bot.add(EventPlugin(), "event")
    made = bot.add_interface(MemoryInterface("phone", frozenset()))
    await make(bot, user="ann")
    bot.model_says(event(description="call Bob", time="13:05"), say("I will."))
    await bot.hears("remind me to call Bob", **THERE)
    return made


async def link(bot: Bot) -> None:
    """Ann links her accounts."""
    (words,) = await bot.hears("/link", user="ann")
    code = words.split("/link ", 1)[1].split()[0]
    await bot.hears(f"/link {code} yes", **THERE)


async def test_each_account_sees_the_events_of_both(bot: Bot, phone: MemoryInterface) -> None:
    await link(bot)
    (here,), (there,) = await bot.hears("/events", user="ann"), await bot.hears("/events", **THERE)

    assert here == there
    assert "water the plants" in here
    assert "call Bob" in here
    bot.model_says(event(description="call Bob", time="13:05"), say("I know."))
    await bot.hears("remind me to call Bob", **THERE)
    assert len(await rows(bot, EVENTS)) == 2, "the same event twice is one, for the person that they are now, too"


async def test_the_reminder_goes_to_the_other_account_while_its_chat_is_closed(
    bot: Bot, phone: MemoryInterface
) -> None:
    await link(bot)
    bot.interface.here = False
    bot.model_says(say("Plants!"))
    await bot.clock.advance(60)
    await until(bot, lambda: "Plants!" in [sent.text for sent in phone.sent])
    await until(bot, lambda: not bot.running.road.sender._moving)

    assert "Plants!" not in texts(bot, "ann")


async def test_the_same_event_of_both_is_kept_once_and_merging_again_changes_nothing(bot: Bot) -> None:
    plugin = bot.add(EventPlugin(), "event")
    hall: dict[str, Any] = {"chat": "hall", "direct": False}
    for user in ("ann", "bob"):
        bot.model_says(event(repeat="daily"), say("I will."))
        await bot.hears("remind us", user=user, **hall)
    number = await make(bot, user="bob", description="stretch")
    people = {a.user_id: a.person_id for a in await bot.running.road.people.accounts()}
    bot.model_says(reply(action("event_snooze", minutes=30, id=2)), say("Later."))
    await bot.hears("later", user="bob", **hall)
    for _ in range(2):
        await plugin.merge_person(people["bob"], people["ann"])

    kept = await rows(bot, EVENTS)
    assert {found.person_id for found in kept} == {people["ann"]}
    assert sorted(found.description for found in kept) == ["stretch", "water the plants", "water the plants"]
    assert len({found.mark for found in kept}) == 3
    bot.model_says(say("Stretch!"))
    await bot.clock.advance(60)
    await comes(bot, 2, "bob")
    assert (await row(bot, number)).status == "done"
