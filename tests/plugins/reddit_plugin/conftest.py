"""A bot with an account on a local Reddit. Marks: `settings(NAME=text)`, `sqlite_only`."""

from collections.abc import AsyncIterator

import pytest

from rekku.store.database import MariaServer
from tests.road.conftest import reached_by
from tests.servers import reddit_server
from tests.servers.reddit_server import RedditServer


@pytest.fixture
async def reddit() -> AsyncIterator[RedditServer]:
    async with RedditServer() as running:
        yield running


@pytest.fixture
def bot_environ(
    request: pytest.FixtureRequest, reddit: RedditServer, server_for_home: MariaServer | None
) -> dict[str, str]:
    environ = {
        "REDDIT_CLIENT_ID": reddit_server.CLIENT_ID,
        "REDDIT_CLIENT_SECRET": reddit_server.CLIENT_SECRET,
        "REDDIT_USERNAME": reddit_server.USERNAME,
        "REDDIT_PASSWORD": reddit_server.PASSWORD,
        "REDDIT_USER_AGENT": reddit_server.USER_AGENT,
        "REDDIT_URL": reddit.url,
        "REKKU_PLUGINS": "message_plugin,reddit_plugin",
        **({} if server_for_home is None else reached_by(server_for_home)),
    }
    for mark in request.node.iter_markers("settings"):
        environ |= mark.kwargs
    return environ
