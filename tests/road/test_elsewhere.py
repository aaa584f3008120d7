"""A reminder or a notice whose chat is not there goes to another direct chat of the same person, once."""

from typing import Any

import pytest

from rekku.core.message import Conversation, Errand, Message, User
from rekku.core.principal import TRAINER_PERSON
from rekku.core.registry import Kind, registry
from rekku.store.schema import HISTORY, OUTBOX
from rekku.testing import Bot, MemoryInterface
from tests.road.words import reply, rows, say, texts, until, while_time_passes

WORDS = "Reminder: water the plants"


@pytest.fixture
async def phone(bot: Bot) -> MemoryInterface:
    """Another interface; the owner has a chat on both, last active on the first, which is closed."""
    made = bot.add_interface(MemoryInterface("phone"))
    bot.model_says("Hi.", "Hello.")
    await bot.hears("hi", interface="phone")
    await bot.clock.advance(60)
    await bot.hears("hello")
    bot.interface.here = False
    return made


async def remind(
    bot: Bot, *, person: str = TRAINER_PERSON, chat: str = "owner", direct: bool = True, interface: str = "memory"
) -> Any:
    """Hand over a reminder that the model has no words for, and wait for its turn."""
    errand = Errand("event", person, WORDS)
    name = f"event {bot.clock.monotonic()}"
    where = Conversation(interface, chat)
    bot.model_says(reply())
    message = Message(where, User(""), "water", bot.clock.now(), message_id=name, direct=direct, errand=errand)
    receipt = await bot.running.road.gate.receive(message)
    await receipt.outcome()
    return receipt


async def open_again(bot: Bot) -> None:
    """The first chat is there again, and has time to be told."""
    bot.interface.here = True
    bot.running.road.sender.reachable("memory")
    await quiet(bot)


async def quiet(bot: Bot) -> None:
    """Wait until nothing is on its way but what waits for a chat."""
    sender = bot.running.road.sender
    await until(bot, lambda: not sender._moving and not any(lane.busy for lane in sender._lanes.values()))


def heard(where: MemoryInterface, chat: str = "owner") -> list[str]:
    """What came to a chat after the greeting."""
    return [sent.text for sent in where.sent if sent.chat == chat][1:]


async def test_a_reminder_goes_where_its_person_is_and_stays_there(bot: Bot, phone: MemoryInterface) -> None:
    receipt = await remind(bot)
    assert receipt.delivered
    assert heard(phone) == [WORDS]

    await open_again(bot)
    await bot.restart()
    await bot.clock.advance(100)
    assert heard(phone) == [WORDS]
    assert heard(bot.interface) == []
    (line,) = [row for row in await rows(bot, HISTORY) if row.text == WORDS]
    assert line.interface == "phone", "it is remembered where it was said"


async def test_what_follows_goes_there_too_while_the_chat_is_closed(bot: Bot, phone: MemoryInterface) -> None:
    await remind(bot)
    await bot.clock.advance(1)
    await remind(bot)
    await open_again(bot)
    await bot.clock.advance(1)
    await remind(bot)

    assert heard(phone) == [WORDS] * 2
    assert heard(bot.interface) == [WORDS]


async def test_without_another_chat_it_waits_and_says_how_late_it_is(bot: Bot, phone: MemoryInterface) -> None:
    phone.here = False
    receipt = await remind(bot)
    assert not receipt.delivered
    bot.clock.jump(8 * 3600)
    await bot.restart()
    await quiet(bot)
    assert heard(phone) == heard(bot.interface) == []
    await open_again(bot)

    assert heard(bot.interface) == [f"{WORDS}\n(This has been waiting for you for 8 hours.)"]
    phone.here = True
    bot.running.road.sender.reachable("phone")
    await bot.clock.advance(100)
    assert heard(phone) == []


async def test_it_goes_to_whichever_chat_opens_first(bot: Bot, phone: MemoryInterface) -> None:
    phone.here = False
    await remind(bot)
    await quiet(bot)
    phone.here = True
    bot.running.road.sender.reachable("phone")
    await until(bot, lambda: bool(heard(phone)))
    await open_again(bot)

    assert heard(phone) == [WORDS]
    assert heard(bot.interface) == []


