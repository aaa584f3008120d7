"""A speech on ElevenLabs' page: log in, write, generate, download. Every wait is bounded."""

import logging
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rekku.plugins._selenium_elevenlabs.browser import check, failures
from rekku.plugins._selenium_elevenlabs.places import (
    COMPLAINT,
    CREDITS,
    DOWNLOAD,
    EDITOR,
    EMAIL,
    GENERATE,
    LOADING,
    LOG_IN,
    PASSWORD,
    PLACES,
    SPEECH_PAGE,
)
from rekku.plugins._selenium_elevenlabs.speech import LARGEST, TOO_LARGE, NoSpeechError, Speech

if TYPE_CHECKING:
    from selenium.webdriver.chrome.webdriver import WebDriver
    from selenium.webdriver.remote.webelement import WebElement

log = logging.getLogger(__name__)

LONGEST_WAIT = 30.0
"""Seconds until something must be there that the page shows at once."""
GENERATION = 150.0
"""Seconds that a speech may take to be made."""
DOWNLOADING = 60.0
LOOK_EVERY = 0.1
LONGEST_COMPLAINT = 200

KINDS = {
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
    ".opus": "audio/opus",
    ".m4a": "audio/mp4",
    ".flac": "audio/flac",
}
CANCELLED = "the speech was cancelled"
REFUSED = "ElevenLabs refused the login ({why}); ELEVENLABS_EMAIL or ELEVENLABS_PASSWORD is wrong"
CHANGED = "the page of ElevenLabs has changed: {what} is not found"
NUMBER = re.compile(r"(\d[\d.,\u00a0 ]*)\s*(?:of [\d.,]+ )?credits", re.IGNORECASE)

SET_TEXT = """
const [field, text] = arguments;
if (field.isContentEditable) {
  field.focus();
  getSelection().selectAllChildren(field);
  document.execCommand("insertText", false, text);
  return field.innerText;
}
Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, text);
field.dispatchEvent(new Event("input", {bubbles: true}));
field.dispatchEvent(new Event("change", {bubbles: true}));
return field.value;
"""
"""ChromeDriver cannot type characters beyond the basic plane, such as emoji; so the text is set, as the page would."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who logs in."""

    email: str
    password: str


