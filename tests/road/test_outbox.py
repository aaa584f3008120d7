"""What was promised is delivered: later, in order, once, or the owner hears that it was not."""

from collections.abc import Mapping
from typing import Any

import pytest

from rekku.core.errors import (
    DeliveryDelayed,
    DeliveryRefused,
    DeliveryUnknown,
    NotReachable,
    StoreError,
)
from rekku.core.message import Conversation
from rekku.core.registry import Kind, registry
from rekku.core.turn import Outcome
from rekku.store.outbox import OutboxStore
from rekku.store.outgoing import Outgoing
from rekku.store.schema import OUTBOX
from rekku.testing import Bot, MemoryInterface
from tests.road.words import action, reply, rows, texts, until, while_time_passes


class Flaky(MemoryInterface):
    """Fails as often as it was told to; `tried` are the texts that it was asked to send."""

    def __init__(self, name: str = "flaky") -> None:
        super().__init__(name, frozenset())
        self.failures: list[BaseException] = []
        self.arrives = False
        self.tried: list[str] = []

    async def send_message(self, payload: Mapping[str, Any], original_message: object = None) -> str:
        self.tried.append(payload["text"])
        if not self.failures:
            return await super().send_message(payload, original_message)
        if self.arrives:
            await super().send_message(payload, original_message)
        raise self.failures.pop(0)

    @property
    def texts(self) -> list[str]:
        """What arrived."""
        return [message.text for message in self.sent]


@pytest.fixture
async def flaky(bot: Bot) -> Flaky:
    """A second interface that fails; the owner can be reached on the first."""
    made = Flaky()
    bot.add_interface(made)
    bot.model_says("hi owner")
    await bot.hears("hello")
    return made


def three() -> str:
    return reply(*(action("message", text=text) for text in ("one", "two", "three")))


async def statuses(bot: Bot) -> list[str]:
    """What became of the messages to the flaky interface."""
    return [row.status for row in await rows(bot, OUTBOX) if row.interface == "flaky"]


async def test_what_cannot_be_delivered_now_waits_until_the_chat_is_there(bot: Bot, flaky: Flaky) -> None:
    bot.model_says(three())
    flaky.here = False
    assert await bot.tell("count", interface="flaky") is Outcome.ANSWERED, "it is answered, though not delivered"
    assert await statuses(bot) == ["queued"] * 3
    await bot.clock.advance(3600)
    assert flaky.texts == []
    flaky.here = True
    flaky.host.reachable()  # type: ignore[attr-defined]
    await until(bot, lambda: flaky.texts == ["one", "two", "three"])
    await until(bot, lambda: bot.running.road.sender._lanes == {})
    assert await statuses(bot) == ["sent"] * 3


async def test_one_chat_that_is_not_there_holds_up_no_other(bot: Bot, flaky: Flaky) -> None:
    bot.model_says("to ann", "to bob", "again")
    flaky.failures = [NotReachable("gone")]
    await bot.tell("hello", interface="flaky", user="ann")
    assert await bot.hears("hello", interface="flaky", user="bob") == ["to bob"]
    flaky.host.reachable("somebody else")  # type: ignore[attr-defined]
    await bot.tell("hello?", interface="flaky", user="bob")
    assert flaky.texts == ["to bob", "again"]
    flaky.host.reachable("ann")  # type: ignore[attr-defined]
    await until(bot, lambda: "to ann" in flaky.texts)


async def test_it_is_delivered_after_a_restart(bot: Bot, flaky: Flaky) -> None:
    bot.model_says(three())
    flaky.here = False
    await bot.tell("count", interface="flaky")
    await bot.stop()
    flaky.here = True
    await bot.start()
    await until(bot, lambda: flaky.texts == ["one", "two", "three"])


async def test_a_platform_that_wants_fewer_messages_is_obeyed(bot: Bot, flaky: Flaky) -> None:
    bot.model_says(three())
    flaky.failures = [DeliveryDelayed("slow down", 30)]
    receipt = await bot.send("count", interface="flaky")
    await until(bot, lambda: flaky.tried)
    await bot.clock.advance(29)
    assert flaky.tried == ["one"]
    await bot.clock.advance(2)
    await receipt.outcome()
    assert flaky.texts == ["one", "two", "three"]


async def test_what_the_platform_refuses_is_not_sent_again_and_the_owner_hears_of_it(bot: Bot, flaky: Flaky) -> None:
    bot.model_says(three())
    flaky.failures = [DeliveryRefused("the bot was blocked")]
    await bot.tell("count", interface="flaky", user="bob")
    assert flaky.texts == ["two", "three"]
    assert await statuses(bot) == ["failed", "sent", "sent"]
    words = "[notice] A message to flaky:bob could not be delivered: the bot was blocked. It said: “one”"
    await until(bot, lambda: words in texts(bot))


