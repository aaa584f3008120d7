"""People and activity in a real Chromium: joining, writing facts, what it cost; the keyboard, hostile names."""

import asyncio
from collections.abc import Mapping

import pytest
from selenium.webdriver.common.keys import Keys

from rekku.testing import Bot
from tests.interface.webui.browser import Browser
from tests.interface.webui.visitor import address

EVIL = "<img src=x onerror='window.ran = 1'>"


class Slow:
    """A plugin that counts what it keeps of a person only while `gate` is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()

    async def forget_person(self, person_id: str, dry_run: bool) -> Mapping[str, int]:
        await self.gate.wait()
        return {}

    async def merge_person(self, old: str, new: str) -> None:
        await self.gate.wait()


@pytest.fixture
def web_settings() -> dict[str, str]:
    """With bios, and no price of any model."""
    return {"REKKU_PLUGINS": "message_plugin,time_plugin,webui,bio_manager"}


async def test_two_entries_are_joined_after_a_look_and_a_hostile_name_stays_a_name(bot: Bot, browser: Browser) -> None:
    bot.model_says("Hello.", "Hello.", "Hello.")
    for user, name in (("ann", "Ann"), ("anna", EVIL), ("bob", "Bob")):
        await bot.hears("hello", user=user, name=name)

    def steps() -> None:
        browser.go("people")
        browser.find("section[aria-label=Ann] .person .row button").send_keys(Keys.ENTER)
        browser.until(lambda: browser.driver.switch_to.active_element.get_attribute("type") == "search")
        browser.driver.switch_to.active_element.send_keys("onerror", Keys.TAB)
        browser.driver.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
        browser.until(lambda: "memory:ann, memory:anna become one person" in browser.find(".joining").text)
        assert browser.faults() == []
        browser.find(".joining button.main").send_keys(Keys.ENTER)
        browser.until(lambda: len(browser.all("section[aria-label=Ann] .accounts button")) == 2)
        browser.until(lambda: not browser.all(".joining"))
        browser.find("section[aria-label=Ann] .accounts button:last-child").send_keys(Keys.ENTER)
        browser.until(lambda: "becomes a person of its own" in browser.find("section[aria-label=Ann]").text)
        assert browser.driver.execute_script("return window.ran") is None

    await browser.do(steps)


async def test_nobody_is_joined_who_was_picked_before(bot: Bot, browser: Browser) -> None:
    slow = bot.add(Slow())
    bot.model_says("Hello.", "Hello.", "Hello.")
    for name in ("Ann", "Bob", "Carol"):
        await bot.hears("hello", user=name.lower(), name=name)

    def pick(name: str) -> None:
        browser.press(".joining option", name)

    def first() -> None:
        browser.go("people")
        browser.find("section[aria-label=Ann] .person .row button").click()
        pick("Bob")
        browser.until(lambda: "memory:ann, memory:bob become one" in browser.find(".joining").text)

    def then() -> None:
        pick("Carol")
        browser.until(lambda: not browser.all(".joining button.main"))

    await browser.do(first)
    slow.gate.clear()
    await browser.do(then)
    slow.gate.set()
    await browser.do(browser.until, lambda: "memory:ann, memory:carol become one" in browser.find(".joining").text)


async def test_whoever_joins_the_trainer_is_warned(bot: Bot, browser: Browser) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello", user="bob")

    def steps() -> None:
        browser.go("people")
        browser.find("section[aria-label=Bob] .person .row button").click()
        browser.find(".joining option").click()
        browser.until(lambda: "all rights of the trainer to memory:bob" in browser.find(".joining").text)
        assert not browser.find(".joining button.main").is_enabled()
        browser.find(".joining input[type=checkbox]").click()
        assert browser.faults() == []
        browser.until(lambda: browser.find(".joining button.main").is_enabled())
        browser.find(".joining button.main").click()
        browser.until(
            lambda: any("memory:bob" in text and "memory:owner" in text for text in browser.texts("section.card"))
        )

    await browser.do(steps)


async def test_a_fact_is_added_and_changed(bot: Bot, browser: Browser) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello", user="ann")

    def steps() -> None:
        browser.go("people")
        browser.find("section[aria-label=Ann] details summary").send_keys(Keys.ENTER)
        browser.find("section[aria-label=Ann] .fact select").send_keys("contacts")
        browser.find("section[aria-label=Ann] .fact input[placeholder=phone]").send_keys("mail")
        browser.find("section[aria-label=Ann] .fact .grow input").send_keys(EVIL + Keys.ENTER)
        browser.until(lambda: f"mail: {EVIL}" in browser.find("section[aria-label=Ann] table").text)
        assert browser.faults() == []
        browser.find("section[aria-label=Ann] table button").send_keys(Keys.ENTER)
        browser.until(lambda: browser.driver.switch_to.active_element.get_attribute("aria-label") == "contacts, mail")
        browser.driver.switch_to.active_element.send_keys(" indeed")
        assert browser.faults() == []
        browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
        browser.until(lambda: f"mail: {EVIL} indeed" in browser.find("section[aria-label=Ann] table").text)
        assert browser.driver.execute_script("return window.ran") is None

    await browser.do(steps)
    assert await browser.do(browser.complaints) == []


async def test_without_a_price_activity_says_which_setting_gives_one(bot: Bot, browser: Browser) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello")

    def steps() -> None:
        browser.go("activity")
        browser.until(lambda: any("Settings, MODEL_PRICES" in text for text in browser.texts("section.card")))
        assert not any(text.startswith("Cost") for text in browser.texts("figure.card"))

    await browser.do(steps)


async def test_the_cost_stands_beside_the_tokens_and_under_the_reply(bot: Bot, browser: Browser) -> None:
    bot.environ["MODEL_PRICES"] = "scripted-1=0/100000"
    bot.environ["WEBUI_PORT"] = address(bot).rpartition(":")[2]
    await bot.restart()
    bot.model_says("Hello there, how are you today?")

    def steps() -> None:
        browser.say("hello")
        browser.until(browser.replies)
        browser.find(".under summary").click()
        browser.until(lambda: "$0.800" in browser.find(".why").text)
        browser.go("activity")
        browser.until(lambda: any("$0.800 in these 30 days." in text for text in browser.texts("figure.card")))
        assert browser.faults() == []

    await browser.do(steps)


async def test_what_comes_before_the_page_is_drawn_is_shown(bot: Bot, browser: Browser) -> None:
    slow = "const soon = requestAnimationFrame; requestAnimationFrame = (draw) => setTimeout(() => soon(draw), 400)"

    def steps() -> None:
        browser.say("/help")
        browser.until(lambda: browser.all(".line"))
        late = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": slow})
        try:
            for _ in range(4):
                browser.driver.refresh()
                browser.until(lambda: browser.texts(".state") == ["Connected"])
                browser.until(lambda: browser.all(".line"))
        finally:
            browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", late)

    await browser.do(steps)
