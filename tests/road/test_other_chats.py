"""A message to another chat than the turn's: who may send one, and where it goes."""

import pytest

from rekku.core.message import Conversation, Message, User
from rekku.core.turn import Outcome
from rekku.store.schema import AUDIT, HISTORY
from rekku.testing import Bot, MemoryInterface
from tests.road.doers import Doer, add
from tests.road.test_actions import problems
from tests.road.words import action, reply, rows, say, texts

pytestmark = pytest.mark.sqlite_only


async def know(bot: Bot, *chats: tuple[str, str]) -> None:
    """Let Rekku hear something in these groups, each with an id and a name."""
    for chat, name in chats:
        await bot.clock.advance(1)
        await bot.tell("hm", user="carl", chat=chat, chat_name=name, direct=False, addressed=False)


@pytest.mark.parametrize("target", ["-100", "memory:-100", "The Band", "the band", "#The Band", " The Band "])
async def test_the_trainer_may_write_to_other_chats_by_id_or_name(bot: Bot, target: str) -> None:
    await know(bot, ("-100", "The Band"), ("-200", "The Choir"))
    bot.model_says(reply(action("message", target=target, text="rehearsal!"), action("message", text="told them")))
    assert await bot.hears("tell the band") == ["told them"]
    assert texts(bot, "-100") == ["rehearsal!"]
    assert [row.text for row in await rows(bot, HISTORY) if row.chat_id == "-100"] == ["hm", "rehearsal!"]


async def test_a_number_as_a_target_is_an_id(bot: Bot) -> None:
    await know(bot, ("100", "The Band"))
    bot.model_says(reply(action("message", target=100, text="hi"), action("message", text="ok")))
    await bot.hears("tell 100")
    assert texts(bot, "100") == ["hi"]


async def test_an_ambiguous_name_is_an_error_that_lists_the_candidates(bot: Bot) -> None:
    await know(bot, ("-100", "Family"), ("-200", "family"), ("-300", "Friends"))
    bot.model_says(say("dinner", target="Family"), reply(action("message", target="-200", text="dinner")))
    assert await bot.tell("tell the family") is Outcome.ANSWERED
    assert problems(bot) == ["payload.target is ambiguous; name one of: memory:-200 (family), memory:-100 (Family)"]
    assert (texts(bot, "-100"), texts(bot, "-200"), texts(bot, "-300")) == ([], ["dinner"], [])


async def test_a_person_is_found_by_the_tag_and_not_by_a_name_that_looks_like_it(bot: Bot) -> None:
    await bot.settle()
    for number, name, tag in (("7", "Ann Lee", "annie"), ("8", "annie", "")):
        where = Conversation("memory", number)
        said = Message(where, User(number, name, tag), "hm", bot.clock.now(), message_id=number, chat_name=name)
        bot.model_says("hi")
        await (await bot.running.road.gate.receive(said)).outcome()
    bot.model_says(reply(action("message", target="@Annie", text="dinner"), action("message", text="told her")))

    assert await bot.hears("tell @annie") == ["told her"]
    assert (texts(bot, "7"), texts(bot, "8")) == (["hi", "dinner"], ["hi"])


async def test_an_unknown_chat_is_an_error(bot: Bot) -> None:
    bot.model_says(say("hi", target="nowhere"), say("I know no such chat."))
    assert await bot.hears("tell nowhere") == ["I know no such chat."]
    assert problems(bot) == ["payload.target: no chat 'nowhere' is known"]


async def test_an_unknown_person_may_not_and_learns_no_names(bot: Bot) -> None:
    await know(bot, ("-100", "Secret Society"), ("-101", "Secret Society"))
    for target in ("-100", "Secret Society", "memory:-100", "owner"):
        bot.model_says(say("hi", interface="memory", target=target), say("I cannot."))
        assert await bot.hears("tell them", user="bob") == ["I cannot."]
        assert "to this person; leave interface and target out" in problems(bot)[0]
        assert "ambiguous" not in problems(bot)[0]
        assert "(Secret Society)" not in bot.engine.prompts[-1]
        assert "-101" not in bot.engine.prompts[-1]
    assert texts(bot, "-100") == texts(bot) == []


async def test_a_person_in_a_group_can_be_answered_in_their_own_direct_chat(bot: Bot) -> None:
    bot.model_says("hi", reply(action("message", target="bob", text="psst"), action("message", text="I wrote to you")))
    await bot.hears("hello", user="bob")
    sent = await bot.hears("write to me privately", user="bob", chat="room", direct=False)
    assert sent == ["I wrote to you"]
    assert texts(bot, "bob") == ["hi", "psst"]


