"""A bot on Matrix, for the tests that are Matrix's alone."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import pytest

from tests.interface.matrix import Matrix
from tests.interface.suite import OnPlatform
from tests.interface.world import Talk
from tests.servers.synapse import running

ALONE = {"REKKU_PLUGINS": "message_plugin,matrix_interface"}


class OnMatrix(OnPlatform):
    """Its tests have a `world` and `talk`."""

    @pytest.fixture
    async def world(self, homeserver: object) -> AsyncIterator[Matrix]:
        """A homeserver."""
        made = Matrix(running[0])
        await made.open()
        yield made
        await made.close()


async def comes(talk: Talk, room: str, user: str = "ann") -> None:
    """Rekku has been invited to a room, and is waited for."""
    world: Matrix = talk.world  # type: ignore[assignment]
    while world.id("rekku") not in await world.members(user, room):
        await talk.bot.clock.advance(0.2)


async def membership(world: Matrix, user: str, room: str, who: str) -> str:
    """What somebody is to a room."""
    told = await world.call(user, "GET", f"/rooms/{quote(room)}/members")
    states = {event["state_key"]: event["content"]["membership"] for event in told["chunk"]}
    return str(states.get(who, ""))
