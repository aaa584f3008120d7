"""A real Chromium, without a screen, that Selenium drives from a thread."""

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from tests.interface.webui.visitor import PASSWORD

Result = TypeVar("Result")

PATIENCE = 20
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
SERIOUS = frozenset({"serious", "critical"})


class Browser:
    """A browser. Its methods are blocking; `do` runs one in a thread while Rekku goes on."""

    def __init__(self) -> None:
        self._profile = TemporaryDirectory(prefix="rekku-chromium-", ignore_cleanup_errors=True)
        options = ChromeOptions()
        for flag in (*FLAGS, f"--user-data-dir={self._profile.name}", "--window-size=1200,860"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = Chrome(options=options, service=Service("/usr/bin/chromedriver"))

    async def do(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Run something that blocks."""
        return await asyncio.to_thread(work, *arguments)

    def quit(self) -> None:
        """Close it for good."""
        self.driver.quit()
        self._profile.cleanup()

    def forget(self) -> None:
        """As if it had never been here."""
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.look("light")
        self.driver.get("about:blank")
        self.complaints()

    def look(self, scheme: str) -> None:
        """Prefer light or dark colours."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature, still]})

    def be_a_phone(self) -> None:
        """Have a phone's width."""
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", dict(PHONE))

    def come_in(self, url: str) -> None:
        """Set the password with a link, or log in."""
        self.driver.get(url)
        self.find("#password").send_keys(PASSWORD + Keys.ENTER)
        self.find(".composer textarea")

    def go(self, page: str) -> None:
        """Go to a page by its link, and wait until it stands there."""
        self.driver.execute_script("location.hash = arguments[0]", page)
        self.until(lambda: self.find(f'a[href="#{page}"]').get_attribute("aria-current") == "page")
        self.find("main h1")

    def find(self, css: str) -> WebElement:
        """The first element that fits, as soon as it is there."""
        found: list[WebElement] = []
        self.until(lambda: [*map(found.append, self.all(css)[:1])])
        return found[0]

    def all(self, css: str) -> list[WebElement]:
        """All elements that fit now."""
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def texts(self, css: str) -> list[str]:
        """What they say, read at once so that none can go meanwhile."""
        script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.innerText)"
        found: list[str] = self.driver.execute_script(script, css)
        return found

    def until(self, fact: Callable[[], Result | None]) -> Result:
        """Wait until something is so; what it is. What the page draws anew meanwhile is looked at again."""
        waiting = WebDriverWait(self.driver, PATIENCE, ignored_exceptions=[StaleElementReferenceException])
        return waiting.until(lambda _: fact() or False)

    def press(self, css: str, label: str) -> None:
        """Click the first of these that begins with that label, as soon as it is there."""

        def pressed() -> bool:
            found = next((one for one in self.all(css) if one.text.startswith(label)), None)
            if found is not None:
                found.click()
            return found is not None

        self.until(pressed)

    def say(self, text: str) -> None:
        """Write a line in the chat."""
        self.find(".composer textarea").send_keys(text + Keys.ENTER)

    def replies(self) -> list[str]:
        """What Rekku's finished lines say."""
        return [re.sub(r"^Rekku:\s*", "", text).strip() for text in self.texts(".line.rekku.final .bubble")]

    def complaints(self) -> list[str]:
        """What the browser itself complained about since the last look: scripts that failed, policies broken."""
        entries = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

    def faults(self, *rules: str) -> list[str]:
        """Serious faults of accessibility on the page that is shown, by all rules or by these.

        They are those of axe-core 4.4; REKKU_AXE names the file of a newer one (`npm pack axe-core`).
        """
        import axe_core_python

        own = Path(axe_core_python.__file__).with_name("axe.min.js")
        script = Path(os.environ.get("REKKU_AXE") or own).read_text(encoding="utf-8")
        if not self.driver.execute_script("return Boolean(window.axe)"):
            self.driver.execute_script(script)
        told = {"runOnly": list(rules)} if rules else {}
        found = self.driver.execute_async_script("axe.run(arguments[0]).then(arguments[arguments.length - 1])", told)
        return [
            f"{fault['id']}: {node['target']} {node['failureSummary']}"
            for fault in found["violations"]
            if fault["impact"] in SERIOUS
            for node in fault["nodes"]
        ]

    def shot(self, file: Path) -> None:
        """Keep a picture."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(file))
