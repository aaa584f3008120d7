"""What people do to messages that are there already: they edit their own, and react to Rekku's."""

import logging
from collections.abc import Callable
from dataclasses import replace

from rekku.chain.inbox import Inbox
from rekku.chain.words import shorten
from rekku.core.clock import Clock
from rekku.core.database import Database
from rekku.core.message import Conversation, Message
from rekku.core.principal import Principal
from rekku.store.history import corrected, noted
from rekku.store.inbox import InboxStore
from rekku.store.outbox import OutboxStore

log = logging.getLogger(__name__)

LONGEST_EMOJI = 32
"""Characters of a reaction; some platforms have reactions with names."""
REACTED = "(reacted with {emoji} to “{text}”)"


class Afterwards:
    """Edits and reactions."""

    def __init__(
        self,
        *,
        database: Database,
        store: InboxStore,
        outbox: OutboxStore,
        inbox: Inbox,
        clock: Clock,
        next_id: Callable[[], int],
    ) -> None:
        self._db = database
        self._store = store
        self._outbox = outbox
        self._inbox = inbox
        self._clock = clock
        self._next_id = next_id

    async def edited(self, message: Message, who: Principal, meant: bool) -> Message | None:
        """Take in that a person has edited a message: what waits is answered as it is now, and history shows it so.

        A message that was not for Rekku and now is `meant` for it comes back, to be taken as a new one; else None.
        """
        kept = await self._store.find(message)
        if kept is None or kept.person_id != who.person_id:
            return None
        if kept.status == "heard" and meant:
            return replace(message, edited=False, message_id=f"{message.message_id} edited {message.text!r}"[:1000])
        if kept.status == "command" or kept.message.text == message.text:
            return None
        now = replace(kept.message, text=message.text)
        writes = [corrected(kept.id, message.text)]
        if self._inbox.correct(kept.id, now):
            writes.append(self._store.corrected(kept.id, now))
        await self._db.write(*writes)
        return None

    async def reacted(self, where: Conversation, who: Principal, message_id: str, emoji: str) -> None:
        """Take in that a person has reacted to a message; to one of Rekku's, it is remembered, in that message's
        thread (not every platform tells it with the reaction)."""
        said = await self._outbox.said(where, message_id)
        if said and said[1] and emoji.strip():
            where, text = said
            line = REACTED.format(emoji=emoji.strip()[:LONGEST_EMOJI], text=shorten(text, 100))
            await self._db.write(noted(self._next_id(), where, who.person_id, who.name, line, self._clock.now()))
