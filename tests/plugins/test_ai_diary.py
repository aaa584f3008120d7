"""The diary: what is written down, what comes to mind, and what the owner can do with it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from rekku.core.errors import PluginError
from rekku.plugins import ai_diary
from rekku.plugins.ai_diary import DiaryPlugin
from rekku.testing import Bot
from tests.road.words import action, asked, reply

NOTED = {
    "thought": "I think Ann misses the sea.",
    "emotions": [{"type": "Joy", "intensity": 8}, {"type": "worry", "intensity": 55}],
    "summary": "Ann bought a boat called Albatross.",
    "tags": ["boats", "sea"],
}


@pytest.fixture
async def diary(bot: Bot) -> DiaryPlugin:
    """The diary of the bot."""
    plugin = bot.add(DiaryPlugin(), "ai_diary")
    await bot.settle()
    return plugin


async def talk(bot: Bot, said: str, answer: str, noted: object = None, **told: Any) -> None:
    """Somebody says something, and Rekku answers and writes it down."""
    fields = {} if noted is None else {"diary": noted}
    bot.model_says(reply(action("message", text=answer), **fields))
    await bot.tell(said, **told)
    await bot.clock.advance(12)  # unknown people may write five times a minute


async def remembered(bot: Bot, said: str, **told: Any) -> dict[str, str]:
    """What of the diary stands in the prompt for these words."""
    bot.model_says("Hm.")
    await bot.tell(said, **told)
    found: dict[str, str] = asked(bot)["context"].get("diary", {})
    return found


async def test_what_the_model_noted_is_written_down_and_comes_to_mind_again(bot: Bot, diary: DiaryPlugin) -> None:
    await talk(bot, "I bought a boat! Her name is Albatross.", "How lovely!", NOTED, user="ann")
    (entry,) = await ai_diary.get_recent_entries()
    assert entry["content"] == "How lovely!"
    assert entry["user_message"] == "I bought a boat! Her name is Albatross."
    assert entry["personal_thought"] == NOTED["thought"]
    assert entry["emotions"] == [{"type": "joy", "intensity": 8.0}, {"type": "worry", "intensity": 10.0}]
    assert (entry["interaction_summary"], entry["context_tags"]) == (NOTED["summary"], ["boats", "sea"])
    assert (entry["involved_users"], entry["interface"], entry["chat_id"]) == (["Ann"], "memory", "ann")

    told = await remembered(bot, "what was the name of my boat?", user="ann")
    assert told["mood"].startswith("worry (10/10), joy (8/10)")
    for line in (
        "Date: 2026-03-01 12:00 UTC",
        "What happened: Ann bought a boat called Albatross.",
        "My thought: I think Ann misses the sea.",
        "With: Ann",
        "Topics: boats, sea",
        "Feelings: joy (8/10), worry (10/10)",
        "Platform: memory",
    ):
        assert line in told["memories"].splitlines(), line
    assert "Your diary entry" in bot.engine.prompts[0]


@pytest.mark.parametrize(
    "noted", [None, "glad", [], {"thought": 5, "emotions": "joy", "tags": {"a": 1}}, {"emotions": [{"type": None}, 7]}]
)
async def test_rules_fill_in_what_the_model_left_out_or_wrote_wrongly(
    bot: Bot, diary: DiaryPlugin, noted: object
) -> None:
    await talk(bot, "Thank you, the pancakes were wonderful. More tomorrow?", "With pleasure.", noted, user="ann")
    (entry,) = await ai_diary.get_recent_entries()
    assert entry["interaction_summary"] == "Ann wrote: Thank you, the pancakes were wonderful."
    assert entry["emotions"][0] == {"type": "joy", "intensity": 6.0}
    assert "Ann" in entry["personal_thought"]
    assert "pancakes" in entry["context_tags"]


async def test_a_turn_is_written_down_once_however_often_it_is_told(bot: Bot, diary: DiaryPlugin) -> None:
    told: list[Any] = []
    record = diary.on_turn_end

    async def twice(turn: Any) -> None:
        told.append(turn)
        await record(turn)
        await record(turn)

    diary.on_turn_end = twice  # type: ignore[method-assign]
    await talk(bot, "hello", "hi", user="ann")
    assert len(told) == 1
    assert await diary.count_entries() == 1


async def test_an_old_entry_is_found_by_what_it_says_among_many_newer_ones(bot: Bot, diary: DiaryPlugin) -> None:
    await talk(bot, "My grandmother's recipe for gnocchi needs nutmeg.", "Noted!", user="ann")
    for number in range(40):
        await talk(bot, f"The train was {number} minutes late.", "Again!", user="ann")
    told = await remembered(bot, "Which spice did grandma put into her gnocchi?", user="ann")
    assert "nutmeg" in told["memories"]
    assert "train was 39" in json.dumps(asked(bot)["context"])
    assert len(told["memories"]) <= 4000


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("said", "question"),
    [
        ("Ho comprato una bicicletta rossa a Torino.", "Dove ho comprato le biciclette?"),
        ("Meine Schwestern wohnen in München.", "Wo wohnt meine Schwester?"),
        ("我的猫喜欢吃三文鱼。", "猫吃什么？"),
        ("昨日、東京でラーメンを食べました。", "ラーメンはどこで?"),
        ("PERCHÉ NO: il caffè è pronto", "caffe?"),
    ],
)
async def test_languages_are_searched_alike(bot: Bot, diary: DiaryPlugin, said: str, question: str) -> None:
    await talk(bot, said, "ok", user="ann")
    for number in range(12):
        await talk(bot, f"Noise {number}", "ok", user="ann")
    assert said in (await remembered(bot, question, user="ann"))["memories"]


@pytest.mark.settings(DIARY_CHARACTERS="600")
async def test_what_is_remembered_fits_the_setting(bot: Bot, diary: DiaryPlugin) -> None:
    for number in range(8):
        await talk(bot, f"Apples {number} " + "and pears. " * 60, "ok", user="ann")
    assert 0 < len((await remembered(bot, "apples", user="ann"))["memories"]) <= 600


@pytest.mark.sqlite_only
async def test_what_is_remembered_fits_the_engine(bot: Bot, diary: DiaryPlugin) -> None:
    bot.engine.character_budget = 8 * 3000  # type: ignore[attr-defined]
    for number in range(8):
        await talk(bot, f"Apples {number}", "ok. " * 200, user="ann")
    assert 0 < len((await remembered(bot, "apples", user="ann"))["memories"]) <= 3000


async def test_feelings_fade(bot: Bot, diary: DiaryPlugin) -> None:
    await talk(bot, "A boat!", "Oh!", NOTED, user="ann")
    bot.clock.jump(6 * 3600 - 12)
    assert "joy (4/10)" in (await remembered(bot, "?", user="ann"))["mood"]
    bot.clock.jump(48 * 3600)
    assert "joy" not in (await remembered(bot, "?", user="ann")).get("mood", "")


async def test_the_owner_reads_searches_exports_and_deletes(bot: Bot, diary: DiaryPlugin) -> None:
    assert await bot.hears("/diary") == ["The diary is empty."]
    await talk(bot, "I bought a boat.", "Lovely!", NOTED, user="ann")
    await talk(bot, "今日は雨です", "そうですね", user="bob")
    (page,) = await bot.hears("/diary")
    assert "What I said: Lovely!" in page
    assert "Page 1 of 1, 2 entries." in page
    assert "Lovely!" in (await bot.hears("/diary search ALBATROSS"))[0]
    assert "そうですね" in (await bot.hears("/diary search 雨"))[0]
    assert await bot.hears("/diary search mermaid") == ["Nothing in the diary has 'mermaid'."]

    (exported,) = await bot.hears("/diary export")
    file = Path(exported.removeprefix("2 entries are in "))
    lines = [json.loads(line) for line in (await asyncio.to_thread(file.read_text, "utf-8")).splitlines()]
    assert [line["content"] for line in lines] == ["そうですね", "Lovely!"]

    number = lines[1]["id"]
    assert "present:" in (await bot.hears(f"/diary show {number}"))[0]
    assert (await bot.hears(f"/diary delete {number}"))[0].startswith("Erased the entry")
    assert await bot.hears("/diary search boat") == ["Nothing in the diary has 'boat'."]
    assert "memories" not in await remembered(bot, "boat", user="ann")
    assert "diary delete all yes" in (await bot.hears("/diary delete all"))[0]
    assert await bot.hears("/diary delete all yes") == ["Erased: 2 entries."]
    assert await bot.hears("/diary") == ["The diary is empty."]


@pytest.mark.sqlite_only
async def test_nobody_else_reads_the_diary_and_not_in_a_group(bot: Bot, diary: DiaryPlugin) -> None:
    await talk(bot, "My secret is a boat.", "I keep it.", user="ann")
    assert "boat" not in json.dumps(await bot.hears("/diary", user="bob"))
    assert await bot.hears("/diary", chat="group", direct=False) == ["Others read along here. Ask me in a direct chat."]


async def test_it_can_be_switched_off_and_stays_so(bot: Bot, diary: DiaryPlugin) -> None:
    await talk(bot, "I bought a boat.", "Lovely!", NOTED, user="ann")
    assert await ai_diary.is_plugin_enabled()
    await ai_diary.disable_plugin()
    assert await remembered(bot, "boat", user="ann") == {}
    assert await ai_diary.add_diary_entry("not now") is None
    assert await diary.count_entries() == 1
    await bot.restart()
    assert not await ai_diary.is_plugin_enabled()
    await bot.hears("/diary on")
    assert await ai_diary.is_plugin_enabled()
    assert "memories" in await remembered(bot, "boat", user="ann")


async def test_other_code_writes_and_reads_entries(bot: Bot, diary: DiaryPlugin) -> None:
    await ai_diary.create_personal_diary_entry(
        "I told Ann about Rome.", "Tell me about Rome", ["Ann"], ["travel", "Rome"], "memory", "ann", present=["p1"]
    )
    number = await ai_diary.add_diary_entry("The rain stopped.", emotions=["relief"], context_tags=["weather"])
    assert [e["content"] for e in await ai_diary.get_entries_by_tags(["rome"])] == ["I told Ann about Rome."]
    assert [e["content"] for e in await ai_diary.get_entries_by_tags("WEATHER")] == ["The rain stopped."]
    assert len(await ai_diary.get_entries_with_person("ann")) == 1
    assert len(await ai_diary.get_entries_with_person("p1")) == 1
    entries = await ai_diary.get_recent_entries(days=1)
    assert {entry["id"] for entry in entries} > {number}
    text = await ai_diary.format_diary_for_injection(entries)
    assert "Feelings: relief (5/10)" in text
    assert "What I said: I told Ann about Rome." in text
    assert len(await ai_diary.format_diary_for_injection(entries, 250)) <= 250
    with pytest.raises(ValueError, match="privacy must be one of"):
        await ai_diary.add_diary_entry("x", privacy="secret")

    in_thread = await asyncio.to_thread(lambda: ai_diary.call_from_thread(ai_diary.get_recent_entries()))
    assert in_thread == entries
    bot.clock.jump(40 * 24 * 3600)
    assert await ai_diary.cleanup_old_entries(30) == 2
    assert await ai_diary.recreate_diary_table() == 0
    await ai_diary.add_diary_entry("It works again.")
    assert await diary.count_entries() == 1


@pytest.mark.sqlite_only
@pytest.mark.settings(REKKU_PLUGINS="time_plugin")
async def test_without_the_plugin_its_functions_say_so(bot: Bot) -> None:
    with pytest.raises(PluginError, match="not loaded"):
        await ai_diary.get_recent_entries()
    assert not await ai_diary.is_plugin_enabled()


@pytest.mark.settings(DIARY_KEEP_DAYS="10")
async def test_old_entries_are_erased_when_the_setting_says_so(bot: Bot, diary: DiaryPlugin) -> None:
    await talk(bot, "I bought a boat.", "Lovely!", user="ann")
    bot.clock.jump(11 * 24 * 3600)
    await talk(bot, "I sold it.", "Oh.", user="ann")
    await bot.restart()
    await until_count(bot, diary, 1)


async def until_count(bot: Bot, diary: DiaryPlugin, wanted: int) -> None:
    """Wait until there are so many entries."""
    while await diary.count_entries() != wanted:
        await bot.clock.advance(0)


async def test_who_is_forgotten_is_in_no_entry(bot: Bot, diary: DiaryPlugin) -> None:
    await talk(bot, "I bought a boat.", "Lovely!", user="ann")
    await talk(bot, "Boats for all!", "Yes!", user="ann", chat="group", direct=False)
    await talk(bot, "I like trains.", "Good.", user="bob")
    assert "2 diary entries" in (await bot.hears("/forgetme", user="ann"))[0]
    assert await diary.count_entries() == 3
    assert "2 diary entries" in (await bot.hears("/forgetme yes", user="ann"))[0]
    (left,) = await ai_diary.get_recent_entries()
    assert left["content"] == "Good."
    assert await ai_diary.get_entries_with_person("ann") == []
