"""The page in a real Chromium: every page, both looks, a phone, the keyboard alone, hostile words."""

import asyncio
import json
import logging
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from rekku.testing import Bot
from tests.interface.webui.browser import Browser
from tests.interface.webui.visitor import PASSWORD, address, link_in, welcome
from tests.road.gates import Ajar

DAY = 86_400.0
PAGES = {
    "chat": "Chat",
    "desk": "Desk",
    "parts": "Components",
    "events": "Events",
    "diary": "Diary",
    "people": "People",
    "activity": "Activity",
    "terminal": "Terminal",
    "log": "Log",
    "settings": "Settings",
    "access": "Access",
}
PICTURES = Path(__file__).parents[3] / "docs" / "interfaces" / "webui"
KEPT = {
    ("chat", "light"),
    ("chat", "dark"),
    ("chat", "phone"),
    ("parts", "light"),
    ("diary", "dark"),
    ("events", "light"),
    ("terminal", "dark"),
}
"""The pictures that the documentation keeps; with REKKU_PICTURES set they are taken anew."""
HOSTILE = (
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    "[click](javascript:window.ran=1) and [me](data:text/html,<script>window.ran=1</script>)",
    "```\n</code></pre><script>window.ran = 1</script>\n```",
    "| a | b |\n|---|---|\n| <svg onload='window.ran=1'> | **<b onclick='window.ran=1'>x</b>** |",
    "*".join("a" for _ in range(4000)) + "`" * 3000 + "[" * 3000,
)


@pytest.fixture
def web_settings() -> dict[str, str]:
    """With the plugins that have pages of their own."""
    return {"REKKU_PLUGINS": "message_plugin,time_plugin,webui,event,ai_diary,bio_manager,terminal"}


async def test_the_first_steps_of_a_new_owner_without_any_model(bot: Bot, chromium: Browser) -> None:
    await bot.running.house.choose_engine("manual")
    await chromium.do(chromium.forget)

    def steps() -> None:
        chromium.come_in(f"{address(bot)}/#link={link_in(welcome(bot))}")
        assert "link=" not in chromium.driver.current_url
        chromium.say("Hello, who are you?")
        chromium.find(".question textarea").send_keys("I am **Rekku**.")
        chromium.find(".question button.main").click()
        chromium.until(lambda: chromium.replies() == ["I am Rekku."])
        chromium.find(".under summary").click()
        chromium.until(lambda: "manual" in chromium.find(".why").text)

    await chromium.do(steps)
    assert await chromium.do(chromium.complaints) == []


async def test_an_answer_in_actions_is_made_with_a_form(bot: Bot, browser: Browser) -> None:
    await bot.running.house.choose_engine("manual")

    def steps() -> None:
        browser.say("hello")
        browser.find(".question .switch button:nth-child(2)").click()
        browser.find("#field-text")
        browser.find(".question > .row:last-child button.main").click()
        browser.until(lambda: browser.find(".builder .fault").text == "text is required.")
        browser.find("#field-text").send_keys("Made with a form.")
        browser.find(".question > .row:last-child button.main").click()
        browser.until(lambda: browser.replies() == ["Made with a form."])

    await browser.do(steps)


async def test_what_came_back_of_an_action_is_shown_and_needs_no_answer(bot: Bot, browser: Browser) -> None:
    await bot.running.house.choose_engine("manual")

    def steps() -> None:
        browser.say("what have I planned?")
        browser.until(lambda: "what have I planned?" in browser.find(".question .gist").text)
        browser.find(".question .switch button:nth-child(2)").click()
        Select(browser.find("#action")).select_by_visible_text("event_list")
        browser.find(".builder > .row:last-child button").click()
        browser.until(lambda: "event_list" in browser.find(".builder pre").text)
        Select(browser.find("#action")).select_by_visible_text("message")
        browser.find("#field-text").send_keys("I looked.")
        browser.find(".question > .row:last-child button.main").click()
        browser.until(lambda: any("What came back:" in text for text in browser.texts(".question .gist")))
        browser.find(".question > .row:last-child button.plain").click()
        browser.until(lambda: not browser.all(".question"))
        assert browser.replies() == ["I looked."]

    await browser.do(steps)


