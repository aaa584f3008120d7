"""How often a reply that is being written may be edited: about once a second, in groups twenty times a minute."""

from rekku.core.clock import Clock

EVERY, EVERY_IN_GROUPS = 1.1, 3.2
"""Seconds between two edits in one chat."""
MOST = 1000


class Drafts:
    """When the next edit of a draft is due, chat by chat."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next: dict[str, float] = {}

    def may_edit(self, chat: str) -> bool:
        """Whether a draft may be edited now; if so, it counts as edited."""
        now = self._clock.monotonic()
        if now < self._next.get(chat, now):
            return False
        if len(self._next) > MOST:
            self._next = {other: due for other, due in self._next.items() if due > now}
        self._next[chat] = now + (EVERY_IN_GROUPS if chat.startswith("-") else EVERY)
        return True

    def hold(self, chat: str, seconds: float) -> None:
        """Telegram wants to be left alone for so long."""
        self._next[chat] = self._clock.monotonic() + seconds
