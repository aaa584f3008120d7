"""Slash commands: what each does, and who may use it."""

import asyncio

import pytest

from rekku.core.turn import Outcome
from rekku.testing import Bot
from tests.road.doers import Doer, add, drop_in
from tests.road.words import action, asked, history, reply, say, texts, until

FOR_ALL = ("help", "cancel", "forgetme", "link", "unlink")
FOR_THE_TRAINER = (
    "approve", "deny",
    "llm", "model", "context", "say", "allow", "block", "unblock", "block_list", "last_chats", "status", "why"
)  # fmt: skip

SECOND = """
class Second:
    def generate_response(self, messages):
        return "I am the second engine"
    def get_supported_models(self):
        return ["big", "small"]
    def get_current_model(self):
        return "small"

PLUGIN_CLASS = Second
"""


async def one(bot: Bot, text: str, **told: str) -> str:
    """The one answer to a command."""
    (words,) = await bot.hears(text, **told)
    return words


async def test_help_shows_to_each_what_they_may_use(bot: Bot) -> None:
    def names(text: str) -> set[str]:
        return {line.split()[0].removeprefix("/") for line in text.splitlines()}

    assert names(await one(bot, "/help")) >= {*FOR_ALL, *FOR_THE_TRAINER}
    theirs = names(await one(bot, "/help", user="bob"))
    assert theirs >= set(FOR_ALL)
    assert not theirs & set(FOR_THE_TRAINER)


@pytest.mark.parametrize("name", FOR_THE_TRAINER)
async def test_what_is_the_trainers_is_refused_to_others(bot: Bot, name: str) -> None:
    bot.model_says("hi", "hi")
    await bot.hears("hello", user="bob")
    await bot.hears("hello")
    await bot.hears("/allow memory:ann")
    words = f"/{name} is for the role trainer and above; you are"
    assert await one(bot, f"/{name} memory:bob x", user="bob") == f"{words} unknown."
    assert await one(bot, f"/{name} memory:bob x", user="ann") == f"{words} known."
    assert await one(bot, "/block_list") == "Nobody is blocked."
    assert texts(bot, "bob")[1:] == [f"{words} unknown."]


@pytest.mark.parametrize("text", ["/frobnicate", "/frobnicate now", "/FROBNICATE@rekku_bot now"])
async def test_an_unknown_command_is_answered_and_not_thought_about(bot: Bot, text: str) -> None:
    assert await one(bot, text) == "There is no command /frobnicate. /help shows what there is."
    assert bot.engine.prompts == []


@pytest.mark.parametrize("text", ["/etc/passwd is what?", "/ is the root", "/1st", "//", "a /help", "/é"])
async def test_a_text_that_begins_with_a_path_is_no_command(bot: Bot, text: str) -> None:
    bot.model_says("It is a path.")
    assert await one(bot, text) == "It is a path."


@pytest.mark.parametrize("text", ["/help", " /help ", "/HELP", "/help@rekku_bot", "/help\nplease"])
async def test_a_command_may_be_written_in_many_ways(bot: Bot, text: str) -> None:
    assert "/forgetme" in await one(bot, text)


async def test_a_command_and_its_answer_are_no_part_of_the_conversation(bot: Bot) -> None:
    bot.model_says("one", "two")
    await bot.hears("first")
    await bot.hears("/status")
    await bot.hears("second")
    assert history(bot) == [("Owner", "first"), ("you", "one")]


async def test_commands_of_a_plugin_count_and_cannot_replace_rekkus_own(bot: Bot) -> None:
    from rekku.core.commands import Command, CommandCall
    from rekku.core.principal import Role

    class Adder:
        def get_commands(self) -> list[Command]:
            return [
                Command("add", "Add numbers.", self.add, Role.UNKNOWN, "NUMBERS"),
                Command("help", "Not this one.", self.add, Role.UNKNOWN),
                Command("break", "Break.", self.broken, Role.UNKNOWN),
            ]

        def add(self, call: CommandCall) -> str:
            return str(sum(map(int, call.text.split())))

        async def broken(self, call: CommandCall) -> str:
            raise KeyError("no")

    bot.add(Adder())
    assert await one(bot, "/add 1 2 3", user="bob") == "6"
    assert "/add NUMBERS" in await one(bot, "/help")
    assert await one(bot, "/break") == "/break broke (KeyError). The log says where; nothing else was changed."


