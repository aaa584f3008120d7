"""Speaks through the page: one browser at a time, each in a thread, and none that outlives its speech."""

import asyncio
import contextlib
import logging
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rekku.core.host import Host
from rekku.core.members import in_thread
from rekku.plugins._selenium_elevenlabs import browser
from rekku.plugins._selenium_elevenlabs.browser import Programs
from rekku.plugins._selenium_elevenlabs.page import CANCELLED, Account, Page
from rekku.plugins._selenium_elevenlabs.speech import NoSpeechError, Speech

log = logging.getLogger(__name__)

LIMIT = 240.0
"""Seconds for one speech from the start of the browser to its end; then everything is killed."""
LAST_WORDS = 20.0
"""Seconds of these that are kept for a picture of what went wrong."""
THREAD_LIMIT = 30.0
"""Seconds until the thread of a speech must have noticed that its browser is gone; when Rekku ends, fewer."""
LEAVING = 8.0


@dataclass(frozen=True, slots=True)
class Take:
    """One speech in its thread. `ended`: nobody waits for it any more. `over`: the thread is through with it."""

    text: str
    ended: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


class Studio:
    """The browser way of one account. Speeches come one after the other: the caller sees to that."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._folder = host.folder
        self._profile = self._folder / "profile"
        self._take: Take | None = None
        self._ending: asyncio.Task[Any] | None = None

    def clear(self) -> None:
        """End what a killed Rekku left behind: a browser, recordings that were downloaded half. Blocks."""
        browser.end(self._profile)
        for left in self._folder.glob("download-*"):
            shutil.rmtree(left, ignore_errors=True)

    async def speak(self, text: str) -> Speech:
        """The text as speech. Raises NoSpeechError. If the caller is cancelled, the browser is ended in the background,
        and the next speech waits for that."""
        if self._ending is not None:
            await asyncio.wait({self._ending})
        if lacking := await in_thread(Programs.of(self._host.settings).missing):
            raise NoSpeechError(f"no speech can be made here: {lacking}", for_owner=True)
        take = self._take = Take(text)
        try:
            speech: Speech = await in_thread(self._record, take)
            return speech
        finally:
            if not take.over.is_set():
                take.ended.set()
                with contextlib.suppress(RuntimeError):  # the plugin ends: then `close` does it
                    self._ending = self._host.spawn(self._end(take, THREAD_LIMIT), "end of the browser")

    async def close(self) -> None:
        """End the browser, if there is one."""
        if self._take is not None and not self._take.over.is_set():
            self._take.ended.set()
            await self._end(self._take, LEAVING)

    async def _end(self, take: Take, limit: float) -> None:
        await in_thread(browser.end, self._profile)
        await in_thread(take.over.wait, limit)

    def _record(self, take: Take) -> Speech:
        """Blocks for as long as a speech takes."""
        try:
            return self._in_browser(take)
        finally:
            take.over.set()

    def _in_browser(self, take: Take) -> Speech:
        settings, until = self._host.settings, time.monotonic() + LIMIT - LAST_WORDS
        account = Account(settings["ELEVENLABS_EMAIL"], settings["ELEVENLABS_PASSWORD"])
        self._profile.mkdir(mode=0o700, exist_ok=True)
        downloads = Path(tempfile.mkdtemp(prefix="download-", dir=self._folder))
        try:
            programs, headless = Programs.of(settings), settings["REKKU_SELENIUM_HEADLESS"]
            with browser.opened(programs, self._profile, downloads, headless=headless, limit=LIMIT) as driver:
                page = Page(driver, settings["ELEVENLABS_URL"].rstrip("/"), account, take.ended, until)
                return page.speak(take.text, downloads)
        except browser.failures() as error:
            if take.ended.is_set():
                raise NoSpeechError(CANCELLED) from None
            log.warning("The browser could not be started.", exc_info=error)
            why = str(getattr(error, "msg", "") or type(error).__name__).splitlines()[0]
            raise NoSpeechError(f"the browser could not be started ({why})", for_owner=True) from None
        finally:
            shutil.rmtree(downloads, ignore_errors=True)
