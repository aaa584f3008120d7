"""Making, listing, changing and snoozing events: what is possible, what is not, and for whom."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rekku.core.message import Conversation
from rekku.core.principal import TRAINER_PERSON
from rekku.plugins._event.asked import Wanted
from rekku.plugins._event.book import SHOWN, Book, New
from rekku.plugins._event.calendar import Rule
from rekku.plugins._event.tables import EVENTS
from rekku.plugins.event import EventPlugin
from rekku.plugins.time_plugin import TimePlugin
from rekku.testing import Bot
from tests.plugins.event_words import NOON, comes, event, make, pass_by, row
from tests.road.words import action, answered, reply, rows, say, texts

HERE = Conversation("memory", "owner")
pytestmark = pytest.mark.settings(TZ="Europe/Rome")


@pytest.fixture
def events(bot: Bot) -> EventPlugin:
    """The plugin, loaded with the next message."""
    bot.add(TimePlugin())
    return bot.add(EventPlugin(), "event")


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({"date": "2026-02-28"}, "payload.date is in the past: today is Sunday, 2026-03-01 in Europe/Rome"),
        ({"time": "12:30"}, "2026-03-01 12:30 (Europe/Rome) was 30 minutes ago; it is now 2026-03-01 13:00"),
        ({"date": "2026-02-30"}, "payload.date must be as YYYY-MM-DD, and there must be such a date: not '2026-02-30'"),
        ({"date": "tomorrow"}, "payload.date must be as YYYY-MM-DD"),
        ({"date": "9999-12-31"}, "payload.date is more than 100 years ahead"),
        ({"date": 5}, "payload.date must be a text"),
        ({"time": "25:00"}, "payload.time must be as HH:MM, and there must be such a time: not '25:00'"),
        ({"time": None}, "payload.time must be a text"),
        ({"time": ""}, "payload.time is required for today, as HH:MM"),
        ({"timezone": "Europe/Atlantis"}, "payload.timezone is no time zone that is known: 'Europe/Atlantis'"),
        ({"timezone": "Europe"}, "payload.timezone is no time zone that is known: 'Europe'"),
        ({"timezone": "../../etc/passwd"}, "payload.timezone is no time zone that is known"),
        ({"repeat": "hourly"}, "payload.repeat must be one of none, daily, weekly, monthly, always"),
        ({"cron": "0 9 * * *", "repeat": "daily"}, "payload.repeat and payload.cron exclude each other"),
        ({"cron": "9 o'clock"}, "payload.cron must have five fields"),
        ({"cron": "61 * * * *"}, "payload.cron cannot be read"),
        ({"cron": "0 0 30 2 *"}, "payload.cron is never due in the next 9 years"),
        ({"cron": "* * * * *"}, "payload.cron is due too often; leave at least 5 minutes between two times"),
        ({"until": "2026-12-31"}, "payload.until needs payload.repeat or payload.cron"),
        ({"until": "2026-02-01", "repeat": "daily"}, "payload.until is before the first time"),
        ({"description": "  "}, "payload.description is empty"),
    ],
)
@pytest.mark.sqlite_only
async def test_what_cannot_be_goes_back_to_the_model(
    bot: Bot, events: EventPlugin, payload: dict[str, Any], problem: str
) -> None:
    bot.model_says(event(**payload), say("I cannot."))
    assert await bot.hears("remind me") == ["I cannot."]

    assert problem in bot.engine.prompts[1]
    assert await rows(bot, EVENTS) == []


async def test_the_same_event_twice_is_one(bot: Bot, events: EventPlugin) -> None:
    assert await make(bot) == await make(bot)
    assert "was scheduled already" in answered(bot)["outputs"][0]["output"]
    assert len(await rows(bot, EVENTS)) == 1


async def test_events_are_listed_changed_and_cancelled(bot: Bot, events: EventPlugin) -> None:
    number = await make(bot, date="2026-03-31", time="10:00", repeat="monthly")
    assert await bot.hears("/events") == [
        f"{number}  2026-03-31 10:00 (Europe/Rome), in 29 days, monthly: water the plants"
    ]
    bot.model_says(reply(action("event_list")), say("One."))
    await bot.hears("what is there?")
    (listed,) = answered(bot)["outputs"][0]["output"]["waiting"]
    assert (listed["id"], listed["description"]) == (number, "water the plants")

    bot.model_says(
        reply(action("event_update", id=str(number), time="11:30", description="feed the cat")), say("Done.")
    )
    await bot.hears("at half past eleven, and the cat")
    kept = await row(bot, number)
    assert (kept.starts, kept.next_at) == ("2026-03-31T11:30:00", datetime(2026, 3, 31, 9, 30, tzinfo=UTC))
    assert (kept.description, kept.repetition) == ("feed the cat", "monthly")

    bot.model_says(reply(action("event_cancel", id=number)), say("Gone."))
    await bot.hears("cancel it")
    assert await bot.hears("/events") == ["Nothing is scheduled."]
    await make(bot, date="2026-03-31", time="11:30", repeat="monthly", description="feed the cat")


async def test_a_time_that_would_change_nothing_is_no_change(bot: Bot, events: EventPlugin) -> None:
    number = await make(bot, date="2026-03-02", cron="0 9 * * mon-fri")
    bot.model_says(reply(action("event_update", id=number, time="08:00")), say("Which days?"))
    assert await bot.hears("at eight, please") == ["Which days?"]
    assert answered(bot)["errors"][0]["problems"] == [
        "payload.time does not change when it comes: that says its cron text, 0 9 * * mon-fri; give payload.cron"
    ]

    bot.model_says(reply(action("event_update", id=number, cron="0 8 * * mon-fri")), say("Done."))
    await bot.hears("on the same days")
    assert (await row(bot, number)).next_at == datetime(2026, 3, 2, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize("before", [{"cron": "0 9 * * mon"}, {"repeat": "always"}])
async def test_what_had_times_of_its_own_is_not_moved_to_midnight(
    bot: Bot, events: EventPlugin, before: dict[str, str]
) -> None:
    bot.model_says(reply(action("event", date="2026-03-02", description="stretch", **before)), say("I will."))
    await bot.hears("remind me")
    bot.model_says(reply(action("event_update", id=1, repeat="daily")), say("At what time?"))
    assert await bot.hears("daily, please") == ["At what time?"]
    assert "payload.time is required, as HH:MM" in answered(bot)["errors"][0]["problems"][0]

    bot.model_says(reply(action("event_update", id=1, repeat="daily", time="09:00")), say("Done."))
    await bot.hears("at nine")
    assert (await row(bot, 1)).next_at == datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


async def test_later_means_snooze(bot: Bot, events: EventPlugin) -> None:
    number = await make(bot)
    bot.model_says(say("Plants!"))
    await bot.clock.advance(60)
    await comes(bot, 2)
    bot.model_says(reply(action("event_snooze", minutes=10)), say("In ten minutes."))
    await bot.hears("later")
    bot.model_says(say("Plants, again!"))
    await pass_by(bot, 600)
    await comes(bot, 4)
    assert await bot.hears("/snooze 5") == ["I will remind you in 5 minutes: water the plants"]
    bot.model_says(say("Plants, at last!"))
    await pass_by(bot, 300)
    await comes(bot, 6)
    bot.model_says(reply(action("event_acknowledge")), say("Well done."))
    await bot.hears("done!")

    assert [text for text in texts(bot) if "Plants" in text] == ["Plants!", "Plants, again!", "Plants, at last!"]
    kept = await row(bot, number)
    assert (kept.status, kept.acknowledged_at) == ("done", bot.clock.now())


async def test_what_repeats_goes_on_beside_its_snooze(bot: Bot, events: EventPlugin) -> None:
    number = await make(bot, repeat="daily")
    bot.model_says(say("Plants!"))
    await bot.clock.advance(60)
    await comes(bot, 2)
    assert await bot.hears("/snooze 20") == ["I will remind you in 20 minutes: water the plants"]
    assert await bot.hears(f"/snooze 30 {number}") == ["I will remind you in 30 minutes: water the plants"]

    assert sorted(found.next_at for found in await rows(bot, EVENTS)) == [
        bot.clock.now() + timedelta(minutes=30),
        NOON + timedelta(days=1, minutes=1),
    ]


async def test_what_is_done_does_not_come_again_for_having_been_put_off(bot: Bot, events: EventPlugin) -> None:
    once, daily = await make(bot), await make(bot, repeat="daily", description="stretch")
    bot.model_says(say("Plants!"), say("Stretch!"))
    await bot.clock.advance(60)
    await comes(bot, 4)
    for number in (once, daily):
        await bot.hears(f"/snooze 10 {number}")
        bot.model_says(reply(action("event_acknowledge", id=number)), say("Well done."))
        await bot.hears("done!")
    await pass_by(bot, 1200)

    assert [text for text in texts(bot) if text.endswith("!")] == ["Plants!", "Stretch!"]
    assert [found.description for found in await rows(bot, EVENTS) if found.wake_at] == ["stretch"]
    assert (await row(bot, daily)).next_at == NOON + timedelta(days=1, minutes=1)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("/snooze soon", "Write /snooze, /snooze 20, or /snooze 20 3 for the event 3."),
        ("/snooze 5 1 2", "Write /snooze, /snooze 20, or /snooze 20 3 for the event 3."),
        ("/snooze 0", "That does not work: minutes must be a whole number from 1 to 43200"),
        ("/snooze 5 99", "That does not work: id: there is no event 99 here; /events shows which there are"),
        (f"/snooze 5 {10**30}", "That does not work: id must be the number of an event; /events shows them"),
        (
            "/snooze",
            "That does not work: no event has come here yet; "
            "write its number too, as /snooze 20 3; /events shows the numbers",
        ),
    ],
)
@pytest.mark.sqlite_only
async def test_a_snooze_that_cannot_be_says_why(bot: Bot, events: EventPlugin, words: str, why: str) -> None:
    assert await bot.hears(words) == [why]


@pytest.mark.parametrize("number", ["9" * 30, 1e300, -1, "the first", "9" * 5000])
async def test_a_number_that_no_event_has_is_a_clear_error(bot: Bot, events: EventPlugin, number: object) -> None:
    bot.model_says(reply(action("event_cancel", id=number)), say("Which one?"))
    assert await bot.hears("cancel it") == ["Which one?"]
    assert answered(bot)["errors"][0]["problems"] == [
        "payload.id must be the number of an event; event_list shows them"
    ]


async def test_what_is_not_shown_is_said(bot: Bot, events: EventPlugin) -> None:
    for number in range(SHOWN + 1):
        moment = NOON + timedelta(days=1, minutes=number)
        new = New(TRAINER_PERSON, HERE, True, Wanted(Rule(moment, "UTC"), moment), f"deed {number}", "deliver")
        await Book(bot.running.database, timedelta(hours=1)).add(new, NOON)
    (shown,) = await bot.hears("/events")
    *lines, last = shown.splitlines()
    assert len(lines) == SHOWN
    assert last == "And later ones, which are shown when some of these are over."

    bot.model_says(reply(action("event_list")), say("Many."))
    await bot.hears("what is there?")
    output = answered(bot)["outputs"][0]["output"]
    assert (len(output["waiting"]), output["not shown"]) == (SHOWN, "later ones, which wait too")


async def test_events_are_a_persons_own(bot: Bot, events: EventPlugin) -> None:
    number = await make(bot, user="ann", created_by="owner")
    bot.model_says(reply(action("event_cancel", id=number)), say("I cannot."))
    await bot.hears("cancel it", user="bob")

    assert f"there is no event {number} here" in bot.engine.prompts[-1]
    assert await bot.hears("/events", user="bob") == ["Nothing is scheduled."]
    assert await bot.hears("/events all", user="bob") == ["Only the trainer sees everybody's events, in a direct chat."]
    assert f"{number}  2026-03-01 13:01" in (await bot.hears("/events all"))[0]
    kept = await row(bot, number)
    assert (kept.created_by, kept.person_id == TRAINER_PERSON) == ("owner", False)

    bot.model_says(say("Plants, Ann!"))
    await bot.clock.advance(60)
    await comes(bot, 2, "ann")
    assert texts(bot, "ann")[1:] == ["Plants, Ann!"]


async def test_a_group_does_not_see_what_was_made_elsewhere(bot: Bot, events: EventPlugin) -> None:
    private = await make(bot, user="ann", description="see the doctor")
    group: dict[str, Any] = {"user": "ann", "chat": "hall", "direct": False}
    assert await bot.hears("/events", **group) == ["Nothing is scheduled."]
    bot.model_says(reply(action("event_list")), reply(action("event_cancel", id=private)), say("None."))
    await bot.hears("what is there?", **group)

    assert "see the doctor" not in "".join(bot.engine.prompts[2:])
    assert f"there is no event {private} here" in bot.engine.prompts[-1]


async def test_what_was_made_in_a_thread_stays_there(bot: Bot, events: EventPlugin) -> None:
    hall: dict[str, Any] = {"user": "ann", "chat": "hall", "direct": False}
    for thread, description in (("", "sweep"), ("7", "see the doctor")):
        bot.model_says(event(description=description), say("I will."))
        await bot.hears("remind me", thread=thread, **hall)

    async def shown(thread: str) -> list[str]:
        (answer,) = await bot.hears("/events", thread=thread, **hall)
        return [line.rpartition(": ")[2] for line in answer.splitlines()]

    assert await shown("") == ["sweep"]
    assert await shown("7") == ["sweep", "see the doctor"]
    assert await shown("8") == ["sweep"]
    assert "there is no event 2 here" in (await bot.hears("/snooze 5 2", **hall))[0]


@pytest.mark.settings(EVENTS_PER_PERSON="2")
async def test_one_person_may_have_so_many(bot: Bot, events: EventPlugin) -> None:
    for text in ("one", "two"):
        await make(bot, user="ann", description=text)
    bot.model_says(event(description="three"), say("Too many."))
    await bot.hears("and three", user="ann")
    assert "this person has 2 events waiting" in bot.engine.prompts[-1]
    for text in ("one", "two", "three"):
        await make(bot, description=text)


async def test_another_chat_needs_permission(bot: Bot, events: EventPlugin) -> None:
    bot.model_says(say("Hello."))
    await bot.hears("hi", user="bob")
    await make(bot, target="bob", description="call Ann")
    bot.model_says(event(target="owner"), say("I may not."))
    await bot.hears("remind the owner", user="bob")
    assert "no chat 'owner' is known" in bot.engine.prompts[-1]

    bot.model_says(say("Call Ann, Bob."))
    await bot.clock.advance(60)
    await comes(bot, 3, "bob")
    assert texts(bot, "bob")[-1] == "Call Ann, Bob."


async def test_who_is_forgotten_is_not_reminded(bot: Bot, events: EventPlugin) -> None:
    await make(bot, user="ann")
    assert "1 events" in (await bot.hears("/forgetme", user="ann"))[0]
    await bot.hears("/forgetme yes", user="ann")
    assert await rows(bot, EVENTS) == []
