"""Speech through the API, where there is a key; and its errors, in words."""

import asyncio

import pytest

from rekku.plugins._selenium_elevenlabs import api
from rekku.testing import PATIENCE, Bot
from tests.plugins.selenium_elevenlabs.speeches import SMILE, files, left_behind, refused, speech
from tests.road.words import answered, reply, texts
from tests.servers.elevenlabs import KEY, ElevenLabs, recording

pytestmark = [
    pytest.mark.sqlite_only,
    pytest.mark.settings(ELEVENLABS_API_KEY=KEY, ELEVENLABS_EMAIL="", ELEVENLABS_PASSWORD=""),
]


async def test_with_a_key_the_api_speaks(bot: Bot, elevenlabs: ElevenLabs) -> None:
    bot.model_says(speech(), reply())
    await bot.hears("Say it.")

    assert elevenlabs.spoken == [SMILE]
    assert files(bot) == [recording(SMILE)]
    assert f"[notice] ElevenLabs: {elevenlabs.credits} credits are left." in texts(bot)
    assert elevenlabs.happened() == ["spoken"], "no page was opened"
    assert left_behind(bot) == []


async def test_a_recording_is_not_lost_because_nobody_tells_the_credits(bot: Bot, elevenlabs: ElevenLabs) -> None:
    elevenlabs.tells_credits = False
    bot.model_says(speech(), reply())
    await bot.hears("Say it.")

    assert files(bot) == [recording(SMILE)]
    assert not any("[notice]" in text for text in texts(bot))


async def test_who_is_gone_meanwhile_does_not_take_the_recording_from_the_others(
    bot: Bot, elevenlabs: ElevenLabs
) -> None:
    bot.model_says("Hello.")
    await bot.hears("hi", user="bob")
    elevenlabs.gate.clear()
    bot.model_says(
        speech(destinations=[{"interface": "memory", "chat_id": chat} for chat in ("bob", "owner")]), reply()
    )
    receipt = await bot.send("Say it to Bob and me.")
    await elevenlabs.asked.wait()
    await bot.hears("/forgetme", user="bob")
    await bot.hears("/forgetme yes", user="bob")
    elevenlabs.gate.set()
    await receipt.outcome()

    assert files(bot) == [recording(SMILE)]
    assert files(bot, chat="bob") == []
    told = answered(bot)["outputs"][0]["output"]
    assert told.startswith("It was spoken; the recording goes to 1 place; not to memory:bob: ")


@pytest.mark.parametrize(
    ("error", "words", "owner"),
    [
        ((401, "quota_exceeded", "You have 3 credits left."), "credits of the ElevenLabs account do not suffice", True),
        ((404, "voice_not_found", "No such voice."), "knows no voice of the id in ELEVENLABS_VOICE", True),
        ((401, "missing_permissions", "Not this key."), "ELEVENLABS_API_KEY may not be used for speech", True),
        ((400, "max_character_limit_exceeded", "Too long."), "the text is too long for the ElevenLabs account", False),
        ((429, "system_busy", "Busy."), "too much to do at the moment; try again later", False),
        ((500, "oops", ""), "ElevenLabs refused (status 500)", False),
    ],
)
async def test_the_api_says_no_in_words(
    bot: Bot, elevenlabs: ElevenLabs, error: tuple[int, str, str], words: str, owner: bool
) -> None:
    elevenlabs.api_error = error
    told = await refused(bot)

    assert words in told
    assert error[2] in told
    assert any("[notice] A speech failed" in text for text in texts(bot)) is owner


@pytest.mark.settings(ELEVENLABS_API_KEY="wrong-key-of-mine")
async def test_a_wrong_key_is_told_without_the_key(bot: Bot, elevenlabs: ElevenLabs) -> None:
    assert "does not accept ELEVENLABS_API_KEY: Invalid API key" in await refused(bot)
    assert "wrong-key-of-mine" not in str(bot.engine.prompts) + str(texts(bot))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ((b"<html>Sign in to this network", "text/html"), "answered with text/html, not with audio"),
        ((b"", "audio/mpeg"), "an empty recording"),
        ((b"ID3" + bytes(2000), "audio/mpeg"), "the recording has more than"),
    ],
)
async def test_what_is_no_audio_is_not_sent(
    bot: Bot, elevenlabs: ElevenLabs, monkeypatch: pytest.MonkeyPatch, body: tuple[bytes, str], words: str
) -> None:
    monkeypatch.setattr(api, "LARGEST", 1000)
    elevenlabs.api_body = body

    assert words in await refused(bot)
    assert files(bot) == []


async def test_an_api_that_does_not_answer_is_given_up(
    bot: Bot, elevenlabs: ElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "LIMIT", 0.2)
    elevenlabs.gate.clear()
    assert "did not answer within 0.2 seconds; it may have used credits" in await refused(bot)

    await elevenlabs.__aexit__()
    monkeypatch.setattr(api, "LIMIT", 5.0)
    assert "ElevenLabs cannot be reached" in await refused(bot, message="Again.")


async def test_two_speeches_at_once_come_one_after_the_other(
    bot: Bot, elevenlabs: ElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rekku.plugins import selenium_elevenlabs

    monkeypatch.setattr(selenium_elevenlabs, "IN_LINE", 0.2)
    elevenlabs.gate.clear()
    bot.model_says(speech("First."))
    first = await bot.send("Say it.")
    await elevenlabs.asked.wait()
    bot.model_says(speech("Second."), "Later.")
    async with asyncio.timeout(PATIENCE):
        await bot.hears("Say it.", chat="owners", direct=False)
    assert "another speech is still being made; nothing was spent" in bot.engine.prompts[-1]

    bot.model_says(reply())
    elevenlabs.gate.set()
    await first.outcome()
    assert elevenlabs.spoken == ["First."]
