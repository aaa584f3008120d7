"""The page in a real browser, in shapes that the real one has had or may take; one browser serves all."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver.chrome.webdriver import WebDriver

from rekku.plugins._selenium_elevenlabs import browser, page
from rekku.plugins._selenium_elevenlabs.page import Account, Page
from rekku.plugins._selenium_elevenlabs.speech import NoSpeechError, Speech
from tests.plugins.selenium_elevenlabs.speeches import SMILE
from tests.servers.elevenlabs import EMAIL, PASSWORD, ElevenLabs, recording

Open = tuple[WebDriver, Path]


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Open]:
    """A browser, and the folder where its downloads go."""
    profile, downloads = tmp_path_factory.mktemp("profile"), tmp_path_factory.mktemp("downloads")
    programs = browser.Programs(browser._found(browser.CHROMIUM), browser._found(browser.DRIVER))
    with browser.opened(programs, profile, downloads, headless=True, limit=100) as driver:
        yield driver, downloads


async def spoken(window: Open, elevenlabs: ElevenLabs, text: str = SMILE) -> Speech:
    """A speech on the page as it is."""
    driver, downloads = window
    shown = Page(driver, elevenlabs.url, Account(EMAIL, PASSWORD), threading.Event(), time.monotonic() + 90)
    try:
        return await asyncio.to_thread(shown.speak, text, downloads)
    finally:
        for file in downloads.iterdir():
            file.unlink()


@pytest.mark.parametrize("shape", ["with marks", "without marks", "rich", "under a banner"])
async def test_a_recording_is_the_one_that_was_asked_for(window: Open, elevenlabs: ElevenLabs, shape: str) -> None:
    elevenlabs.spoken = ["an earlier one", "another"]
    elevenlabs.bare, elevenlabs.banner = shape == "without marks", shape == "under a banner"
    if shape == "rich":
        elevenlabs.editor = "rich"
    made = await spoken(window, elevenlabs)

    assert made == Speech(recording(elevenlabs.spoken[-1]), "speech.mp3", "audio/mpeg", elevenlabs.credits)
    assert elevenlabs.spoken[2].split() == SMILE.split()


async def test_what_the_page_says_when_it_refuses_is_passed_on(window: Open, elevenlabs: ElevenLabs) -> None:
    elevenlabs.refusal = "This request exceeds your quota of 10 credits."
    with pytest.raises(NoSpeechError, match="ElevenLabs says: This request exceeds your quota of 10 credits") as caught:
        await spoken(window, elevenlabs)
    assert caught.value.for_owner
    assert caught.value.screenshot.startswith(b"\x89PNG")


async def test_half_a_text_is_not_spoken(window: Open, elevenlabs: ElevenLabs) -> None:
    elevenlabs.editor = "short"
    with pytest.raises(NoSpeechError, match="does not take the whole text"):
        await spoken(window, elevenlabs)
    assert elevenlabs.spoken == []


async def test_a_login_that_leads_elsewhere_is_told(
    window: Open, elevenlabs: ElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "LONGEST_WAIT", 6.0)
    elevenlabs.editor = "none"
    with pytest.raises(NoSpeechError, match="perhaps it asks for something else, such as a code") as caught:
        await spoken(window, elevenlabs)
    assert caught.value.screenshot


async def test_what_is_no_audio_is_not_sent(window: Open, elevenlabs: ElevenLabs) -> None:
    elevenlabs.ending = "txt"
    with pytest.raises(NoSpeechError, match="is no audio"):
        await spoken(window, elevenlabs)


async def test_a_session_that_ends_again_and_again_is_given_up(window: Open, elevenlabs: ElevenLabs) -> None:
    elevenlabs.forgetful = 2
    with pytest.raises(NoSpeechError, match="logs the account out again and again"):
        await spoken(window, elevenlabs)
    assert elevenlabs.happened().count("login") == 2


async def test_a_speech_that_nobody_waits_for_stops(
    window: Open, elevenlabs: ElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "LOOK_EVERY", 0.01)
    driver, downloads = window
    ended = threading.Event()
    elevenlabs.gate.clear()
    shown = Page(driver, elevenlabs.url, Account(EMAIL, PASSWORD), ended, time.monotonic() + 90)
    speaking = asyncio.create_task(asyncio.to_thread(shown.speak, SMILE, downloads))
    await elevenlabs.asked.wait()
    ended.set()
    with pytest.raises(NoSpeechError, match="was cancelled"):
        await speaking
