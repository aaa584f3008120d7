"""What the sender of a message holds until it is dealt with."""

import asyncio

from rekku.core.turn import Outcome


class Ticket:
    """What the sender of a message holds until it is dealt with."""

    __slots__ = ("_outcome", "_settle", "delivered", "turn_id")

    def __init__(self, turn_id: int = 0) -> None:
        self.turn_id = turn_id
        self.delivered = False
        self._outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    async def outcome(self) -> Outcome:
        """Wait until the message is dealt with, and say how it ended."""
        return await asyncio.shield(self._outcome)

    def close(self, outcome: Outcome) -> "Ticket":
        """It is dealt with."""
        if not self._outcome.done():
            self._outcome.set_result(outcome)
        return self