@pytest.mark.parametrize("error", [DeliveryUnknown("no answer after sending"), TimeoutError()])
async def test_what_may_have_arrived_is_not_sent_again(bot: Bot, flaky: Flaky, error: BaseException) -> None:
    bot.model_says(three())
    flaky.failures, flaky.arrives = [error], True
    await bot.tell("count", interface="flaky", user="bob")
    await bot.restart()
    await bot.clock.advance(100)
    assert flaky.texts == ["one", "two", "three"]
    assert await statuses(bot) == ["unknown", "sent", "sent"]
    await until(bot, lambda: "A message to flaky:bob may not have arrived" in texts(bot)[-1])


async def test_with_keys_of_its_own_a_platform_may_be_asked_again(bot: Bot, flaky: Flaky) -> None:
    flaky.idempotent_sends = True  # type: ignore[attr-defined]
    bot.model_says("hello")
    flaky.failures = [DeliveryUnknown("no answer after sending")]
    await while_time_passes(bot, bot.tell("hi", interface="flaky"))
    assert flaky.texts == ["hello"]
    assert await statuses(bot) == ["sent"]


async def test_a_broken_connection_is_tried_again_in_order_and_nothing_doubles(bot: Bot, flaky: Flaky) -> None:
    bot.model_says(three())
    flaky.failures = [ConnectionError("reset"), OSError("no route"), KeyError("a bug")]
    await while_time_passes(bot, bot.tell("count", interface="flaky"))
    assert flaky.tried == ["one", "one", "one", "one", "two", "three"]
    assert flaky.texts == ["one", "two", "three"]


async def test_what_never_works_is_given_up_and_the_owner_hears_of_it(bot: Bot, flaky: Flaky) -> None:
    bot.model_says("hello")
    flaky.failures = [KeyError("a bug")] * 20
    await while_time_passes(bot, bot.tell("hi", interface="flaky", user="bob"), step=60)
    assert len(flaky.tried) == 8
    assert await statuses(bot) == ["failed"]
    await until(bot, lambda: "could not be delivered: KeyError" in texts(bot)[-1])


async def test_an_interface_that_goes_and_comes_back_gets_what_it_missed(bot: Bot, flaky: Flaky) -> None:
    bot.model_says("hi")
    await bot.hears("hello", interface="flaky", user="bob")
    component = registry.get(Kind.INTERFACE, "flaky")
    assert component is not None
    await bot.running.loader.remove(component)
    assert await bot.hears("/say flaky:bob are you there?") == ["Said in flaky:bob."]
    await until(bot, lambda: bot.running.road.sender._lanes == {})
    assert flaky.texts == ["hi"]
    await bot.running.loader.adopt(Kind.INTERFACE, "flaky", flaky)
    await until(bot, lambda: flaky.texts == ["hi", "are you there?"])


async def test_what_another_process_left_for_an_interface_of_ours_is_taken_up(bot: Bot, flaky: Flaky) -> None:
    database, clock = bot.running.database, bot.clock
    elsewhere = OutboxStore(database, clock, "another installation")
    left = Outgoing(5, Conversation("flaky", "bob"), "from elsewhere", clock.now())
    await database.write(elsewhere.added(left))
    await clock.advance(45)
    assert flaky.texts == [], "it is looked after for a minute"
    await while_time_passes(bot, until(bot, lambda: flaky.texts == ["from elsewhere"]), step=5)


async def test_each_delivery_has_a_key_that_stays_the_same(bot: Bot, flaky: Flaky) -> None:
    keys: list[str] = []
    send = flaky.send_message

    async def noting(payload: Mapping[str, Any], original_message: object = None) -> str:
        keys.append(payload["key"])
        return await send(payload, original_message)

    flaky.send_message = noting  # type: ignore[method-assign]
    await bot.restart()
    bot.model_says(three())
    flaky.failures = [ConnectionError("reset")]
    await while_time_passes(bot, bot.tell("count", interface="flaky"))
    assert len(keys) == 4
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


@pytest.mark.parametrize("error", [DeliveryUnknown("no answer"), DeliveryRefused("no"), ConnectionError("reset")])
async def test_a_database_that_is_away_meanwhile_stops_no_chat_for_good(
    bot: Bot, flaky: Flaky, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = bot.running.database
    write = database.write
    away = 0

    async def failing(*writes: Any) -> list[int]:
        nonlocal away
        if flaky.tried and away < 3:
            away += 1
            raise StoreError("the database is away")
        return await write(*writes)

    monkeypatch.setattr(database, "write", failing)
    bot.model_says(three())
    flaky.failures = [error]
    assert await while_time_passes(bot, bot.tell("count", interface="flaky")) is Outcome.ANSWERED
    assert flaky.texts[-2:] == ["two", "three"]
    assert away == 3
