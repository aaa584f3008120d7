"""Let Rekku speak aloud with a voice of ElevenLabs: through its page in a browser, or its API where there is a key."""

import asyncio
import contextlib
import logging
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.errors import ActionError
from rekku.core.members import in_thread
from rekku.core.message import Attachment, Conversation
from rekku.core.settings import Setting
from rekku.plugins._selenium_elevenlabs import browser
from rekku.plugins._selenium_elevenlabs.api import Api
from rekku.plugins._selenium_elevenlabs.page import Account, Page
from rekku.plugins._selenium_elevenlabs.speech import NoSpeechError, Speech

log = logging.getLogger(__name__)

ACTION = "speech_selenium_elevenlabs"
LONGEST = 3_000
MOST_DESTINATIONS = 5
THREAD_LIMIT = 30.0
LIMIT = 420.0
"""Seconds for the whole action, waiting for another speech included."""

TOLD: Mapping[str, Any] = {
    "description": "Speak a text aloud; the recording is sent as audio. It costs credits, so only when it is wanted.",
    "payload": {
        "message": {
            "type": "string",
            "description": f"what is spoken, at most {LONGEST} characters",
            "maxLength": LONGEST,
        },
        "destinations": {
            "type": "array",
            "items": {"type": "object"},
            "description": "where the recording goes: [{interface, chat_id, thread_id?}]; left out: this conversation",
            "example": [{"interface": "telegram_bot", "chat_id": "12345"}],
        },
    },
}