async def test_it_goes_to_a_chat_that_begins_meanwhile(bot: Bot) -> None:
    made = bot.add_interface(MemoryInterface("phone"))
    bot.model_says("Hello.")
    await bot.hears("hello")
    bot.interface.here = False
    await remind(bot)
    bot.model_says("Hi.")
    await bot.hears("hi", interface="phone")
    await bot.clock.advance(60)
    await until(bot, lambda: len(made.sent) == 2)

    (said,) = heard(made)
    assert said.startswith(WORDS)


async def test_an_interface_that_is_gone_for_good_keeps_nothing_from_its_people(
    bot: Bot, phone: MemoryInterface
) -> None:
    component = registry.get(Kind.INTERFACE, "phone")
    assert component is not None
    await bot.running.loader.remove(component)
    bot.interface.here = True
    await remind(bot, interface="phone")
    await bot.clock.advance(300)
    assert heard(bot.interface) == [], "it may come back"
    await while_time_passes(bot, until(bot, lambda: bool(heard(bot.interface))), step=20)
    await bot.running.loader.adopt(Kind.INTERFACE, "phone", phone)
    await bot.clock.advance(100)

    assert heard(bot.interface)[0].startswith(f"{WORDS}\n(This has been waiting for you for ")
    assert heard(phone) == []


async def test_it_never_goes_to_another_person(bot: Bot, phone: MemoryInterface) -> None:
    bot.model_says("Hi Ann.", "Hi Ann, here.")
    await bot.hears("hi", user="ann", interface="phone")
    bot.interface.here = True
    await bot.hears("hi", user="ann")
    bot.interface.here = False
    ann = next(a for a in await bot.running.road.people.accounts() if (a.interface, a.user_id) == ("memory", "ann"))
    await remind(bot, person=ann.person_id, chat="ann")
    await quiet(bot)

    assert WORDS not in [sent.text for sent in phone.sent], "who is Ann there has not been said to be the same Ann"


async def test_what_was_meant_for_others_goes_to_nobody_else(bot: Bot, phone: MemoryInterface) -> None:
    """The owner's reminder in a group, or in the chat of somebody else, is not the owner's to get elsewhere."""
    bot.interface.here = True
    bot.model_says("Hi Bob.", "Hi all.")
    await bot.hears("hi", user="bob")
    await bot.hears("hi all", chat="hall", direct=False)
    bot.interface.here = False
    await remind(bot, chat="bob", direct=False)
    await bot.clock.advance(1)
    await remind(bot, chat="hall", direct=False)
    assert heard(phone) == []
    await open_again(bot)

    assert heard(bot.interface, "bob") == heard(bot.interface, "hall") == [WORDS]


async def test_an_account_that_is_the_trainers_no_more_gets_nothing(bot: Bot, phone: MemoryInterface) -> None:
    await bot.stop()
    phone.trainer_user_ids = frozenset()
    await bot.start()
    await remind(bot)
    await quiet(bot)

    assert heard(phone) == []


async def test_an_ordinary_reply_waits_where_it_was_asked_for(bot: Bot, phone: MemoryInterface) -> None:
    bot.model_says(say("the answer"))
    await bot.tell("a question")
    await remind(bot)
    assert heard(phone) == [WORDS]
    await open_again(bot)

    assert heard(bot.interface) == ["the answer"]


async def test_a_notice_finds_the_owner(bot: Bot, phone: MemoryInterface) -> None:
    await bot.running.road.tell_trainer("the disk is full")
    await until(bot, lambda: heard(phone) == ["[notice] the disk is full"])
    await open_again(bot)

    assert heard(bot.interface) == []
    assert {row.status for row in await rows(bot, OUTBOX)} == {"sent"}


async def test_what_was_kept_and_then_lay_for_days_says_so(bot: Bot, phone: MemoryInterface) -> None:
    """Rekku ended right after the reminder was handed over, and is started again much later."""
    errand = Errand("event", TRAINER_PERSON, WORDS)
    message = Message(
        Conversation("phone", "owner"), User(""), "water", bot.clock.now(), message_id="event 1", errand=errand
    )
    bot.running.road.inbox.add = lambda entry: None  # type: ignore[method-assign, assignment, return-value]
    await bot.running.road.gate.receive(message)
    await bot.stop()
    bot.clock.jump(10 * 86400)
    bot.model_says(say("The plants!"))
    await bot.start()
    await until(bot, lambda: bool(heard(phone)))

    assert heard(phone) == ["The plants!\n(This has been waiting for you for 10 days.)"]
    assert texts(bot) == ["Hello."]
