"""Speech through a real browser: from a person's words to the audio in the chats, and what goes wrong on the way."""

import pytest

from rekku.core.registry import Kind
from rekku.plugins._selenium_elevenlabs import page
from rekku.testing import Bot
from tests.plugins.selenium_elevenlabs.speeches import (
    ACTION,
    SMILE,
    Loud,
    files,
    left_behind,
    refused,
    speech,
)
from tests.road.words import action, answered, history, reply, say, texts
from tests.servers.elevenlabs import PASSWORD, ElevenLabs, recording

pytestmark = pytest.mark.sqlite_only


async def test_a_speech_arrives_in_every_place_and_the_session_is_kept(bot: Bot, elevenlabs: ElevenLabs) -> None:
    loud = Loud()
    bot.add_interface(loud)
    bot.model_says("Hello.")
    await bot.tell("hi", interface="loud", user="ann")
    places = [{"interface": "loud", "chat_id": "ann"}, {"interface": "memory", "chat_id": "owner"}]
    bot.model_says(speech(destinations=places), say("I have told both of you."))
    await bot.hears("Say good morning to Ann and me, aloud.")

    assert elevenlabs.spoken == [SMILE]
    assert loud.heard == files(bot) == [recording(SMILE)]
    assert "I have told both of you." in texts(bot)
    assert f"[notice] ElevenLabs: {elevenlabs.credits} credits are left." in texts(bot)
    assert answered(bot)["outputs"] == [{"action": ACTION, "output": "It was spoken; the recording goes to 2 places."}]
    assert elevenlabs.happened() == ["form", "login", "editor", "spoken"]

    elevenlabs.forgetful = 1
    bot.model_says(speech("Again."), reply())
    await bot.hears("Once more, for me.")
    assert files(bot)[1:] == [recording("Again.")]
    assert SMILE in [text for _, text in history(bot, -2)], "it knows what it said"
    assert elevenlabs.happened() == ["editor", "expired", "form", "login", "editor", "spoken"]
    assert left_behind(bot) == []


async def test_a_refused_login_is_told_and_the_password_shown_to_nobody(bot: Bot, elevenlabs: ElevenLabs) -> None:
    elevenlabs.password = "another"

    assert "ELEVENLABS_EMAIL or ELEVENLABS_PASSWORD is wrong" in await refused(bot)
    assert "refused the login (Invalid credentials)" in texts(bot)[0]
    assert PASSWORD not in str(bot.engine.prompts) + str(texts(bot))
    assert elevenlabs.happened() == ["form", "refused"], "a wrong password is not tried again"
    assert left_behind(bot) == []


async def test_a_page_that_has_changed_is_told_to_the_model_and_shown_to_the_owner(
    bot: Bot, elevenlabs: ElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "LONGEST_WAIT", 6.0)
    elevenlabs.moved = True

    assert "the page of ElevenLabs has changed: the field for the text is not found" in await refused(bot)
    (picture,) = files(bot, "image")
    assert picture.startswith(b"\x89PNG")
    assert any(text.startswith("[notice] A speech failed: the page of ElevenLabs has changed") for text in texts(bot))
    assert left_behind(bot) == []


async def test_a_speech_that_is_never_ready_is_given_up(
    bot: Bot, elevenlabs: ElevenLabs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "GENERATION", 5.0)
    elevenlabs.gate.clear()

    assert "ElevenLabs did not finish the speech in time" in await refused(bot)
    assert elevenlabs.asked.is_set()
    assert len(files(bot, "image")) == 1
    assert files(bot) == []
    assert left_behind(bot) == []


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({"message": "x" * 3001}, "has 3001 characters; at most 3000"),
        ({"message": " "}, "payload.message is empty"),
        ({"destinations": [{"interface": "memory"}]}, "payload.destinations must be a list of"),
        ({"destinations": "owner"}, "payload.destinations must be a list"),
        (
            {"destinations": [{"interface": "memory", "chat_id": "nobody"}]},
            "payload.destinations: no chat 'nobody' on memory is known",
        ),
        ({"destinations": [{"interface": "memory", "chat_id": "a"}] * 6}, "may name 5 places"),
    ],
)
async def test_what_cannot_be_done_is_refused_before_anything_is_spent(
    bot: Bot, elevenlabs: ElevenLabs, payload: dict[str, object], problem: str
) -> None:
    assert problem in await refused(bot, **payload)
    assert elevenlabs.happened() == []


@pytest.mark.settings(MAX_SENDS="1")
async def test_what_a_turn_may_not_send_any_more_is_not_spoken(bot: Bot, elevenlabs: ElevenLabs) -> None:
    bot.model_says(reply(action("message", text="Listen:"), action(ACTION, message=SMILE)), reply())
    await bot.hears("Say it.")

    assert "may send 0 more messages, not 1; nothing was spoken" in str(answered(bot)["errors"])
    assert elevenlabs.happened() == []


async def test_strangers_are_not_offered_it(bot: Bot, elevenlabs: ElevenLabs) -> None:
    bot.model_says(speech(), "I may not.")
    await bot.hears("Say it.", user="ann")

    assert ACTION not in bot.engine.prompts[0]
    assert "not permitted" in str(answered(bot))
    assert elevenlabs.happened() == []


@pytest.mark.settings(REKKU_SELENIUM_CHROMIUM="/nowhere/chromium")
async def test_without_a_browser_it_says_what_to_install(bot: Bot, elevenlabs: ElevenLabs) -> None:
    component = bot.running.registry.get(Kind.PLUGIN, "selenium_elevenlabs")
    assert component is not None
    assert "no Chromium is found (Debian: apt install chromium" in await component.members.call("health")
    assert "no Chromium is found (Debian: apt install chromium" in await refused(bot)
    assert elevenlabs.happened() == []