class Page:
    """The page in one browser, for one speech. `ended` is set when nobody waits for it any more; `until` is the
    instant (of `time.monotonic`) when it has to be through."""

    def __init__(self, driver: "WebDriver", base: str, account: Account, ended: threading.Event, until: float) -> None:
        self._driver = driver
        self._base = base
        self._account = account
        self._ended = ended
        self._until = until

    def speak(self, text: str, downloads: Path) -> Speech:
        """Have a text spoken and download it. Raises NoSpeechError."""
        try:
            self._arrive()
            made = self._generate(text)
            if made is None:  # the session had run out
                self._log_in()
                made = self._generate(text)
            if made is None:
                raise self._trouble("ElevenLabs logs the account out again and again")
            self._press(made)
            file = self._downloaded(downloads)
            return Speech(file.read_bytes(), f"speech{file.suffix}", KINDS[file.suffix], self._credits())
        except failures() as error:
            self._go_on()
            log.warning("The browser failed.", exc_info=error)
            why = str(getattr(error, "msg", "") or type(error).__name__).splitlines()[0]
            raise self._trouble(f"the browser failed ({why[:LONGEST_COMPLAINT]})") from error

    def _arrive(self) -> None:
        """Open the page for speeches, logged in."""
        self._go_on()
        self._driver.get(self._base + SPEECH_PAGE)
        if self._first(EDITOR, EMAIL) == EMAIL:
            self._log_in()

    def _log_in(self) -> None:
        self._set(self._find(EMAIL), self._account.email)
        self._set(self._find(PASSWORD), self._account.password)
        before = self._complaints()
        self._press(self._find(LOG_IN))
        for _ in self._looks(LONGEST_WAIT):
            if self._seen(EDITOR):
                return
            if why := self._complaints() - before:
                raise NoSpeechError(REFUSED.format(why=min(why)), for_owner=True)
        raise self._trouble("ElevenLabs did not log the account in; perhaps it asks for something else, such as a code")

    def _generate(self, text: str) -> "WebElement | None":
        """The button that downloads the new recording; None if the page wants a login first.

        Buttons that were there before belong to earlier recordings.
        """
        field = self._find(EDITOR)
        if self._set(field, text).split() != text.split():
            raise self._trouble("the page of ElevenLabs does not take the whole text")
        button = self._find(GENERATE)
        earlier, before = set(self._all(DOWNLOAD)), self._complaints()
        self._press(button)
        for _ in self._looks(GENERATION):
            if self._seen(LOADING):
                continue
            if self._seen(EMAIL):
                return None
            if made := next((button for button in self._all(DOWNLOAD) if button not in earlier), None):
                return made
            if said := self._complaints() - before:
                raise self._trouble(f"ElevenLabs says: {min(said)}")
        raise self._trouble("ElevenLabs did not finish the speech in time")

    def _set(self, field: "WebElement", text: str) -> str:
        """Put a text into a field; what it holds then."""
        return str(self._driver.execute_script(SET_TEXT, field, text))

    def _press(self, button: "WebElement") -> None:
        from selenium.common.exceptions import ElementClickInterceptedException

        try:
            button.click()
        except ElementClickInterceptedException:  # a banner lies over it
            self._driver.execute_script("arguments[0].click()", button)

    def _looks(self, seconds: float) -> Iterator[None]:
        """A look every now and then, for so long. Raises NoSpeechError when nobody waits any more."""
        until = min(time.monotonic() + seconds, self._until)
        while True:
            self._go_on()
            yield
            if time.monotonic() >= until:
                return
            self._ended.wait(LOOK_EVERY)

    def _go_on(self) -> None:
        """Raises NoSpeechError if nobody waits any more."""
        if self._ended.is_set():
            raise NoSpeechError(CANCELLED)

    def _first(self, *wanted: str) -> str:
        """Which of these can be seen first. Raises NoSpeechError if none can."""
        for _ in self._looks(LONGEST_WAIT):
            for what in wanted:
                if self._seen(what):
                    return what
        raise self._trouble(CHANGED.format(what=wanted[0]))

    def _find(self, what: str) -> "WebElement":
        for _ in self._looks(LONGEST_WAIT):
            if element := self._seen(what):
                return element
        there = any(self._driver.find_elements("xpath", path) for path in PLACES[what])
        raise self._trouble(f"on the page of ElevenLabs {what} cannot be used" if there else CHANGED.format(what=what))

    def _seen(self, what: str) -> "WebElement | None":
        """What can be seen and used, by the surest place where there is one."""
        return next(self._all(what), None)

    def _all(self, what: str) -> "Iterator[WebElement]":
        from selenium.common.exceptions import StaleElementReferenceException

        for path in PLACES[what]:
            for element in self._driver.find_elements("xpath", path):
                try:
                    if element.is_displayed() and element.is_enabled():
                        yield element
                except StaleElementReferenceException:  # the page is redrawing: the next look will tell
                    continue

    def _complaints(self) -> set[str]:
        from selenium.common.exceptions import StaleElementReferenceException

        try:
            texts = [" ".join(element.text.split()) for element in self._all(COMPLAINT)]
        except StaleElementReferenceException:
            return set()
        return {text[:LONGEST_COMPLAINT] for text in texts if text}

    def _credits(self) -> int | None:
        """What is left, as far as the page says it; a speech is not lost for that."""
        try:
            element = self._seen(CREDITS)
            found = NUMBER.search(element.text) if element else None
        except failures():
            return None
        return int(re.sub(r"\D", "", found[1])) if found else None

    def _downloaded(self, downloads: Path) -> Path:
        """The file that has arrived, whole."""
        for _ in self._looks(DOWNLOADING):
            files = [file for file in downloads.iterdir() if not file.name.startswith(".")]
            if files and not any(file.suffix in (".crdownload", ".tmp") for file in files):
                return self._checked(files[0])
        raise self._trouble("the audio could not be downloaded from ElevenLabs")

    def _checked(self, file: Path) -> Path:
        size = file.stat().st_size
        if size > LARGEST:
            raise NoSpeechError(TOO_LARGE)
        if not size or file.suffix not in KINDS:
            raise self._trouble(f"what ElevenLabs gave to download is no audio (“{file.suffix}”, {size} bytes)")
        return file

    def _trouble(self, words: str) -> NoSpeechError:
        return NoSpeechError(words, self._picture(), for_owner=True)

    def _picture(self) -> bytes:
        try:
            check(self._driver)
            return bytes(self._driver.get_screenshot_as_png())
        except failures():
            return b""
