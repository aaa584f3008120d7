"""Tokens become money: by the prices of the settings, or as the server says."""

from typing import Any

import pytest

from rekku.chain.prices import Prices
from rekku.core.errors import ConfigError
from rekku.core.model_call import ChatMessages, ModelCall
from rekku.core.registry import Kind
from rekku.core.settings import read
from rekku.house_settings import SETTINGS
from rekku.testing import Bot
from tests.interface.webui.visitor import Visitor


async def because(bot: Bot, owner: Visitor) -> Any:
    """Why Rekku said what it says now."""
    bot.model_says("Because.")
    page = await owner.open()
    number = await page.say("why?")
    await page.record("done", id=number)
    return (await owner.get(f"/web/because/{number}"))[1]


class TestWithPrices:
    """A model with a price."""

    @pytest.fixture
    def web_settings(self) -> dict[str, str]:
        """100 and 1000 dollars for a million tokens."""
        return {"MODEL_PRICES": "scripted-*=100/1000, other=1/1"}

    async def test_the_reply_and_the_day_have_a_cost(self, bot: Bot, owner: Visitor) -> None:
        told = await because(bot, owner)
        cost = (100 * told["prompt_tokens"] + 1000 * told["completion_tokens"]) / 1_000_000
        assert told["cost"] == pytest.approx(cost)
        (day,) = (await owner.get("/web/usage?days=3"))[1]
        assert (day["cost"], day["priced"], day["calls"]) == (pytest.approx(cost), 1, 1)
        (usage,) = await bot.running.house.usage(1)
        assert usage.cost == pytest.approx(cost)
        page = owner.pages[0]
        await page.say("/why")
        await page.until(lambda: f"${cost:.4f}" in page.texts()[-1])

    async def test_the_past_keeps_its_cost_when_prices_change(self, bot: Bot, owner: Visitor) -> None:
        cost = (await because(bot, owner))["cost"]
        bot.environ["MODEL_PRICES"] = "scripted-1=1/1"
        await bot.restart()
        (usage,) = await bot.running.house.usage(1)
        assert usage.cost == pytest.approx(cost)


async def test_without_prices_nothing_is_claimed(bot: Bot, owner: Visitor) -> None:
    assert (await because(bot, owner))["cost"] is None
    (day,) = (await owner.get("/web/usage?days=3"))[1]
    assert (day["cost"], day["priced"], day["calls"]) == (0, 0, 1)


class Person:
    """An engine that uses no tokens, as when the owner answers by hand."""

    async def generate_response(self, messages: ChatMessages, call: ModelCall) -> str:
        return "Hello."


async def test_what_used_no_tokens_lacks_no_price(bot: Bot, owner: Visitor) -> None:
    await bot.running.loader.adopt(Kind.ENGINE, "person", Person())
    await bot.running.house.choose_engine("person")
    await bot.hears("hello")
    (day,) = (await owner.get("/web/usage?days=3"))[1]
    assert (day["cost"], day["priced"], day["calls"]) == (0, 1, 1)


async def test_a_wrong_price_is_not_written(bot: Bot, owner: Visitor) -> None:
    for wrong in ("gpt-5", "gpt-5=1", "gpt-5=a/b", "gpt-5=-1/2", "=1/2", "a*b=1/2", "gpt-5=1/inf", "gpt-5=1/2/3"):
        status, told = await owner.post("/web/settings/change", {"changes": {"MODEL_PRICES": f"a=1/2,{wrong}"}})
        assert status == 409
        assert "a list with commas, each like gpt-5=1.25/10" in told["error"]
    assert not (bot.home / ".env").exists()
    with pytest.raises(ConfigError, match="MODEL_PRICES in the environment is not 'gpt-5': a list"):
        read(SETTINGS, {"MODEL_PRICES": "gpt-5"})


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("gpt-5", 11.25),
        ("GPT-5", 11.25),
        ("gpt-5-2025-08-07", 11.25),
        ("gpt-5-mini", 3.0),
        ("gpt-5-mini-fast", 5.0),
        ("qwen3:8b", 0.0),
        ("openai/gpt-5", None),
        ("gpt-50", 3.0),
        ("", None),
    ],
)
def test_the_name_that_fits_best_gives_the_price(model: str, cost: float | None) -> None:
    prices = Prices(("gpt-5=1.25/10", "gpt-5*=1/2", "gpt-5-mini-*=2/3", "qwen3:8b=0/0"))
    assert prices.cost(model, 1_000_000, 1_000_000) == cost
    assert prices.cost(model, 0, 0) is None