class Job:
    """A speech in a thread: `ended` tells the thread that nobody waits any more, `done` that it has ended."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.ended = threading.Event()
        self.done = threading.Event()


class SeleniumElevenlabsPlugin(AIPluginBase):
    """One action, `speech_selenium_elevenlabs`. One browser at a time, with a profile and processes of its own."""

    settings = (
        Setting("ELEVENLABS_EMAIL", "The e-mail address of your ElevenLabs account."),
        Setting("ELEVENLABS_PASSWORD", "The password of your ElevenLabs account.", secret=True),
        Setting("ELEVENLABS_API_KEY", "A key of ElevenLabs' API; with it no browser is needed.", secret=True),
        Setting("ELEVENLABS_VOICE", "The id of the voice, for the API.", default="21m00Tcm4TlvDq8ikWAM"),
        Setting("ELEVENLABS_MODEL", "The model that speaks, for the API.", default="eleven_multilingual_v2"),
        Setting("ELEVENLABS_URL", "The page of ElevenLabs.", default="https://elevenlabs.io"),
        Setting("ELEVENLABS_API_URL", "The server of the API.", default="https://api.elevenlabs.io"),
        Setting("REKKU_SELENIUM_HEADLESS", "Whether the browser works without a window.", bool, True),
    )

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._ending: asyncio.Task[Any] | None = None

    @staticmethod
    def missing_settings(given: Mapping[str, str]) -> list[str]:
        if given.get("ELEVENLABS_API_KEY", "").strip():
            return []
        return [name for name in ("ELEVENLABS_EMAIL", "ELEVENLABS_PASSWORD") if not given.get(name, "").strip()]

    @property
    def _profile(self) -> Path:
        return self.host.folder / "profile"

    async def start(self) -> None:
        await in_thread(self._clear)

    async def stop(self) -> None:
        await in_thread(browser.end, self._profile)

    def health(self) -> str:
        return "" if self.host.settings["ELEVENLABS_API_KEY"] else browser.missing()

    def get_supported_actions(self) -> Mapping[str, Mapping[str, Any]]:
        return {
            ACTION: {
                "description": TOLD["description"],
                "required_fields": ["message"],
                "optional_fields": ["destinations"],
                "restricted": True,
                "timeout": LIMIT,
                "trusted_output": True,
            }
        }

    def get_prompt_instructions(self, action_name: str) -> Mapping[str, Any]:
        return TOLD

    async def validate_payload(self, action_type: str, payload: Mapping[str, Any]) -> list[str]:
        text, places = str(payload["message"]), payload.get("destinations") or []
        problems = []
        if not text.strip():
            problems.append("payload.message is empty")
        if len(text) > LONGEST:
            problems.append(f"payload.message has {len(text)} characters; at most {LONGEST} can be spoken at once")
        if len(places) > MOST_DESTINATIONS:
            problems.append(f"payload.destinations may name {MOST_DESTINATIONS} places")
        if not all(isinstance(place, dict) and place.get("interface") and place.get("chat_id") for place in places):
            problems.append("payload.destinations must be a list of {interface, chat_id, thread_id?}")
        return problems

    async def handle_custom_action(self, action_type: str, payload: Mapping[str, Any]) -> str:
        places = await self._resolved(payload.get("destinations") or [])
        async with self._one:
            speech = await self._speak(str(payload["message"]))
        recording = Attachment("audio", speech.name, speech.mime, speech.data)
        for place in places:
            await self.host.send("", place, attachments=[recording])
        if speech.credits is not None:
            await self.host.tell_trainer(f"ElevenLabs: {speech.credits} credits are left.")
        return f"It was spoken; the recording goes to {len(places)} {'place' if len(places) == 1 else 'places'}."

    async def _resolved(self, places: Sequence[Mapping[str, Any]]) -> list[Conversation | None]:
        """The conversations that are meant, checked before anything is spent; None for the turn's own."""
        found: list[Conversation | None] = []
        for place in places:
            thread = place.get("thread_id")
            where = (str(place["interface"]), str(place["chat_id"]), None if thread in (None, "") else str(thread))
            found.append(await self.host.resolve(*where))
        return list(dict.fromkeys(found)) or [None]

    async def _speak(self, text: str) -> Speech:
        settings = self.host.settings
        if settings["ELEVENLABS_API_KEY"]:
            url, key = settings["ELEVENLABS_API_URL"].rstrip("/"), settings["ELEVENLABS_API_KEY"]
            return await Api(url, key, settings["ELEVENLABS_VOICE"], settings["ELEVENLABS_MODEL"]).speak(text)
        if lacking := await in_thread(browser.missing):
            raise ActionError(f"{ACTION} does not work here: {lacking}")
        if self._ending is not None:
            await asyncio.wait({self._ending})
        job = Job(text)
        try:
            speech: Speech = await in_thread(self._speak_in_browser, job)
        except NoSpeechError as error:
            if error.screenshot:
                picture = Attachment("image", "elevenlabs.png", "image/png", error.screenshot)
                await self.host.tell_trainer(f"A speech failed: {error}. This is what the page showed.", [picture])
            raise
        finally:
            if not job.done.is_set():
                job.ended.set()
                with contextlib.suppress(RuntimeError):  # everything ends: then `stop` ends the browser
                    self._ending = self.host.spawn(self._end(job), "end of the browser")
        return speech

    async def _end(self, job: "Job") -> None:
        """End the browser of a speech that nobody waits for; the next one may begin when its thread has ended, too."""
        await in_thread(browser.end, self._profile)
        await in_thread(job.done.wait, THREAD_LIMIT)

    def _speak_in_browser(self, job: "Job") -> Speech:
        """Blocks for as long as a speech takes."""
        try:
            return self._in_browser(job)
        finally:
            job.done.set()

    def _in_browser(self, job: "Job") -> Speech:
        from selenium.common.exceptions import WebDriverException

        settings = self.host.settings
        account = Account(settings["ELEVENLABS_EMAIL"], settings["ELEVENLABS_PASSWORD"])
        profile = self._profile
        profile.mkdir(mode=0o700, exist_ok=True)
        downloads = Path(tempfile.mkdtemp(prefix="download-", dir=self.host.folder))
        try:
            with browser.opened(profile, downloads, headless=settings["REKKU_SELENIUM_HEADLESS"]) as driver:
                page = Page(driver, settings["ELEVENLABS_URL"].rstrip("/"), account, job.ended)
                return page.speak(job.text, downloads)
        except WebDriverException as error:
            log.warning("The browser failed: %s", type(error).__name__, exc_info=error)
            raise NoSpeechError(f"the browser failed ({(error.msg or type(error).__name__).splitlines()[0]})") from None
        finally:
            shutil.rmtree(downloads, ignore_errors=True)

    def _clear(self) -> None:
        """End what a killed Rekku left behind: a browser, recordings half downloaded."""
        browser.end(self._profile)
        for left in self.host.folder.glob("download-*"):
            shutil.rmtree(left, ignore_errors=True)


PLUGIN_CLASS = SeleniumElevenlabsPlugin
