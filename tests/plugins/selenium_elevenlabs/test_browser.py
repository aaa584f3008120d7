"""The browser's processes: none of them outlives its speech, whatever happens, and nobody else's is touched."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from rekku.core.registry import Kind
from rekku.core.turn import Outcome
from rekku.plugins._selenium_elevenlabs import browser, studio
from rekku.testing import PATIENCE, Bot
from tests.plugins.selenium_elevenlabs.speeches import files, folder, left_behind, processes, refused, speech
from tests.road.words import answered, reply, texts
from tests.servers.elevenlabs import ElevenLabs, recording

pytestmark = pytest.mark.sqlite_only

OPEN = """
import sys, time
from pathlib import Path
from rekku.plugins._selenium_elevenlabs import browser
profile = Path(sys.argv[1])
profile.mkdir(parents=True)
programs = browser.Programs(*sys.argv[2:])
with browser.opened(programs, profile, profile, headless=True, limit=60):
    print("open", flush=True)
    time.sleep(60)
"""


async def begun(bot: Bot, elevenlabs: ElevenLabs) -> Any:
    """The receipt of a speech that is being generated, for as long as nobody opens the gate."""
    elevenlabs.gate.clear()
    elevenlabs.asked.clear()
    bot.model_says(speech())
    receipt = await bot.send("Say it.")
    async with asyncio.timeout(PATIENCE):
        await elevenlabs.asked.wait()
    assert len(processes(bot)) > 2
    return receipt


async def given_up(elevenlabs: ElevenLabs) -> None:
    """The service has noticed that nobody waits for the speech any more; the next one is not held up."""
    async with asyncio.timeout(PATIENCE):
        await elevenlabs.hung_up.wait()
    elevenlabs.gate.set()


async def test_a_speech_can_be_cancelled_and_the_next_one_begins_anew(bot: Bot, elevenlabs: ElevenLabs) -> None:
    receipt = await begun(bot, elevenlabs)
    await bot.hears("/cancel")
    assert await receipt.outcome() is Outcome.CANCELLED
    await given_up(elevenlabs)
    bot.model_says(speech("Now."), reply())
    await bot.hears("Then say this now.")

    assert files(bot) == [recording("Now.")]
    assert left_behind(bot) == []


async def test_rekku_ends_in_the_middle_and_does_not_speak_twice(bot: Bot, elevenlabs: ElevenLabs) -> None:
    await begun(bot, elevenlabs)
    await bot.stop()
    assert left_behind(bot) == []

    await given_up(elevenlabs)
    bot.model_says("I do not know whether it was spoken.")
    await bot.start()
    async with asyncio.timeout(PATIENCE):
        while not texts(bot):
            await bot.clock.advance(0)
    assert "it is not known whether it was done" in str(answered(bot)["errors"])
    assert elevenlabs.spoken == []
    assert files(bot) == []


async def test_a_browser_that_crashes_is_told_to_the_model(bot: Bot, elevenlabs: ElevenLabs) -> None:
    receipt = await begun(bot, elevenlabs)
    bot.model_says("Alas.")
    for number in processes(bot):
        with contextlib.suppress(ProcessLookupError):  # it ended with its parent
            os.kill(number, signal.SIGKILL)

    async with asyncio.timeout(PATIENCE):
        assert await receipt.outcome() is Outcome.ANSWERED
    assert "the browser failed" in str(answered(bot)["errors"])
    assert left_behind(bot) == []


@pytest.fixture
def deaf_driver(tmp_path: Path) -> str:
    """A driver that starts and never answers."""
    program = tmp_path / "driver"
    program.write_text("#!/bin/sh\nsleep 1000\n")
    program.chmod(0o700)
    return str(program)


async def test_a_browser_that_hangs_is_ended_in_time(
    bot: Bot, elevenlabs: ElevenLabs, deaf_driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "DRIVER", (deaf_driver,))
    monkeypatch.setattr(studio, "LIMIT", 1.0)

    assert "the browser could not be started" in await refused(bot)
    assert left_behind(bot) == []


async def test_what_a_killed_rekku_left_behind_is_ended_and_nobody_elses_browser_is(bot: Bot, tmp_path: Path) -> None:
    component = bot.running.registry.get(Kind.PLUGIN, "selenium_elevenlabs")
    assert component is not None
    own = folder(bot) / "profile"
    theirs = await asyncio.create_subprocess_exec(
        "sh", "-c", "sleep 1000; :", f"--user-data-dir={tmp_path}/profile", start_new_session=True
    )
    await killed_with_a_browser(own)
    assert {"chromedriver", "chromium"} <= programs(bot)
    await component.instance.start()

    assert left_behind(bot) == []
    assert theirs.returncode is None
    os.killpg(theirs.pid, signal.SIGKILL)
    await theirs.wait()


def programs(bot: Bot) -> set[str]:
    """The names of the programs that live."""
    found = set()
    for number in processes(bot):
        with contextlib.suppress(OSError):  # it has ended just now
            found.add(os.path.basename(os.readlink(f"/proc/{number}/exe")))
    return found


async def killed_with_a_browser(profile: Path) -> None:
    """A process that opens a browser and is killed then."""
    chromium, driver = (browser._found(names) for names in (browser.CHROMIUM, browser.DRIVER))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OPEN, str(profile), chromium, driver, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(3 * PATIENCE):
        assert await process.stdout.readline() == b"open\n"
    process.kill()
    await process.wait()
