"""A bot on Matrix, for the tests that are Matrix's alone."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from rekku.core.registry import Kind
from rekku.testing import bot_at
from tests.interface.matrix import Matrix
from tests.interface.world import Talk
from tests.servers.synapse import running

ALONE = {"REKKU_PLUGINS": "message_plugin,matrix_interface"}


class OnMatrix:
    """Its tests have a `world` and `talk`."""

    @pytest.fixture
    async def world(self, homeserver: object) -> AsyncIterator[Matrix]:
        """A homeserver."""
        made = Matrix(running[0])
        await made.open()
        yield made
        await made.close()

    @pytest.fixture
    async def talk(self, world: Matrix, bot_home: Path) -> AsyncIterator[Talk]:
        """A bot on it."""
        async with bot_at(bot_home, {**ALONE, **world.settings}, interfaces=["matrix_interface"]) as bot:
            await world.attach(bot)
            yield Talk(world, bot)  # type: ignore[arg-type] # what it cannot is not asked for


def health(talk: Talk) -> str:
    """What the interface says of itself."""
    component = talk.bot.running.registry.get(Kind.INTERFACE, "matrix_interface")
    assert component is not None
    return str(component.instance.health())


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
