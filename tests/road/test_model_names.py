"""What an engine says that its model is called is not trusted."""

import pytest

from rekku.chain.tally import MOST
from rekku.core.model_call import ChatMessages, ModelCall
from rekku.core.registry import Kind
from rekku.store.schema import STEPS
from rekku.testing import Bot
from tests.road.words import rows


class Masks:
    """An engine whose model has another name each time."""

    def __init__(self) -> None:
        self.names: list[str] = []

    async def generate_response(self, messages: ChatMessages, call: ModelCall) -> str:
        call.used(10, 2, self.names.pop(0))
        return "Hello."


@pytest.fixture
async def masks(bot: Bot) -> Masks:
    """The engine in use."""
    made = Masks()
    await bot.running.loader.adopt(Kind.ENGINE, "masks", made)
    await bot.running.house.choose_engine("masks")
    return made


@pytest.mark.parametrize("name", ["x" * 1000, "half \ud83d a pair", "\0"])
async def test_a_name_that_no_table_takes_costs_no_answer(bot: Bot, masks: Masks, name: str) -> None:
    masks.names = [name]
    assert await bot.hears("hello", user="ann") == ["Hello."]
    (step,) = await rows(bot, STEPS)
    (calls,) = bot.running.house.tally().calls
    assert step.model == calls.model
    assert calls.model.encode()


@pytest.mark.sqlite_only
@pytest.mark.settings(MESSAGES_PER_MINUTE="1000")
async def test_names_without_end_are_counted_together(bot: Bot, masks: Masks) -> None:
    masks.names = [f"model {number}" for number in range(MOST + 20)]
    for _ in range(MOST + 20):
        await bot.hears("hello")
    calls = bot.running.house.tally().calls
    assert len(calls) == MOST + 1
    assert {call.model: call.ended["answered"] for call in calls}["other"] == 20
