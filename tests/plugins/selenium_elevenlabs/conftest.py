"""A bot with an account on a local ElevenLabs. Mark: `settings(NAME=text)`."""

from collections.abc import AsyncIterator

import pytest

from tests.servers.elevenlabs import EMAIL, PASSWORD, ElevenLabs


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
    for mark in reversed(list(request.node.iter_markers("settings"))):
        environ |= mark.kwargs
    return environ
