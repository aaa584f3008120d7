"""How often a reply that is being written may be edited on a platform that counts edits."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from rekku.core.clock import Clock
from rekku.core.errors import DeliveryDelayed

MOST = 1000
"""Chats that are remembered before those are forgotten that may be edited again anyway."""


class DraftThrottle:
    """Keeps the drafts of an interface to one edit in so many seconds, chat by chat."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[str, float] = {}

    async def edit(
        self,
        change: Callable[[Mapping[str, Any]], Awaitable[None]],
        payload: Mapping[str, Any],
        chat: str,
        every: float,
    ) -> None:
        """What `edit_message` does: call `change(payload)`, a draft only if the last one in that chat (any string that
        names what the platform counts by) is `every` seconds ago; one that comes sooner is left out.

        The final text goes out in any case. A chat that the platform wants to be left alone (DeliveryDelayed) has no
        drafts for so long; the error is raised for a final text only.
        """
        draft = bool(payload.get("draft"))
        if draft and not self._may_edit(chat, every):
            return
        try:
            await change(payload)
        except DeliveryDelayed as error:
            self._due[chat] = self._clock.monotonic() + error.retry_after
            if not draft:
                raise

    def _may_edit(self, chat: str, every: float) -> bool:
        now = self._clock.monotonic()
        if now < self._due.get(chat, now):
            return False
        if len(self._due) > MOST:
            self._due = {other: due for other, due in self._due.items() if due > now}
        self._due[chat] = now + every
        return True
