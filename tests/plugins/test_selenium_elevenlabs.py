"""Speech: a real browser on a page of ElevenLabs' shape, the audio on its way to the chats, and what goes wrong."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from rekku.core.registry import Kind, registry
from rekku.core.turn import Outcome
from rekku.plugins._selenium_elevenlabs import browser, page
from rekku.testing import Bot, MemoryInterface
from tests.road.words import action, answered, reply, say, texts
from tests.servers.elevenlabs import AUDIO, EMAIL, KEY, PASSWORD, ElevenLabs

pytestmark = pytest.mark.sqlite_only
ACTION = "speech_selenium_elevenlabs"
SMILE = "Good morning! 😀 Schöne Grüße."


class Loud(MemoryInterface):
    """A second platform, which takes sound as sound."""

    def __init__(self) -> None:
        super().__init__("loud", frozenset())
        self.heard: list[bytes] = []

    async def send_audio(self, payload: Mapping[str, Any]) -> str:
        self.heard.append(payload["attachment"].data)
        return f"a{len(self.heard)}"


@pytest.fixture
async def elevenlabs() -> AsyncIterator[ElevenLabs]:
    async with ElevenLabs() as running:
        yield running


@pytest.fixture
def bot_environ(request: pytest.FixtureRequest, elevenlabs: ElevenLabs) -> dict[str, str]:
    environ = {
        "REKKU_PLUGINS": "selenium_elevenlabs,message_plugin",
        "ELEVENLABS_EMAIL": EMAIL,
        "ELEVENLABS_PASSWORD": PASSWORD,
        "ELEVENLABS_URL": elevenlabs.url,
        "ELEVENLABS_API_URL": elevenlabs.url,
    }
    for mark in request.node.iter_markers("settings"):
        environ |= mark.kwargs
    return environ


def speech(text: str = SMILE, **more: Any) -> str:
    """A reply that asks for a speech."""
    return reply(action(ACTION, message=text, **more))


def audio(bot: Bot, chat: str = "owner") -> list[bytes]:
    """The sound that stands in a chat."""
    return [file.data for m in bot.interface.sent if m.chat == chat for file in m.payload["attachments"]]


def processes(bot: Bot) -> list[int]:
    """The browser's processes."""
    flag = f"--user-data-dir={bot.home / 'data' / 'selenium_elevenlabs' / 'profile'}"
    return [number for number, words in browser._processes() if flag in words]


async def test_a_speech_arrives_in_every_place_and_the_next_one_needs_no_login(
    bot: Bot, elevenlabs: ElevenLabs
) -> None:
    loud = Loud()
    bot.add_interface(loud)
    bot.model_says("Hello.")
    await bot.tell("hi", interface="loud", user="ann")
    places = [{"interface": "loud", "chat_id": "ann"}, {"interface": "memory", "chat_id": "owner"}]
    bot.model_says(speech(destinations=places), say("I have told both of you."))
    await bot.hears("Say good morning to Ann and me, aloud.")

    assert elevenlabs.spoken == [SMILE]
    assert (loud.heard, audio(bot)) == ([AUDIO], [AUDIO])
    assert "I have told both of you." in texts(bot)
    assert f"[notice] ElevenLabs: {elevenlabs.credits} credits are left." in texts(bot)
    assert answered(bot)["outputs"][0]["output"] == "It was spoken; the recording goes to 2 places."

    bot.model_says(speech("Again."), reply())
    await bot.hears("Once more, for me.")
    assert audio(bot) == [AUDIO, AUDIO]
    elevenlabs.expire()
    bot.model_says(speech("And again."), reply())
    await bot.hears("Once more, for me.")

    assert len(audio(bot)) == 3
    assert elevenlabs.logins == 2, "once, and once more when the session had run out"
    assert processes(bot) == []
    folder = bot.home / "data" / "selenium_elevenlabs"
    assert [file.name for file in folder.iterdir()] == ["profile"], "no recording stays behind"


async def test_a_refused_login_is_told_and_the_password_shown_to_nobody(bot: Bot, elevenlabs: ElevenLabs) -> None:
    elevenlabs.password = "another"
    bot.model_says(speech(), "I could not log in.")

    assert await bot.hears("Say it.") == ["I could not log in."]
    assert "ELEVENLABS_EMAIL or ELEVENLABS_PASSWORD is wrong" in str(answered(bot))
    assert PASSWORD not in str(bot.engine.prompts)
    assert audio(bot) == []


async def test_a_page_that_has_changed_is_told_to_the_model_and_shown_to_the_owner(
    bot: Bot, elevenlabs: ElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "LONGEST_WAIT", 1.0)
    elevenlabs.editor = "div"
    bot.model_says(speech(), "The page has changed.")
    await bot.hears("Say it.")

    assert "the page of ElevenLabs has changed" in str(answered(bot))
    assert any("A speech failed" in text for text in texts(bot))
    (picture,) = audio(bot)
    assert picture.startswith(b"\x89PNG")
    assert processes(bot) == []


