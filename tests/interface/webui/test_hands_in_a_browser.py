"""What hands do: click twice, go on writing while a file is on its way, write from right to left, use no mouse."""

from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from rekku.testing import Bot
from tests.interface.suite import PNG
from tests.interface.webui.browser import Browser
from tests.interface.webui.visitor import PASSWORD


@pytest.fixture
def web_settings() -> dict[str, str]:
    """With a plugin whose page deletes."""
    return {"REKKU_PLUGINS": "message_plugin,time_plugin,webui,event"}


def slow_down(browser: Browser, milliseconds: int) -> None:
    """Have a network on which each request takes so long."""
    browser.driver.execute_cdp_cmd("Network.enable", {})
    told = {"offline": False, "latency": milliseconds, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", told)


async def test_a_double_click_cancels_nothing_and_two_clicks_do(bot: Bot, browser: Browser) -> None:
    def steps() -> None:
        browser.go("events")
        browser.find("header button.main").click()
        browser.find("#ev-what").send_keys("water the plants")
        browser.find("form button.main").click()
        cancel = browser.find("article button.danger")
        ActionChains(browser.driver).double_click(cancel).perform()
        browser.until(lambda: browser.texts("article button.danger") == ["Really cancel"])
        browser.driver.execute_async_script("setTimeout(arguments[0], 700)")
        assert browser.texts("article button.danger") == ["Really cancel"]
        browser.find("article button.danger").click()
        browser.until(lambda: not browser.all("article"))

    await browser.do(steps)


async def test_a_form_that_is_sent_twice_is_done_once(bot: Bot, browser: Browser) -> None:
    def steps() -> None:
        browser.go("access")
        browser.find("#token-name").send_keys("editor")
        slow_down(browser, 400)
        try:
            send = browser.find("form.row button")
            ActionChains(browser.driver).double_click(send).perform()
            browser.until(lambda: browser.texts("table.plain td:first-child")[1:])
        finally:
            slow_down(browser, 0)
        browser.driver.refresh()
        browser.find("#token-name")
        browser.until(lambda: "editor" in browser.texts("table.plain td:first-child"))
        assert browser.texts("table.plain td:first-child").count("editor") == 1

    await browser.do(steps)


async def test_a_file_that_is_on_its_way_goes_with_the_message(bot: Bot, browser: Browser, tmp_path: Path) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(PNG)
    bot.model_says("A cat!")

    def steps() -> None:
        slow_down(browser, 1500)
        try:
            browser.find("input[type=file]").send_keys(str(picture))
            browser.say("what is this?")
            assert browser.texts(".composer [role=status]") == ["Loading cat.png …"]
            assert not browser.all(".line.me")
            browser.find(".attached .file")
        finally:
            slow_down(browser, 0)
        browser.find(".composer textarea").send_keys(Keys.ENTER)
        browser.until(lambda: browser.replies() == ["A cat!"])
        assert browser.all(".line.me img")

    await browser.do(steps)


async def test_a_file_that_is_too_large_is_refused_in_words(bot: Bot, browser: Browser, tmp_path: Path) -> None:
    large = tmp_path / "film.bin"
    large.write_bytes(b"x" * 25_000_000)

    def steps() -> None:
        browser.find("input[type=file]").send_keys(str(large))
        browser.until(lambda: browser.texts(".composer [role=alert] .strip") == ["A file may have 20 MB."])

    await browser.do(steps)


async def test_after_an_answer_as_the_model_one_goes_on_writing(bot: Bot, browser: Browser) -> None:
    await bot.running.house.choose_engine("manual")

    def steps() -> None:
        browser.say("hello")
        browser.find(".question textarea").send_keys("Hello yourself." + Keys.TAB + Keys.ENTER)
        browser.until(lambda: browser.replies() == ["Hello yourself."])
        browser.until(lambda: browser.driver.switch_to.active_element.get_attribute("aria-label") == "Message")

    await browser.do(steps)


@pytest.mark.parametrize("sender", ["me", "rekku"])
async def test_words_from_right_to_left_end_at_the_left(bot: Bot, browser: Browser, sender: str) -> None:
    words = "مرحبا بالعالم."
    bot.model_says(words)
    script = """
        const bubble = document.querySelector(".line." + arguments[0] + " .bubble"), places = [];
        const walk = document.createTreeWalker(bubble, NodeFilter.SHOW_TEXT);
        while (walk.nextNode()) {
          const at = walk.currentNode.data.indexOf(arguments[1]);
          if (at < 0) continue;
          for (const one of [at, at + arguments[1].length - 1]) {
            const range = document.createRange();
            range.setStart(walk.currentNode, one);
            range.setEnd(walk.currentNode, one + 1);
            places.push(range.getBoundingClientRect().left);
          }
        }
        return places;
    """

    def steps() -> None:
        browser.say(words)
        browser.until(browser.replies)
        first, stop = browser.driver.execute_script(script, sender, words)
        assert stop < first

    await browser.do(steps)


async def test_where_a_page_gets_no_clipboard_the_code_is_selected(bot: Bot, browser: Browser) -> None:
    bot.model_says("Here it is:\n```\nmake run\n```\nGood luck.")

    def steps() -> None:
        browser.driver.execute_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        browser.say("how?")
        browser.find(".codehead button").click()
        browser.until(lambda: browser.texts(".codehead button") == ["Selected"])
        assert browser.driver.execute_script("return String(getSelection())") == "make run"

    await browser.do(steps)


async def test_whoever_turns_the_phone_still_sees_the_last_line(bot: Bot, browser: Browser) -> None:
    bot.model_says("A few words that need more lines where the page is narrow. " * 40)
    left = "const box = document.querySelector('.scroll'); return box.scrollHeight - box.scrollTop - box.clientHeight"

    def steps() -> None:
        browser.say("tell me")
        browser.until(browser.replies)
        browser.be_a_phone()
        browser.until(lambda: browser.driver.execute_script("return innerWidth") < 400)
        browser.until(lambda: browser.driver.execute_script(left) < 2)

    await browser.do(steps)


async def test_a_file_that_is_attached_stays_so_while_another_page_is_looked_at(
    bot: Bot, browser: Browser, tmp_path: Path
) -> None:
    picture = tmp_path / "cat.png"
    picture.write_bytes(PNG)
    bot.model_says("A cat!")

    def steps() -> None:
        browser.find("input[type=file]").send_keys(str(picture))
        browser.until(lambda: "cat.png" in "".join(browser.texts(".attached")))
        browser.go("log")
        browser.go("chat")
        browser.until(lambda: "cat.png" in "".join(browser.texts(".attached")))
        browser.say("look")
        browser.until(lambda: browser.replies() == ["A cat!"])
        assert not browser.all(".attached")

    await browser.do(steps)
    assert "cat.png" in bot.engine.prompts[-1]


async def test_a_new_password_is_said_to_count(bot: Bot, browser: Browser) -> None:
    def steps() -> None:
        browser.go("access")
        browser.find("#old").send_keys(PASSWORD)
        browser.find("#new").send_keys("another plum tree at noon" + Keys.ENTER)
        browser.until(lambda: "The password is changed." in browser.texts(".fine"))
        browser.go("log")
        browser.go("access")
        browser.find("#old")
        assert not browser.all(".fine")

    await browser.do(steps)
