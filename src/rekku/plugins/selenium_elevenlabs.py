"""Let Rekku speak aloud with a voice of ElevenLabs: through its page in a browser, or its API where there is a key."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.errors import ActionError, StoreError
from rekku.core.members import in_thread
from rekku.core.message import Attachment, Conversation
from rekku.core.settings import Setting
from rekku.plugins._selenium_elevenlabs.api import Api
from rekku.plugins._selenium_elevenlabs.browser import Programs
from rekku.plugins._selenium_elevenlabs.speech import NoSpeechError, Speech
from rekku.plugins._selenium_elevenlabs.studio import LIMIT as SPEECH_LIMIT
from rekku.plugins._selenium_elevenlabs.studio import Studio

log = logging.getLogger(__name__)

ACTION = "speech_selenium_elevenlabs"
LONGEST = 3_000
MOST_DESTINATIONS = 5
IN_LINE = 150.0
"""Seconds to wait for another speech to be through; nothing is spent yet."""
LIMIT = IN_LINE + SPEECH_LIMIT + 30.0
"""Seconds for the whole action; its parts have limits of their own, so this one is not reached."""

TOLD: Mapping[str, Any] = {
    "description": "Speak a text aloud; the recording is sent as audio. It costs credits, so only when it is wanted.",
    "payload": {
        "message": {
            "type": "string",
            "description": f"the words that are spoken, nothing else; at most {LONGEST} characters",
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


class SeleniumElevenlabsPlugin(AIPluginBase):
    """One action, `speech_selenium_elevenlabs`: a text becomes a recording, which goes to one or more chats."""

    settings = (
        Setting("ELEVENLABS_EMAIL", "The e-mail address of your ElevenLabs account."),
        Setting("ELEVENLABS_PASSWORD", "The password of your ElevenLabs account.", secret=True),
        Setting("ELEVENLABS_API_KEY", "A key of ElevenLabs' API; with it no browser is needed.", secret=True),
        Setting("ELEVENLABS_VOICE", "The id of the voice, for the API.", default="JBFqnCBsd6RMkjVDRZzb"),
        Setting("ELEVENLABS_MODEL", "The model that speaks, for the API.", default="eleven_multilingual_v2"),
        Setting("ELEVENLABS_URL", "The page of ElevenLabs.", default="https://elevenlabs.io"),
        Setting("ELEVENLABS_API_URL", "The server of the API.", default="https://api.elevenlabs.io"),
        Setting("REKKU_SELENIUM_HEADLESS", "Whether the browser works without a window.", bool, True),
        Setting("REKKU_SELENIUM_CHROMIUM", "The browser's program; left out: Chromium or Chrome in the PATH."),
        Setting("REKKU_SELENIUM_DRIVER", "The program that drives it; left out: chromedriver in the PATH."),
    )

    def __init__(self) -> None:
        self._one = asyncio.Lock()
        self._studio: Studio | None = None

    @staticmethod
    def missing_settings(given: Mapping[str, str]) -> list[str]:
        if given.get("ELEVENLABS_API_KEY", "").strip():
            return []
        return [name for name in ("ELEVENLABS_EMAIL", "ELEVENLABS_PASSWORD") if not given.get(name, "").strip()]

    async def start(self) -> None:
        self._studio = Studio(self.host)
        await in_thread(self._studio.clear)

    async def stop(self) -> None:
        if self._studio is not None:
            await self._studio.close()

    def health(self) -> str:
        settings = self.host.settings
        return "" if settings["ELEVENLABS_API_KEY"] else Programs.of(settings).missing()

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
        text, problems = str(payload["message"]), []
        if not text.strip():
            problems.append("payload.message is empty")
        if len(text) > LONGEST:
            problems.append(f"payload.message has {len(text)} characters; at most {LONGEST} can be spoken at once")
        places = payload.get("destinations") or []
        if not isinstance(places, list):
            return problems  # Rekku has found that out by its type
        if len(places) > MOST_DESTINATIONS:
            problems.append(f"payload.destinations may name {MOST_DESTINATIONS} places")
        if not all(isinstance(place, dict) and place.get("interface") and place.get("chat_id") for place in places):
            problems.append("payload.destinations must be a list of {interface, chat_id, thread_id?}")
        return problems

    async def handle_custom_action(self, action_type: str, payload: Mapping[str, Any]) -> str:
        text = str(payload["message"])
        places = await self._resolved(payload.get("destinations") or [])
        left = self.host.sends_left
        if left is not None and len(places) > left:
            raise ActionError(f"this turn may send {left} more messages, not {len(places)}; nothing was spoken")
        speech = await self._in_turn(text)
        if speech.credits is not None:
            await self._tell_owner(f"ElevenLabs: {speech.credits} credits are left.")
        return await self._sent(speech, text, places)

    async def _resolved(self, places: Sequence[Mapping[str, Any]]) -> list[Conversation | None]:
        """The conversations that are meant, checked before anything is spent; None for the turn's own."""
        found: list[Conversation | None] = []
        for place in places:
            thread = place.get("thread_id")
            where = (str(place["interface"]), str(place["chat_id"]), None if thread in (None, "") else str(thread))
            try:
                found.append(await self.host.resolve(*where))
            except ActionError as error:
                told = (problem.replace("payload.target", "payload.destinations") for problem in error.problems)
                raise ActionError(*told) from None
        return list(dict.fromkeys(found)) or [None]

    async def _in_turn(self, text: str) -> Speech:
        """One speech after the other; what goes wrong is told to the owner too, if the owner has to put it right."""
        try:
            async with asyncio.timeout(IN_LINE):
                await self._one.acquire()
        except TimeoutError:
            raise ActionError("another speech is still being made; nothing was spent, so try again later") from None
        try:
            return await self._speak(text)
        except NoSpeechError as error:
            if error.for_owner:
                shown = [Attachment("image", "elevenlabs.png", "image/png", error.screenshot)] * bool(error.screenshot)
                more = " This is what the page showed." if shown else ""
                await self._tell_owner(f"A speech failed: {error}.{more}", shown)
            raise
        finally:
            self._one.release()

    async def _speak(self, text: str) -> Speech:
        settings = self.host.settings
        if settings["ELEVENLABS_API_KEY"]:
            url, key = settings["ELEVENLABS_API_URL"].rstrip("/"), settings["ELEVENLABS_API_KEY"]
            return await Api(url, key, settings["ELEVENLABS_VOICE"], settings["ELEVENLABS_MODEL"]).speak(text)
        assert self._studio is not None
        return await self._studio.speak(text)

    async def _sent(self, speech: Speech, text: str, places: Sequence[Conversation | None]) -> str:
        """Send the recording, as far as it may be sent; by now it is paid for."""
        recording = Attachment("audio", speech.name, speech.mime, speech.data)
        problems: list[str] = []
        for place in places:
            try:
                await self.host.send("", place, attachments=[recording], words=text)
            except ActionError as error:
                problems.append(f"not to {place or 'this conversation'}: {error}")
        there = len(places) - len(problems)
        if not there:
            raise ActionError("it was spoken, but the recording could not be sent", *problems)
        return "; ".join([f"It was spoken; the recording goes to {there} {_plural('place', there)}", *problems]) + "."

    async def _tell_owner(self, text: str, shown: Sequence[Attachment] = ()) -> None:
        try:
            await self.host.tell_trainer(text, shown)
        except StoreError as error:  # the recording does not depend on it
            log.warning("The owner could not be told (%s): %s", error, text)


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


PLUGIN_CLASS = SeleniumElevenlabsPlugin
