"""Events and the diary on the page: what the plugins offer to the owner's control panel."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from rekku.testing import Bot
from tests.interface.webui.visitor import Visitor

REMEMBER = {
    "actions": [{"type": "message", "payload": {"text": "I like {}."}}],
    "diary": {
        "thought": "{} is on their mind.",
        "emotions": [{"type": "joy", "intensity": 6}],
        "summary": "We talked about {}.",
        "tags": ["{}"],
    },
}


FACT = {"person": "trainer", "field": "likes", "text": "y", "privacy": "public"}


@pytest.fixture
def web_settings() -> dict[str, str]:
    """With both plugins."""
    return {"REKKU_PLUGINS": "message_plugin,time_plugin,webui,event,ai_diary,bio_manager", "TZ": "Europe/Rome"}


async def do(owner: Visitor, deed: str, **given: Any) -> Any:
    """Have the plugin do something; what it answers."""
    status, told = await owner.post(f"/web/plugin/{deed}", given)
    assert status == 200, told
    return told


async def test_an_event_is_made_shown_changed_put_off_and_cancelled(bot: Bot, owner: Visitor) -> None:
    bot.clock.jump((datetime(2026, 3, 20, 12, tzinfo=UTC) - bot.clock.now()).total_seconds())
    await owner.log_in()
    given = {"description": "Water the plants", "date": "2026-03-27", "time": "09:00", "repeat": "daily"}
    made = (await do(owner, "event/create", **given, until="2026-03-30"))["scheduled"]
    (event,) = (await do(owner, "event/list", until="2026-04-30"))["waiting"]

    assert event["times"] == [f"2026-03-{day}T09:00" for day in (27, 28, 29, 30)]  # the clocks change in between
    assert (event["chat"], event["rule"]["until"]) == ("webui:owner", "2026-03-30")
    await do(owner, "event/update", id=made["id"], description="Water the cactus")
    await do(owner, "event/snooze", id=made["id"], minutes=30)
    both = (await do(owner, "event/list"))["waiting"]
    assert sorted(event["description"] for event in both) == ["Water the cactus"] * 2
    await do(owner, "event/cancel", id=made["id"])
    assert len((await do(owner, "event/list"))["waiting"]) == 1


async def test_the_form_changes_an_event_that_has_begun_and_takes_away_its_last_day(bot: Bot, owner: Visitor) -> None:
    bot.clock.jump((datetime(2026, 3, 20, 12, tzinfo=UTC) - bot.clock.now()).total_seconds())
    await owner.log_in()
    given = {"description": "Water the plants", "date": "2026-03-21", "time": "09:00", "repeat": "daily"}
    await do(owner, "event/create", **given, until="2026-03-24")
    bot.clock.jump(2 * 86400)
    await owner.log_in()
    (event,) = (await do(owner, "event/list"))["waiting"]
    form = {**given, "description": "Water the cactus", "until": ""}
    await do(owner, "event/update", id=event["id"], **form)
    (event,) = (await do(owner, "event/list", until="2026-03-26"))["waiting"]

    assert (event["description"], event["rule"]["until"]) == ("Water the cactus", "")
    assert event["times"][-1] == "2026-03-25T09:00"


async def test_the_form_renames_an_event_that_was_put_off_and_makes_a_cron_event_a_single_one(
    bot: Bot, owner: Visitor
) -> None:
    bot.clock.jump((datetime(2026, 3, 20, 12, tzinfo=UTC) - bot.clock.now()).total_seconds())
    await owner.log_in()
    form = {"description": "Call", "date": "2026-03-20", "time": "13:30", "repeat": "none", "cron": ""}
    made = (await do(owner, "event/create", **form))["scheduled"]
    await bot.clock.advance(2400)
    while (await do(owner, "event/list"))["waiting"]:
        await bot.clock.advance(0)
    await do(owner, "event/snooze", id=made["id"], minutes=60)
    (event,) = (await do(owner, "event/list"))["waiting"]
    await do(owner, "event/update", id=event["id"], **{**event["rule"], "description": "Call Ann"})
    (renamed,) = (await do(owner, "event/list"))["waiting"]
    assert (renamed["description"], renamed["times"]) == ("Call Ann", event["times"])

    await do(owner, "event/cancel", id=event["id"])
    often = (await do(owner, "event/create", **{**form, "date": "2026-03-21", "cron": "0 9 * * 1"}))["scheduled"]
    await do(owner, "event/update", id=often["id"], **{**form, "date": "2026-03-21"})
    (single,) = (await do(owner, "event/list"))["waiting"]
    assert single["times"] == ["2026-03-21T13:30"]


async def test_a_reminder_made_on_the_page_arrives_there_and_is_acknowledged(bot: Bot, owner: Visitor) -> None:
    page = await owner.open()
    await page.say("/help")
    await page.until(page.texts)
    due = (bot.clock.now() + timedelta(minutes=2)).replace(second=0, microsecond=0).astimezone(ZoneInfo("Europe/Rome"))
    bot.model_says("It is time to drink some water.")
    await do(owner, "event/create", description="Drink water", date=f"{due:%Y-%m-%d}", time=f"{due:%H:%M}")
    while len(page.texts()) < 2:
        await bot.clock.advance(1 if bot.clock.now() < due else 0)
    assert page.texts()[-1] == "It is time to drink some water."
    (told,) = (await do(owner, "event/list"))["told"]
    assert told["description"] == "Drink water"
    await do(owner, "event/acknowledge", id=told["id"])
    (told,) = (await do(owner, "event/list"))["told"]
    assert told["acknowledged"] is True


async def test_everybodys_events_are_the_owners_to_see(bot: Bot, owner: Visitor) -> None:
    payload = {"description": "Call mum", "date": "2026-03-05"}
    bot.model_says(json.dumps({"actions": [{"type": "event", "payload": payload}]}), "I will.")
    await bot.hears("remind me", user="ann")
    (event,) = (await do(owner, "event/list"))["waiting"]
    assert (event["description"], event["chat"]) == ("Call mum", "memory:ann")
    await do(owner, "event/cancel", id=event["id"])
    assert (await do(owner, "event/list"))["waiting"] == []


@pytest.mark.parametrize(
    ("deed", "given", "words"),
    [
        ("event/create", {"description": "x"}, "date is required"),
        ("event/create", {"description": "x", "date": "2020-01-01"}, "past"),
        ("event/create", {"description": "", "date": "2026-05-01"}, "description"),
        ("event/cancel", {"id": 99}, "no event 99"),
        ("event/nothing", {}, "no 'nothing'"),
        ("event/list", {"until": "soon"}, "must be a date"),
        ("ai_diary/delete", {"id": "7"}, "no such entry"),
        ("ai_diary/edit", {"id": "x"}, "no number"),
        ("ai_diary/entries", {"words": ["x"]}, "must be a text"),
        ("ai_diary/nothing", {}, "no 'nothing'"),
        ("bio_manager/remove", {"person": "x", "field": "likes", "name": "y"}, "not known"),
        ("bio_manager/remove", {"person": "x", "field": "privacy", "name": "y"}, "one of"),
        ("bio_manager/add", {"person": "x", "field": "likes", "text": "y", "privacy": "public"}, "I know nobody"),
        ("bio_manager/add", {"person": "trainer", "field": "x"}, "field must be one of known_as"),
        ("bio_manager/add", {"person": "trainer", "field": ["likes"]}, "field must be one of known_as"),
        ("bio_manager/add", {**FACT, "text": " \n"}, "text must not be empty"),
        ("bio_manager/add", {**FACT, "text": ["y"]}, "text must be a text"),
        ("bio_manager/add", {**FACT, "text": "y" * 2001}, "text may have 2000 characters, and this has 2001"),
        ("bio_manager/add", {**FACT, "field": "contacts"}, "key must not be empty"),
        ("bio_manager/add", {**FACT, "privacy": "secret"}, "privacy must be one of private, chat, public"),
        ("bio_manager/change", {**FACT, "name": "y"}, "not known"),
        ("time_plugin/list", {}, "shows nothing"),
        ("nobody/list", {}, "not there"),
    ],
)
async def test_what_cannot_be_done_is_said(bot: Bot, owner: Visitor, deed: str, given: Any, words: str) -> None:
    status, told = await owner.post(f"/web/plugin/{deed}", given)
    assert status == 409
    assert words in told["error"]
    assert "payload." not in told["error"]


async def test_the_diary_is_read_filtered_changed_and_deleted(bot: Bot, owner: Visitor) -> None:
    for topic in ("cats", "trains"):
        bot.model_says(json.dumps(REMEMBER).replace("{}", topic))
        await bot.hears(f"do you like {topic}?", user="ann")
    told = await do(owner, "ai_diary/entries")
    assert [entry["context_tags"] for entry in told["entries"]] == [["trains"], ["cats"]]
    assert (told["count"], told["before"]) == (2, "")

    for filter_ in ({"words": "cats"}, {"topic": "CAT"}, {"words": "mind cats", "person": "ann", "feeling": "joy"}):
        (entry,) = (await do(owner, "ai_diary/entries", **filter_))["entries"]
        assert entry["personal_thought"] == "cats is on their mind."
    assert (await do(owner, "ai_diary/entries", person="bob"))["entries"] == []
    (moods,) = await do(owner, "ai_diary/moods", days=7)
    assert moods["feelings"] == {"joy": 6.0}

    await do(owner, "ai_diary/edit", id=entry["id"], personal_thought="They love dogs.", context_tags=["dogs"])
    (changed,) = (await do(owner, "ai_diary/entries", topic="dogs"))["entries"]
    assert (changed["personal_thought"], changed["content"]) == ("They love dogs.", "I like cats.")
    assert changed["privacy"] == entry["privacy"]
    assert (await do(owner, "ai_diary/delete", id=entry["id"]))["erased"] == 1
    assert (await do(owner, "ai_diary/entries"))["count"] == 1
    assert "1 entries are in" in (await do(owner, "ai_diary/export"))["words"]


async def test_what_is_known_of_a_person_is_shown_and_taken_out(bot: Bot, owner: Visitor) -> None:
    payload = {"likes": ["cats", "trains"], "contacts": {"mail": "ann@example.org"}}
    bot.model_says(json.dumps({"actions": [{"type": "bio_update", "payload": payload}]}), "Noted.")
    await bot.hears("I like cats and trains", user="ann")
    _, people = await owner.get("/web/people")
    ann = next(person["id"] for person in people if person["name"] == "Ann")
    facts = (await do(owner, "bio_manager/show", person=ann))["facts"]
    assert [(fact["field"], fact["key"], fact["text"]) for fact in facts] == [
        ("likes", "", "cats"),
        ("likes", "", "trains"),
        ("contacts", "mail", "ann@example.org"),
    ]
    facts = (await do(owner, "bio_manager/remove", person=ann, field="likes", name="cats"))["facts"]
    assert [fact["text"] for fact in facts] == ["trains", "ann@example.org"]
    assert (await do(owner, "bio_manager/show", person="nobody"))["facts"] == []


async def test_the_owner_writes_facts_and_the_limits_of_the_model_do_not_bind_them(bot: Bot, owner: Visitor) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello", user="ann")
    _, people = await owner.get("/web/people")
    ann = next(person["id"] for person in people if person["name"] == "Ann")
    for field, key, text in (("likes", "", "tea"), ("likes", "", "x" * 2000), ("contacts", "mail", "ann@example.org")):
        given = {"person": ann, "field": field, "key": key, "text": text}
        told = await do(owner, "bio_manager/add", **given, privacy="public")
    assert [(fact["key"], fact["text"][:9]) for fact in told["facts"]] == [
        ("", "tea"),
        ("", "x" * 9),
        ("mail", "ann@examp"),
    ]
    status, told = await owner.post("/web/plugin/bio_manager/add", {**given, "text": "other", "privacy": "public"})
    assert (status, "'mail' is known there already" in told["error"]) == (409, True)

    changed = {"person": ann, "field": "likes", "name": "tea", "text": "green tea", "privacy": "public"}
    await do(owner, "bio_manager/change", **changed)
    bot.model_says("Noted.")
    await bot.hears("what do I like?", user="ann", chat="room", direct=False)
    assert "green tea" in bot.engine.prompts[-1]


@pytest.mark.parametrize("text", ["half \ud83d a pair", "\U0001f600", "\u202e"])
async def test_what_the_owner_writes_can_be_taken_out_again_whatever_it_is(bot: Bot, owner: Visitor, text: str) -> None:
    given = {"person": "trainer", "field": "likes", "text": text, "privacy": "public"}
    (fact,) = (await do(owner, "bio_manager/add", **given))["facts"]
    told = await do(owner, "bio_manager/remove", person="trainer", field="likes", name=fact["name"])
    assert told["facts"] == []


@pytest.mark.parametrize(("privacy", "ann", "owner_hears"), [("private", 0, 1), ("chat", 1, 1), ("public", 1, 1)])
async def test_what_the_owner_writes_is_heard_by_whom_they_say(
    bot: Bot, owner: Visitor, privacy: str, ann: int, owner_hears: int
) -> None:
    bot.model_says("Hello.", *["Hm."] * 5)
    await bot.hears("hello", user="ann")
    _, people = await owner.get("/web/people")
    ids = {person["name"]: person["id"] for person in people}
    for person in (ids["Ann"], "trainer"):
        await do(owner, "bio_manager/add", person=person, field="likes", key="", text="secret tea", privacy="private")
        given = {"person": person, "field": "likes", "name": "secret tea", "text": "secret tea", "privacy": privacy}
        await do(owner, "bio_manager/change", **given)
    await bot.hears("hello", user="ann")
    assert bot.engine.prompts[-1].count("secret tea") == ann
    await bot.hears("hello")
    assert bot.engine.prompts[-1].count("secret tea") == owner_hears
    await do(owner, "bio_manager/change", **{**given, "person": ids["Ann"], "privacy": "private"})
    await bot.hears("hello", user="ann")
    assert "secret tea" not in bot.engine.prompts[-1]


async def test_the_page_of_a_plugin_is_there_when_the_plugin_is(bot: Bot, owner: Visitor) -> None:
    assert (await owner.get("/web/me"))[1]["panels"] == ["ai_diary", "bio_manager", "event"]
