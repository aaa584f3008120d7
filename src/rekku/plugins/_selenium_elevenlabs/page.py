"""ElevenLabs' page, as far as a speech needs it. What it looks like stands in one table; every wait is bounded."""

import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rekku.plugins._selenium_elevenlabs.speech import NoSpeechError, Speech

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver
    from selenium.webdriver.remote.webelement import WebElement

SPEECH_PAGE = "/app/speech-synthesis/text-to-speech"
LONGEST_WAIT = 30.0
"""Seconds until something must be there that the page shows at once."""
GENERATION = 150.0
"""Seconds that a speech may take to be made."""
DOWNLOAD = 60.0
LOOK_EVERY = 0.1
LONGEST_ALERT = 200

PLACES: Mapping[str, Sequence[str]] = {
    "the field for the e-mail address": (
        "//input[@data-testid='sign-in-email-input']",
        "//input[@type='email' or @name='email']",
    ),
    "the field for the password": ("//input[@data-testid='sign-in-password-input']", "//input[@type='password']"),
    "the button that logs in": (
        "//button[@data-testid='sign-in-submit-button']",
        "//form[.//input[@type='password']]//button[@type='submit' or not(@type)]",
    ),
    "the field for the text": ("//textarea[@data-testid='tts-editor']", "//main//textarea", "//textarea"),
    "the button Generate": (
        "//button[@data-testid='tts-generate']",
        "//button[starts-with(normalize-space(), 'Generate')]",
        "//button[starts-with(@aria-label, 'Generate')]",
    ),
    "the sign Loading": (
        "//*[@data-testid='tts-loading']",
        "//button[normalize-space()='Loading' or @data-loading='true']",
    ),
    "the button Download": (
        "//button[@data-testid='audio-player-download-button']",
        "//button[starts-with(@aria-label, 'Download')]",
        "//button[starts-with(normalize-space(), 'Download')]",
    ),
    "the credits": ("//*[@data-testid='tts-credits']", "//*[contains(normalize-space(text()), 'credits')]"),
    "a complaint": ("//*[@role='alert']",),
}
"""Where things are, as XPath, the surest first."""

EDITOR, EMAIL, COMPLAINT = "the field for the text", "the field for the e-mail address", "a complaint"
GENERATE, LOADING, DOWNLOADS = "the button Generate", "the sign Loading", "the button Download"
REFUSED = "ElevenLabs refused the login ({why}); ELEVENLABS_EMAIL or ELEVENLABS_PASSWORD is wrong"
CREDITS = re.compile(r"(\d[\d.,\u00a0 ]*)\s*(?:of [\d.,]+ )?credits", re.IGNORECASE)

SET_TEXT = """
const [field, text] = arguments;
const setter = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set;
setter.call(field, text);
field.dispatchEvent(new Event("input", {bubbles: true}));
field.dispatchEvent(new Event("change", {bubbles: true}));
"""
"""ChromeDriver cannot type characters beyond the basic plane, such as emoji; so the text is set, as the page would."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs in."""

    email: str
    password: str


class Page:
    """The page in one browser. `ended` is set when nobody waits for the speech any more."""

    def __init__(self, driver: "WebDriver", base: str, account: Account, ended: threading.Event) -> None:
        self._driver = driver
        self._base = base
        self._account = account
        self._ended = ended

    def speak(self, text: str, downloads: Path) -> Speech:
        """Have a text spoken and download it. Raises NoSpeechError."""
        self._arrive()
        self._generate(text)
        if self._first(DOWNLOADS, EMAIL, COMPLAINT, within=GENERATION, but=LOADING) == EMAIL:
            self._log_in()  # the session had run out
            self._generate(text)
            self._first(DOWNLOADS, COMPLAINT, within=GENERATION, but=LOADING)
        if complaint := self._complaint():
            raise self._trouble(f"ElevenLabs says: {complaint}")
        self._find(DOWNLOADS).click()
        file = self._downloaded(downloads)
        data = file.read_bytes()
        file.unlink()
        kind = {".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg"}.get(file.suffix, "audio/mpeg")
        return Speech(data, f"speech{file.suffix or '.mp3'}", kind, self._credits())

    def _arrive(self) -> None:
        """Open the page for speeches, logged in."""
        self._driver.get(self._base + SPEECH_PAGE)
        if self._first(EDITOR, EMAIL) == EMAIL:
            self._log_in()

    def _log_in(self) -> None:
        self._set(self._find(EMAIL), self._account.email)
        self._set(self._find("the field for the password"), self._account.password)
        self._find("the button that logs in").click()
        if self._first(EDITOR, COMPLAINT) == COMPLAINT:
            raise NoSpeechError(REFUSED.format(why=self._complaint()))  # no picture: it might show the password

    def _generate(self, text: str) -> None:
        self._set(self._find(EDITOR), text)
        self._find(GENERATE).click()

    def _set(self, field: "WebElement", text: str) -> None:
        self._driver.execute_script(SET_TEXT, field, text)

    def _first(self, *wanted: str, within: float = 0.0, but: str = "") -> str:
        """Which of these can be seen first, while `but` cannot. Raises NoSpeechError after `within` seconds."""
        until = time.monotonic() + (within or LONGEST_WAIT)
        while time.monotonic() < until:
            if self._ended.wait(LOOK_EVERY):
                raise NoSpeechError("the speech was cancelled")
            if but and self._seen(but):
                continue
            for what in wanted:
                if self._seen(what):
                    return what
        if but and self._seen(but):
            raise self._trouble(f"ElevenLabs did not finish the speech within {within:g} seconds")
        raise self._trouble(f"the page of ElevenLabs has changed: {wanted[0]} is not found")

    def _find(self, what: str) -> "WebElement":
        self._first(what)
        element = self._seen(what)
        if element is None:
            raise self._trouble(f"the page of ElevenLabs has changed: {what} is not found")
        return element

    def _seen(self, what: str) -> "WebElement | None":
        """An element that can be seen and used, by the surest place where there is one."""
        from selenium.common.exceptions import StaleElementReferenceException

        for path in PLACES[what]:
            for element in self._driver.find_elements("xpath", path):
                try:
                    if element.is_displayed() and element.is_enabled():
                        return element
                except StaleElementReferenceException:  # the page is redrawing: the next look will tell
                    continue
        return None

    def _complaint(self) -> str:
        element = self._seen(COMPLAINT)
        return " ".join(element.text.split())[:LONGEST_ALERT] if element else ""

    def _credits(self) -> int | None:
        element = self._seen("the credits")
        found = CREDITS.search(element.text) if element else None
        return int(re.sub(r"\D", "", found[1])) if found else None

    def _downloaded(self, downloads: Path) -> Path:
        """The file that has arrived, whole."""
        until = time.monotonic() + DOWNLOAD
        while time.monotonic() < until:
            if self._ended.wait(LOOK_EVERY):
                raise NoSpeechError("the speech was cancelled")
            files = [file for file in downloads.iterdir() if not file.name.startswith(".")]
            if files and not any(file.suffix in (".crdownload", ".tmp") for file in files) and files[0].stat().st_size:
                return files[0]
        raise self._trouble("the audio could not be downloaded from ElevenLabs")

    def _trouble(self, words: str) -> NoSpeechError:
        return NoSpeechError(words, self._picture())

    def _picture(self) -> bytes:
        from selenium.common.exceptions import WebDriverException

        try:
            picture: Any = self._driver.get_screenshot_as_png()
        except WebDriverException:
            return b""
        return bytes(picture)