async def test_a_reload_in_the_middle_of_a_reply_and_a_restart_lose_nothing(bot: Bot, browser: Browser) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("The **first** answer.", "The second answer.")
    await browser.do(browser.say, "one")
    await browser.do(browser.find, ".dots")
    await browser.do(browser.driver.refresh)
    await browser.do(browser.find, ".dots")
    bot.engine.gate.set()
    await browser.do(browser.until, lambda: browser.replies() == ["The first answer."])

    port = address(bot).rpartition(":")[2]
    bot.environ["WEBUI_PORT"] = port
    await bot.stop()
    await browser.do(browser.say, "two")
    await browser.do(browser.until, lambda: "On its way …" in browser.texts(".under span"))
    await browser.do(browser.driver.execute_script, "document.title = 'the same page'")
    await bot.start()
    assert address(bot).endswith(port)
    await browser.do(browser.until, lambda: browser.replies() == ["The first answer.", "The second answer."])
    assert [text.split() for text in browser.texts(".line.me .bubble")] == [["You:", "one"], ["You:", "two"]]
    assert "the same page" in browser.driver.title


async def test_a_restart_in_the_middle_of_a_reply_shows_it_whole_and_once(bot: Bot, browser: Browser) -> None:
    bot.engine.pieces, bot.engine.gate = 3, Ajar(6)
    bot.model_says("This reply is broken off in the middle.", "This reply is whole now.")
    await browser.do(browser.say, "write")
    await browser.do(browser.find, ".line.rekku.draft .bubble")
    bot.environ["WEBUI_PORT"] = address(bot).rpartition(":")[2]
    await bot.stop()
    bot.engine.gate.set()
    await bot.start()
    await browser.do(browser.until, lambda: browser.replies() == ["This reply is whole now."])
    await browser.do(browser.driver.refresh)
    await browser.do(browser.until, lambda: browser.replies() == ["This reply is whole now."])
    assert len(browser.texts(".line.me .bubble")) == 1


async def test_two_tabs_at_once_show_every_line_once(bot: Bot, browser: Browser) -> None:
    bot.model_says("To the first.", "To the second.")

    def steps() -> None:
        driver = browser.driver
        first = driver.current_window_handle
        driver.switch_to.new_window("tab")
        try:
            driver.get(address(bot))
            browser.find(".composer textarea")
            driver.switch_to.window(first)
            browser.say("from the first")
            browser.until(lambda: browser.replies() == ["To the first."])
            driver.switch_to.window(driver.window_handles[-1])
            browser.until(lambda: browser.replies() == ["To the first."])
            browser.say("from the second")
            browser.until(lambda: browser.replies() == ["To the first.", "To the second."])
        finally:
            driver.close()
            driver.switch_to.window(first)
        browser.until(lambda: browser.replies() == ["To the first.", "To the second."])
        said = [text.split(maxsplit=1)[1] for text in browser.texts(".line.me .bubble")]
        assert said == ["from the first", "from the second"]

    await browser.do(steps)


async def test_hostile_words_are_shown_as_words(bot: Bot, browser: Browser) -> None:
    bot.model_says(*HOSTILE)
    for words in HOSTILE:
        await browser.do(browser.say, words.splitlines()[0][:200])
    await browser.do(browser.until, lambda: len(browser.replies()) == len(HOSTILE))
    logging.getLogger("rekku.test").error("<img src=x onerror='window.ran = 1'>")
    bot.model_says("Hello.")
    evil = "<script>window.ran=1</script>"
    await bot.hears(evil, user="mallory", chat_name=evil)

    def look() -> None:
        assert "<script>window.ran = 1</script>" in browser.replies()[0]
        hrefs = browser.driver.execute_script("return [...document.querySelectorAll('.bubble a')].map((a) => a.href)")
        assert hrefs == []
        for page in PAGES:
            browser.go(page)
        browser.go("log")
        browser.until(lambda: any("onerror" in text for text in browser.texts(".logbox div")))
        assert browser.driver.execute_script("return window.ran") is None

    await browser.do(look)


