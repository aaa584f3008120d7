"""The last lines of the log, in memory, without secrets."""

import asyncio
import copy
import itertools
import logging
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from rekku.core.house import Record
from rekku.redaction import Redaction

KEPT = 1000
LONGEST = 8_000
"""Characters of one line."""


class Records(logging.Handler):
    """A handler that keeps the last records and tells whoever watches."""

    def __init__(self) -> None:
        super().__init__()
        self.redaction = Redaction()
        self.setFormatter(logging.Formatter("%(message)s"))
        self._last: deque[Record] = deque(maxlen=KEPT)
        self._numbers = itertools.count(1)
        self._watchers: list[Callable[[Record], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def open(self) -> None:
        """Listen to everything that is logged from now on; call it on the event loop."""
        self._loop = asyncio.get_running_loop()
        logging.getLogger().addHandler(self)

    def close(self) -> None:
        """Listen no more."""
        logging.getLogger().removeHandler(self)
        self._watchers.clear()
        super().close()

    def last(self) -> Sequence[Record]:
        """What is kept, oldest first."""
        return tuple(self._last)

    def watch(self, watcher: Callable[[Record], None]) -> Callable[[], None]:
        """Call `watcher` on the event loop with every new record; returns the undo."""
        self._watchers.append(watcher)

        def undo() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)

        return undo

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record. It is copied first: other handlers get it as it was."""
        try:
            own = copy.copy(record)
            self.redaction.filter(own)
            at = datetime.fromtimestamp(own.created, UTC)
            kept = Record(next(self._numbers), at, own.levelname, own.name, self.format(own)[:LONGEST])
        except Exception:  # noqa: BLE001 - the door that every handler has
            self.handleError(record)
            return
        self._last.append(kept)
        if self._watchers and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell, kept)

    def _tell(self, record: Record) -> None:
        for watcher in tuple(self._watchers):
            watcher(record)