async def test_cancel_stops_the_turn_that_runs(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("never said")
    receipt = await bot.send("a long story, please", user="bob")
    await until(bot, lambda: bot.engine.prompts)
    assert await bot.hears("/cancel", user="bob", chat="elsewhere") == ["There is nothing of yours to cancel here."]
    await bot.tell("/cancel", user="bob")
    assert await receipt.outcome() is Outcome.CANCELLED
    assert sorted(texts(bot, "bob")) == ["Cancelled.", "I have stopped."]
    await bot.restart()
    bot.engine.gate, bot.engine.script = None, ["hi"]
    assert await bot.hears("hello", user="bob") == ["hi"]


async def test_cancel_stops_an_action_that_hangs(bot: Bot) -> None:
    doer = add(bot, Doer(does=lambda _: asyncio.Event().wait()))
    bot.model_says(reply(action("do_it")))
    receipt = await bot.send("go")
    await until(bot, lambda: doer.done)
    await bot.tell("/cancel")
    assert await receipt.outcome() is Outcome.CANCELLED


async def test_only_the_trainer_may_cancel_what_somebody_else_began(bot: Bot) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("never said")
    receipt = await bot.send("go", user="ann", chat="room", direct=False)
    await until(bot, lambda: bot.engine.prompts)
    assert await bot.hears("/cancel", user="bob", chat="room") == ["There is nothing of yours to cancel here."]
    await bot.tell("/cancel", chat="room")
    assert await receipt.outcome() is Outcome.CANCELLED


async def test_context_leaves_recent_messages_out_and_takes_them_in_again(bot: Bot) -> None:
    bot.model_says(*["ok"] * 5)
    await bot.hears("first")
    assert "no longer" in await one(bot, "/context")
    await bot.hears("second")
    assert "history" not in asked(bot)["context"]
    await bot.restart()
    await bot.hears("third")
    assert "history" not in asked(bot)["context"], "the choice survives a restart"
    await bot.hears("hello", chat="another chat")
    await bot.hears("/context on")
    await bot.hears("fourth")
    assert history(bot)[0] == ("Owner", "first")
    assert await one(bot, "/context maybe") == "Write /context, /context on or /context off."


async def test_say_speaks_in_another_chat(bot: Bot) -> None:
    bot.model_says("hi", "hm")
    await bot.hears("hello", user="ann", chat_name="Ann's place")
    assert await one(bot, "/say memory:ann good morning, Ann") == "Said in memory:ann."
    await until(bot, lambda: len(texts(bot, "ann")) == 2)
    assert texts(bot, "ann") == ["hi", "good morning, Ann"]
    assert (
        await one(bot, "/say nobody hello")
        == "/say did not work: 'nobody' is no chat that I know; /last_chats lists them"
    )
    assert (await one(bot, "/say ann")).startswith("Write /say CHAT TEXT")
    await bot.hears("thanks", user="ann")
    assert ("you", "good morning, Ann") in history(bot)


async def test_block_unblock_and_the_list(bot: Bot) -> None:
    bot.model_says("hi", "hi again")
    await bot.hears("hello", user="bob")
    assert await one(bot, "/block bob") == "memory:bob (Bob) is blocked now."
    assert await one(bot, "/block_list") == "memory:bob (Bob)"
    assert await bot.tell("hello?", user="bob") is Outcome.IGNORED
    assert await bot.tell("/help", user="bob") is Outcome.IGNORED
    await bot.restart()
    assert await bot.tell("hello?", user="bob") is Outcome.IGNORED
    assert await one(bot, "/unblock memory:bob") == "memory:bob (Bob) is unknown now."
    assert await one(bot, "/block_list") == "Nobody is blocked."
    assert await bot.hears("hello?", user="bob") == ["hi again"]


async def test_a_person_may_be_blocked_or_allowed_before_they_ever_wrote(bot: Bot) -> None:
    assert await one(bot, "/block memory:mallory") == "memory:mallory is blocked now."
    assert await bot.tell("hello", user="mallory") is Outcome.IGNORED
    words = "/block did not work: I know nobody called 'nowhere:eve'; write interface:id"
    assert await one(bot, "/block nowhere:eve") == words


async def test_people_of_the_same_name_are_told_apart(bot: Bot) -> None:
    from rekku.core.message import Conversation, Message, User

    for user in ("1", "2"):
        bot.model_says("hi")
        message = Message(Conversation("memory", user), User(user, "Sam"), "hello", bot.clock.now())
        await (await bot.running.road.gate.receive(message)).outcome()
    words = await one(bot, "/allow Sam")
    assert words == "/allow did not work: several people are meant; write one of memory:1 (Sam), memory:2 (Sam)"


@pytest.mark.parametrize("command", ["/block owner", "/allow memory:owner", "/unblock owner"])
async def test_the_trainer_cannot_lock_the_door_from_outside(bot: Bot, command: str) -> None:
    assert await one(bot, "/status") != ""
    bot.model_says("hi")
    await bot.hears("hello")
    assert await one(bot, command) == "That is the trainer, whose role stands in TRAINER_IDS."


async def test_last_chats_lists_where_rekku_talked(bot: Bot) -> None:
    bot.model_says("hi", "hi")
    await bot.hears("hello", user="ann", chat="-5", chat_name="The Band", direct=False)
    await bot.clock.advance(120)
    await bot.hears("hello", user="bob")
    await bot.clock.advance(1)
    assert (await one(bot, "/last_chats")).splitlines()[-2:] == [
        "memory:bob  -  2026-03-01 12:02 UTC",
        "memory:-5  The Band  2026-03-01 12:00 UTC",
    ]


async def test_status_tells_how_rekku_is(bot: Bot) -> None:
    class Ill:
        async def health(self) -> str:
            return "has a cold"

    bot.add(Ill())
    words = await one(bot, "/status")
    assert f"on {bot.running.database.kind}" in words
    assert "Engine: scripted" in words
    assert "Interfaces: memory" in words
    assert "0 messages open, 0 to deliver, 0 turns running" in words
    assert "ill: has a cold" in words


async def test_llm_lists_and_switches_engines_for_good(bot: Bot) -> None:
    await drop_in(bot, "llm_engines/second.py", SECOND)
    assert "* scripted" in (await one(bot, "/llm")).splitlines()
    assert "There is no engine 'third'. There are: " in await one(bot, "/llm third")
    assert await one(bot, "/llm second") == "From now on I think with second."
    assert await bot.hears("hello") == ["I am the second engine"]
    await bot.restart()
    assert await bot.hears("hello") == ["I am the second engine"]
    assert "* second" in (await one(bot, "/llm")).splitlines()


async def test_model_lists_and_switches_models_for_good(bot: Bot) -> None:
    assert await one(bot, "/model gpt-7") == "scripted uses gpt-7 from now on."
    bot.model_says("one", "two")
    await bot.hears("hello")
    await bot.restart()
    await bot.hears("hello")
    assert (await one(bot, "/model")).startswith("scripted uses gpt-7")

    await drop_in(bot, "llm_engines/second.py", SECOND)
    await bot.hears("/llm second")
    assert await one(bot, "/model") == "  big\n* small"
    assert await one(bot, "/model huge") == "second has no model 'huge'. /model lists what it has."
    assert await one(bot, "/model big") == "second uses big from now on."
    assert await one(bot, "/model") == "* big\n  small"


async def test_why_tells_what_led_to_the_last_answer(bot: Bot) -> None:
    add(bot, Doer("look", does=lambda _: "blue"))
    assert await one(bot, "/why") == "I have not answered anything here yet."
    bot.model_says(reply(action("look", at="sky")), say("It is blue."), "other")
    await bot.hears("what colour is the sky?")
    await bot.hears("hello", user="bob")
    words = await one(bot, "/why")
    assert 'look {"at":"sky"} → done' in words
    assert 'message {"text":"It is blue."} → done' in words
    assert "2. scripted scripted-1 (" in words
    assert "time: " in words
    await bot.restart()
    assert await one(bot, "/why") == words
