"""The page of terminals in a real Chromium: typed at, coloured, resized, left by the keyboard, never run as a page."""

import functools
import re
from collections.abc import Iterator

import pytest
from selenium.webdriver.common.keys import Keys

from rekku.testing import Bot
from tests.interface.webui.browser import Browser
from tests.interface.webui.visitor import address, link_in, welcome


@pytest.fixture
def web_settings() -> dict[str, str]:
    """With the terminal."""
    return {"REKKU_PLUGINS": "message_plugin,time_plugin,webui,terminal"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all of these."""
    browser = Browser()
    yield browser
    browser.quit()


class Terminal:
    """The terminal that the page shows."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    def type(self, keys: str) -> None:
        """Press keys."""
        self.browser.find(".xterm-helper-textarea").send_keys(keys)

    def text(self) -> str:
        """What stands on the screen."""
        return "\n".join(self.browser.texts(".xterm-rows > div")).replace("\xa0", " ")

    def until(self, pattern: str) -> re.Match[str]:
        """Wait until something stands there; what it is."""
        return self.browser.until(lambda: re.search(pattern, self.text(), re.MULTILINE))

    def colours(self, word: str) -> tuple[str, str]:
        """The colours, in front and behind, in which a word stands there."""
        script = """
            const all = [...document.querySelectorAll('.xterm-rows span')];
            const style = getComputedStyle(all.findLast((one) => one.textContent === arguments[0]));
            return [style.color, style.backgroundColor];"""
        front, behind = self.browser.driver.execute_script(script, word)
        return front, behind


@pytest.fixture
async def terminal(chromium: Browser, bot: Bot) -> Terminal:
    """The page of terminals, opened for the first time, with a shell at its prompt."""
    await chromium.do(chromium.forget)
    await chromium.do(chromium.come_in, f"{address(bot)}/#link={link_in(welcome(bot))}")
    await chromium.do(chromium.go, "terminal")
    found = Terminal(chromium)
    await chromium.do(found.until, r"~ [#$]")
    return found


async def test_a_new_owner_types_a_command_and_reads_its_answer_in_colours(terminal: Terminal) -> None:
    def steps() -> None:
        terminal.type(r"printf '\e[38;2;10;20;200;48;2;250;250;210mco''lours\e[0m \e[7mturn''ed\e[0m\n'" + Keys.ENTER)
        terminal.until("colours turned")
        assert terminal.colours("colours") == ("rgb(10, 20, 200)", "rgb(250, 250, 210)")
        front, behind = terminal.colours("turned")
        assert behind not in (front, "rgba(0, 0, 0, 0)")
        assert terminal.browser.complaints() == []

    await terminal.browser.do(steps)


async def test_it_is_as_large_as_the_page_and_grows_with_it(terminal: Terminal) -> None:
    def columns() -> int:
        terminal.type("clear; echo columns $COLUMNS" + Keys.ENTER)
        return int(terminal.until(r"columns (\d+)")[1])

    def steps() -> None:
        driver = terminal.browser.driver
        assert columns() > 80
        driver.set_window_size(700, 860)
        try:
            terminal.browser.until(lambda: columns() < 80)
        finally:
            driver.set_window_size(1200, 860)
        terminal.browser.until(lambda: columns() > 80)

    await terminal.browser.do(steps)


async def test_a_reload_and_a_second_terminal_and_closing_one(terminal: Terminal) -> None:
    browser = terminal.browser

    def steps() -> None:
        terminal.type("x=fi''rst; echo $x" + Keys.ENTER)
        terminal.until(r"^first")
        browser.driver.refresh()
        terminal.until("^first")
        browser.press("main button", "New")
        terminal.until(r"\A~ [#$]\s*\Z")
        terminal.type("x=sec''ond; echo it is $x" + Keys.ENTER)
        terminal.until("it is second")
        browser.press("main button", "1:")
        terminal.until("first")
        terminal.type("echo still $x" + Keys.ENTER)
        terminal.until("still first")
        browser.press("main button", "Close")
        terminal.until("it is second")
        assert [text for text in browser.texts("main .row button") if ":" in text] == ["2: bash"]

    await browser.do(steps)


async def test_that_there_are_too_many_is_said_until_something_else_is_done(terminal: Terminal) -> None:
    browser = terminal.browser

    def stands(label: str) -> bool:
        return label in browser.texts("main .row button")

    def steps() -> None:
        for number in range(1, 9):
            browser.until(functools.partial(stands, f"{number}: bash"))
            browser.press("main .row button", "New")
        browser.until(lambda: "8 terminals" in browser.find("main [role=alert]").text)
        terminal.type("sleep 1000" + Keys.ENTER)
        browser.until(lambda: any(text.endswith(": sleep") for text in browser.texts("main .row button")))
        assert "8 terminals" in browser.find("main [role=alert]").text

    await browser.do(steps)


async def test_a_shell_that_ends_offers_a_new_one(terminal: Terminal) -> None:
    def steps() -> None:
        terminal.type("exit" + Keys.ENTER)
        terminal.browser.find(".keys button.main").click()
        terminal.until(r"\A~ [#$]\s*\Z")

    await terminal.browser.do(steps)


async def test_the_keyboard_goes_in_and_out_and_a_bar_has_the_keys_that_a_phone_lacks(terminal: Terminal) -> None:
    browser = terminal.browser

    def steps() -> None:
        terminal.type("cat -v" + Keys.ENTER)
        terminal.type(Keys.TAB + Keys.ESCAPE + Keys.ENTER)
        terminal.until(r"\^\[")
        browser.press(".keys button", "Ctrl")
        terminal.type("c")
        terminal.until(r"\^C\s+~ [#$]")
        assert browser.find(".keys button").get_attribute("aria-pressed") == "false", "it counts for one key"
        terminal.type(Keys.SHIFT + Keys.ESCAPE)
        browser.until(lambda: browser.driver.switch_to.active_element.text == "Ctrl")

    await browser.do(steps)


async def test_what_is_pasted_arrives_whole(terminal: Terminal) -> None:
    paste = """
        const clipboardData = new DataTransfer();
        clipboardData.setData("text/plain", arguments[0]);
        const event = new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true});
        document.querySelector(".xterm-helper-textarea").dispatchEvent(event);"""

    def steps() -> None:
        terminal.type("echo rea''dy; cat > pasted" + Keys.ENTER)
        terminal.until("^ready")  # from here on a line is the program's
        terminal.browser.driver.execute_script(paste, ("x" + "😀" * 500 + "\n") * 20)
        terminal.type(Keys.CONTROL + "d")
        terminal.type("clear; wc -l < pasted; tr -cd '?' < pasted | wc -c" + Keys.ENTER)
        terminal.until(r"^20\s+0\s+~")

    await terminal.browser.do(steps)


async def test_a_reload_does_not_answer_again_what_a_program_asked(terminal: Terminal) -> None:
    browser = terminal.browser

    def steps() -> None:
        terminal.type(r"clear; printf '\e[c\e[6n\e]11;?\a'; read -rsd: -t 15; read -rst 3; echo as''ked" + Keys.ENTER)
        terminal.until(r"^asked\s+~ [#$]\s*\Z")
        browser.driver.refresh()
        terminal.until("^asked")
        terminal.type("echo pl''ain" + Keys.ENTER)
        terminal.until("^plain")
        assert "~ # echo pl''ain" in terminal.text().replace("$", "#"), terminal.text()

    await browser.do(steps)


async def test_of_two_pages_on_one_shell_the_one_that_was_typed_at_answers_a_program(terminal: Terminal) -> None:
    browser = terminal.browser
    ask = r"clear; printf '\e[6n'; read -rsd R -t 15 a; read -rsd R -t 1 b; echo ${a:+a''nswered} ${b:-once}"

    def steps() -> None:
        first, address = browser.driver.current_window_handle, browser.driver.current_url
        browser.driver.switch_to.new_window("tab")
        browser.driver.get(address)
        terminal.until(r"~ [#$]")
        for time in ("first", "second"):
            terminal.type(f"{ask} {time}{Keys.ENTER}")
            terminal.until(rf"^answered once {time}\s+~ [#$]\s*\Z")
            browser.driver.switch_to.window(first)
            terminal.until(f"^answered once {time}")
        browser.driver.switch_to.window(browser.driver.window_handles[-1])
        browser.driver.close()
        browser.driver.switch_to.window(first)
        terminal.type(f"{ask} third{Keys.ENTER}")
        terminal.until(r"^answered once third\s+~ [#$]\s*\Z")

    await browser.do(steps)


async def test_hostile_output_stays_output(terminal: Terminal) -> None:
    browser = terminal.browser
    link = r"\e]8;;javascript:window.ran=1\e\\click\e]8;;\e\\"
    hostile = rf"<img src=x onerror=window.ran=1>{link}\e]0;<script>window.ran=1</script>\a\e]52;c;cm0gLXJm\a"

    def steps() -> None:
        terminal.type("clear; printf '%b' '" + hostile + "'; echo en''d" + Keys.ENTER)
        terminal.until("<img src=x onerror=window.ran=1>clickend")
        browser.find(".xterm-screen").click()
        assert browser.driver.execute_script("return window.ran") is None
        assert browser.driver.title == "Terminal · Rekku"
        assert len(browser.driver.window_handles) == 1
        assert browser.complaints() == []

    await browser.do(steps)


async def test_both_looks_and_a_phone_are_readable(terminal: Terminal) -> None:
    browser = terminal.browser

    def colour() -> str:
        script = "return getComputedStyle(document.querySelector('.xterm-rows')).color"
        return str(browser.driver.execute_script(script))

    def steps() -> None:
        light = colour()
        assert browser.faults() == []
        browser.look("dark")
        browser.until(lambda: colour() != light)
        assert browser.faults() == []
        browser.be_a_phone()
        terminal.until(r"~ [#$]")
        assert browser.driver.execute_script("return document.documentElement.scrollWidth - innerWidth") <= 0
        assert browser.faults() == []

    await browser.do(steps)


async def test_whoever_leaves_before_the_terminal_is_there_sees_no_fault(terminal: Terminal) -> None:
    browser = terminal.browser
    leave = """
        const Real = WebSocket;
        window.WebSocket = class extends Real {
          constructor(url) {
            super(url);
            if (url.includes("/web/terminal/")) { location.hash = "log"; window.left = true; }
          }
        };"""

    def steps() -> None:
        browser.go("log")
        browser.driver.execute_script(leave)
        browser.driver.execute_script("location.hash = 'terminal'")
        browser.until(lambda: browser.driver.execute_script("return window.left"))
        browser.until(lambda: browser.texts("main h1") == ["Log"])
        browser.go("chat")
        assert browser.complaints() == []

    await browser.do(steps)