async def test_it_can_be_used_by_the_keyboard_alone(bot: Bot, browser: Browser) -> None:
    bot.model_says("Heard.")

    def steps() -> None:
        def press(*keys: str) -> None:
            for key in keys:
                browser.driver.switch_to.active_element.send_keys(key)

        browser.find(".composer textarea")
        browser.until(lambda: browser.driver.switch_to.active_element.tag_name == "textarea")
        press("/hel")
        browser.find('.menu li[aria-selected="true"]')
        press(Keys.TAB)
        press(Keys.ENTER)
        browser.until(lambda: any("What I understand" in text for text in browser.replies()))
        press("hello", Keys.ENTER)
        browser.until(lambda: "Heard." in browser.replies())
        browser.driver.execute_script("document.querySelector('.skip').focus()")
        press(Keys.TAB, Keys.TAB, Keys.ENTER)
        browser.until(lambda: browser.texts("main h1") == ["Desk"])

    await browser.do(steps)


async def test_every_page_in_both_looks_and_on_a_phone_without_a_serious_fault(bot: Bot, chromium: Browser) -> None:
    browser = chromium
    await _live_a_little(bot)
    await browser.do(browser.forget)
    await browser.do(browser.come_in, f"{address(bot)}/#link={link_in(welcome(bot))}")
    bot.model_says("Hello! I am **Rekku**.\n\n- I remember\n- I run `code`:\n\n```python\nprint('hello')\n```")
    await browser.do(browser.say, "Hello, who are you?")
    await browser.do(browser.until, lambda: len(browser.replies()) == 1)

    def tour() -> list[str]:
        found = []
        for look in ("light", "dark", "phone"):
            browser.look("dark" if look == "dark" else "light")
            if look == "phone":
                browser.be_a_phone()
            for page, title in PAGES.items():
                if look == "phone":
                    browser.driver.execute_script("location.hash = arguments[0]", page)
                    browser.until(lambda t=title: browser.driver.title.startswith(t))  # type: ignore[misc]
                    browser.find("main h1")
                else:
                    browser.go(page)
                width = browser.driver.execute_script("return document.documentElement.scrollWidth - innerWidth")
                assert width <= 0, f"{page} is too wide for a {look}"
                rules = {
                    "light": (),
                    "dark": ("color-contrast",),
                    "phone": ("scrollable-region-focusable",),
                }
                found += [f"{page} ({look}): {fault}" for fault in browser.faults(*rules[look])]
                if "REKKU_PICTURES" in os.environ and (page, look) in KEPT:
                    browser.shot(PICTURES / f"{page}-{look}.png")
        return found

    assert await browser.do(tour) == []
    assert await browser.do(browser.complaints) == []


async def test_logging_out_shows_the_door_and_leaves_nothing_behind(bot: Bot, browser: Browser) -> None:
    def steps() -> None:
        browser.find(".composer textarea").send_keys("a secret that was not sent")
        browser.find(".side > button:last-child").click()
        browser.find("#password").send_keys("not the password" + Keys.ENTER)
        browser.until(lambda: browser.texts(".fault") == ["That is not the password."])
        assert browser.driver.execute_script("return sessionStorage.length") == 0
        browser.find("#password").clear()
        browser.find("#password").send_keys(PASSWORD + Keys.ENTER)
        assert browser.find(".composer textarea").get_attribute("value") == ""

    await browser.do(steps)


async def _live_a_little(bot: Bot) -> None:
    """Three days with a person, up to now, so that the pages have something to show."""
    today = datetime.now(UTC)
    bot.clock.jump((today - bot.clock.now()).total_seconds() - 3 * DAY)
    for day, (topic, joy) in enumerate((("gardening", 5), ("trains", 8), ("a birthday", 9))):
        reply = {
            "actions": [{"type": "message", "payload": {"text": f"I would love to hear more about {topic}."}}],
            "diary": {
                "thought": f"Ann lights up when she speaks of {topic}.",
                "emotions": [{"type": "joy", "intensity": joy}, {"type": "curiosity", "intensity": 7 - day}],
                "summary": f"Ann told me about {topic}.",
                "tags": [topic],
            },
        }
        bot.model_says(json.dumps(reply))
        await bot.hears(f"let us talk about {topic}", user="ann")
        bot.clock.jump(DAY)
    for hours, text, repeat in ((30, "Water the plants", "daily"), (50, "Call mum", "weekly"), (99, "Dentist", "none")):
        at = today + timedelta(hours=hours)
        given = {"description": text, "date": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}", "repeat": repeat}
        await bot.running.house.panel("event", "create", {**given, "here": "webui:owner"})
