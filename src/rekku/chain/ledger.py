"""Where a turn becomes durable: what it gathered is committed at once, and only then is anything sent."""

import logging
from collections.abc import Callable, Sequence

from rekku.chain.secrets import Secrets
from rekku.chain.turn import OpenTurn
from rekku.core.clock import Clock
from rekku.core.database import Database, Write
from rekku.core.errors import StoreError
from rekku.store.history import said
from rekku.store.inbox import joined
from rekku.store.outbox import OutboxStore
from rekku.store.outgoing import Outgoing

log = logging.getLogger(__name__)

AWAY = 2.0
"""Seconds between two tries while the database is away."""


class Ledger:
    """Commits turns. `release` takes the messages that may go out now."""

    def __init__(
        self,
        *,
        database: Database,
        outbox: OutboxStore,
        clock: Clock,
        next_id: Callable[[], int],
        secrets: Secrets,
        release: Callable[[Sequence[Outgoing], OpenTurn], None],
    ) -> None:
        self._db = database
        self._outbox = outbox
        self._clock = clock
        self._next_id = next_id
        self._secrets = secrets
        self._release = release

    async def commit(self, turn: OpenTurn, last: Sequence[Write] = ()) -> None:
        """Commit what the turn has gathered, with `last`. While the database is away the turn waits: nothing of it
        may get lost, for what was done cannot be done again."""
        writes, going = self._gathered(turn), turn.outgoing
        writes += last
        if not writes:
            return
        while True:
            try:
                await self._db.write(*writes)
                break
            except StoreError as error:
                log.warning("The database is away, so a turn in %s waits: %s", turn.conversation, error)
                await self._clock.sleep(AWAY)
        turn.writes, turn.outgoing = [], []
        for step in turn.steps:
            step.saved()
        self._release(going, turn)

    def _gathered(self, turn: OpenTurn) -> list[Write]:
        """The writes of the turn. Each may be repeated: a number that is there already is not inserted twice."""
        writes = [write for step in turn.steps for write in step.unsaved()]
        if writes and len(turn.entries) > 1:
            writes += joined(turn.entries, turn.id)
        writes += turn.writes
        for message in turn.outgoing:
            message.text = self._secrets.clean(message.text)
            writes.append(self._outbox.added(message))
            writes.append(said(self._next_id(), message.to, message.said, message.created_at))
        return writes
