"""Gates for a model that writes in pieces (`bot.engine.gate`): it goes on when it may, not when time has passed."""

import asyncio
from typing import Literal

from rekku.testing import Bot


class Ajar(asyncio.Event):
    """Lets the beginning of a reply through, so many pieces; the rest waits until it is set."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self._left = pieces

    async def wait(self) -> Literal[True]:
        """Pass, or wait."""
        if self._left <= 0:
            return await super().wait()
        self._left -= 1
        return True


class Paced(asyncio.Event):
    """Lets piece after piece through, none before the database has done what it was asked to before that: whoever shows
    what is written is not left behind by a slow disk."""

    def __init__(self, bot: Bot) -> None:
        super().__init__()
        self._bot = bot

    async def wait(self) -> Literal[True]:
        """Pass when the database has answered."""
        async with self._bot.running.database.transaction():
            return True