async def test_a_speech_that_takes_too_long_can_be_cancelled_and_leaves_no_browser(
    bot: Bot, elevenlabs: ElevenLabs
) -> None:
    elevenlabs.gate.clear()
    bot.model_says(speech())
    receipt = await bot.send("Say it.")
    async with asyncio.timeout(30):
        await elevenlabs.asked.wait()
    assert processes(bot)
    await bot.hears("/cancel")
    assert await receipt.outcome() is Outcome.CANCELLED
    elevenlabs.gate.set()
    bot.model_says(speech("Now."), reply())
    await bot.hears("Then say it now.")

    assert audio(bot) == [AUDIO]
    assert processes(bot) == []


async def test_what_a_killed_rekku_left_behind_is_ended_and_nobody_elses_browser_is(bot: Bot, tmp_path: Path) -> None:
    own, other = bot.home / "data" / "selenium_elevenlabs" / "profile", tmp_path / "profile"
    left = await asyncio.create_subprocess_exec("sh", "-c", "exec sleep 1000", f"--user-data-dir={own}")
    theirs = await asyncio.create_subprocess_exec("sh", "-c", "sleep 1000; :", f"--user-data-dir={other}")
    left_with_words = await asyncio.create_subprocess_exec("sh", "-c", "sleep 1000; :", f"--user-data-dir={own}")
    component = registry.get(Kind.PLUGIN, "selenium_elevenlabs")
    assert component is not None
    await component.instance.start()

    assert await asyncio.wait_for(left_with_words.wait(), 10) == -9
    assert theirs.returncode is None
    for process in (left, theirs):
        process.kill()
        await process.wait()


async def test_the_service_says_no_in_its_own_words(bot: Bot, elevenlabs: ElevenLabs) -> None:
    elevenlabs.refusal = "This request exceeds your quota."
    bot.model_says(speech(), "There are no credits left.")
    await bot.hears("Say it.")

    assert "ElevenLabs says: This request exceeds your quota." in str(answered(bot))


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({"message": "x" * 3001}, "has 3001 characters; at most 3000"),
        ({"message": " "}, "payload.message is empty"),
        ({"message": "x", "destinations": [{"interface": "memory"}]}, "payload.destinations must be a list of"),
        ({"message": "x", "destinations": [{"interface": "memory", "chat_id": "nobody"}]}, "is known"),
        ({"message": "x", "destinations": [{"interface": "memory", "chat_id": "a"}] * 6}, "may name 5 places"),
    ],
)
async def test_what_cannot_be_done_is_refused_before_anything_is_spent(
    bot: Bot, elevenlabs: ElevenLabs, payload: dict[str, Any], problem: str
) -> None:
    bot.model_says(reply(action(ACTION, **payload)), "I cannot.")
    await bot.hears("Say it.")

    assert problem in str(answered(bot))
    assert elevenlabs.logins == 0


async def test_strangers_are_not_offered_it(bot: Bot, elevenlabs: ElevenLabs) -> None:
    bot.model_says(speech(), "I may not.")
    await bot.hears("Say it.", user="ann")

    assert ACTION not in bot.engine.prompts[0]
    assert "not permitted" in str(answered(bot))
    assert elevenlabs.logins == 0


@pytest.mark.settings(ELEVENLABS_API_KEY=KEY, ELEVENLABS_EMAIL="", ELEVENLABS_PASSWORD="")
async def test_with_a_key_the_api_speaks(bot: Bot, elevenlabs: ElevenLabs) -> None:
    bot.model_says(speech(), reply())
    await bot.hears("Say it.")

    assert elevenlabs.spoken == [SMILE]
    assert audio(bot) == [AUDIO]
    assert elevenlabs.logins == 0
    assert f"[notice] ElevenLabs: {elevenlabs.credits} credits are left." in texts(bot)


@pytest.mark.settings(ELEVENLABS_API_KEY=KEY)
async def test_the_api_says_no_in_words(bot: Bot, elevenlabs: ElevenLabs) -> None:
    elevenlabs.refusal = "You have 3 credits left."
    bot.model_says(speech(), "There are too few credits.")
    await bot.hears("Say it.")

    assert "credits of the ElevenLabs account do not suffice" in str(answered(bot))


@pytest.mark.settings(ELEVENLABS_API_KEY="wrong-key-of-mine")
async def test_a_wrong_key_is_told_without_the_key(bot: Bot, elevenlabs: ElevenLabs) -> None:
    bot.model_says(speech(), "The key is wrong.")
    await bot.hears("Say it.")

    assert "does not accept ELEVENLABS_API_KEY" in str(answered(bot))
    assert "wrong-key-of-mine" not in str(bot.engine.prompts)