async def test_but_not_in_somebody_elses(bot: Bot) -> None:
    bot.model_says("hi", say("psst", target="ann"), say("no"))
    await bot.hears("hello", user="ann")
    assert await bot.hears("write to Ann", user="bob", chat="room", direct=False) == ["no"]
    assert texts(bot, "ann") == ["hi"]


@pytest.mark.settings(RESTRICT_ACTIONS="on")
async def test_with_restricted_actions_off_every_turn_stays_in_its_chat(bot: Bot) -> None:
    await know(bot, ("-100", "The Band"))
    bot.model_says(say("hi", target="-100"), say("I may not."))
    assert await bot.hears("tell the band") == ["I may not."]
    assert texts(bot, "-100") == []


async def test_naming_the_own_chat_is_no_other_chat(bot: Bot) -> None:
    bot.model_says(say("here", interface="memory", target="bob"))
    assert await bot.hears("hello", user="bob") == ["here"]
    assert await rows(bot, AUDIT) == []


async def test_a_message_to_another_chat_is_audited(bot: Bot) -> None:
    await know(bot, ("-100", "The Band"))
    bot.model_says(reply(action("message", target="-100", text="hi"), action("message", text="ok")))
    await bot.hears("tell the band")
    (line,) = await rows(bot, AUDIT)
    assert (line.person_id, line.action) == ("trainer", "message")
    assert "memory:-100" in line.detail


async def test_each_interface_has_a_message_action_of_its_own(bot: Bot) -> None:
    from rekku.core.interface_base import InterfaceBase

    class Other(InterfaceBase, MemoryInterface):
        def get_interface_id(self) -> str:
            return "other"

        send_message = MemoryInterface.send_message
        edit_message = MemoryInterface.edit_message
        delete_message = MemoryInterface.delete_message

    other = Other("other", frozenset())
    bot.add_interface(other)
    bot.model_says("hi")
    await bot.hears("hello", interface="other", user="eve")
    bot.model_says(reply(action("message_other", target="eve", text="psst"), action("message", text="done")))
    assert await bot.hears("tell Eve") == ["done"]
    assert [(m.chat, m.text) for m in other.sent] == [("eve", "hi"), ("eve", "psst")]
    assert "- message_other: " in bot.engine.prompts[-1]

    bot.model_says(reply(action("message_other", text="here")))
    assert await bot.hears("hello", interface="other", user="eve") == ["here"]

    bot.model_says(reply(action("message_other", target="eve", text="from bob")), say("no"))
    assert await bot.hears("tell Eve", user="bob") == ["no"]
    assert "- message_other: " not in bot.engine.prompts[-1]


async def test_two_chats_of_the_same_id_on_two_interfaces_are_told_apart(bot: Bot) -> None:
    other = bot.add_interface(MemoryInterface("other", frozenset()))
    bot.model_says("hi", "hi")
    await bot.hears("hello", user="eve")
    await bot.hears("hello", user="eve", interface="other")
    bot.model_says(say("psst", target="eve"), say("psst", interface="other", target="eve"))
    await bot.tell("tell Eve")
    assert "payload.target is ambiguous" in problems(bot)[0]
    assert ([m.text for m in other.sent], texts(bot, "eve")) == (["hi", "psst"], ["hi"])


async def test_a_plugin_that_sends_elsewhere_needs_the_same_permission(bot: Bot) -> None:
    bot.model_says("hi")
    await bot.hears("hello", user="ann")

    async def leak(_: object) -> None:
        await doer.host.send("leaked", Conversation("memory", "ann"))

    doer = add(bot, Doer(does=leak))
    bot.model_says(reply(action("do_it")), say("no"))
    assert await bot.hears("tell Ann", user="bob") == ["no"]
    bot.model_says(reply(action("do_it"), action("message", text="ok")))
    assert await bot.hears("tell Ann") == ["ok"]
    assert texts(bot, "ann") == ["hi", "leaked"]


@pytest.mark.settings(FORECAST_KEY="hunter2-and-more")
async def test_the_secret_of_a_setting_never_reaches_a_prompt_or_a_chat(bot: Bot) -> None:
    from rekku.core.settings import Setting

    def fail(payload: dict[str, str]) -> str:
        key = doer.host.settings["FORECAST_KEY"]
        if payload.get("fail"):
            raise ConnectionError(f"GET https://forecast.example/?key={key} timed out")
        return f"asked with {key}"

    doer = Doer(does=fail)
    doer.settings = (Setting("FORECAST_KEY", "The key.", secret=True),)  # type: ignore[attr-defined]
    add(bot, doer)
    bot.model_says(*(reply(action("do_it", fail=n)) for n in (0, 1, 2, 3)))
    sent = await bot.hears("what is the weather?")
    assert len(doer.done) == 4
    everything = "\n".join((*bot.engine.prompts, *sent))
    assert "hunter2" not in everything
