"""A reply while it is being written: the one owner of the message that people see growing."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any

from rekku.chain.draft_text import DraftText
from rekku.chain.pieces import text_pieces, told
from rekku.chain.secrets import Secrets
from rekku.core.clock import Clock
from rekku.core.database import Database
from rekku.core.errors import DeliveryDelayed, DeliveryRefused, NotReachable
from rekku.core.message import Conversation, Message
from rekku.core.registry import Component
from rekku.store.outbox import OutboxStore
from rekku.store.outgoing import Outgoing

log = logging.getLogger(__name__)

Spawn = Callable[[Coroutine[Any, Any, Any], str], "asyncio.Task[Any]"]

FIRST = 0.03
"""Seconds until a draft is shown: a reply that is whole by then is simply sent."""

INTERVAL = 0.15
"""Seconds between two edits of a draft."""

EDIT_LIMIT = 10.0


class Draft:
    """Shows the pieces of a reply in its conversation; what it showed becomes the outgoing message or is taken back."""

    def __init__(
        self,
        *,
        turn_id: int,
        to: Conversation,
        interface: Component,
        own_types: Collection[str],
        database: Database,
        outbox: OutboxStore,
        clock: Clock,
        spawn: Spawn,
        next_id: Callable[[], int],
        secrets: Secrets,
        original: Message | None,
    ) -> None:
        self._turn_id = turn_id
        self._to = to
        self._interface = interface
        self._own_types = own_types
        self._db = database
        self._outbox = outbox
        self._clock = clock
        self._spawn = spawn
        self._next_id = next_id
        self._secrets = secrets
        self._original = original
        self._reader = DraftText(own_types=own_types)
        self._wanted = ""
        self._news = asyncio.Event()
        self._over = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.row: Outgoing | None = None

    def show(self, piece: str) -> None:
        """Take the next piece of the reply; an empty one says that the reply begins anew."""
        if not piece:
            self._reader = DraftText(own_types=self._own_types)
            return
        text = self._reader.feed(piece)
        if self._reader.withdrawn:
            text = "…"  # it turned out to be meant for another chat
        if text and text != self._wanted:
            self._wanted = text
            self._news.set()
            if self._task is None:
                self._task = self._spawn(self._keep_showing(), f"draft {self._turn_id}")

    async def settle(self) -> Outgoing | None:
        """Stop showing; the outgoing message that the draft is, if anything was shown."""
        if self._task is not None:
            self._over.set()
            self._news.set()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        return self.row

    async def take_back(self, row: Outgoing) -> None:
        """Remove from the chat what was shown and came to nothing."""
        payload = self._payload(row)
        try:
            await self._interface.members.call("delete_message", payload, limit=EDIT_LIMIT)
        except Exception:  # the door to an interface
            log.exception("A draft in %s could not be taken back.", self._to)

    async def _keep_showing(self) -> None:
        try:
            await self._pause(FIRST)
            while not self._over.is_set():
                self._news.clear()
                await self._show_now()
                await self._pause(INTERVAL)
                await self._news.wait()
        except Exception:  # the door to an interface: the final message is sent all the same
            log.exception("The draft in %s could not be shown.", self._to)

    async def _pause(self, seconds: float) -> None:
        """Wait so long, but not past the end of the reply."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._over.wait()

    async def _show_now(self) -> None:
        text, *more = await text_pieces(self._interface, self._secrets.clean(self._wanted))
        if more and self.row is not None and self.row.shown == text:
            return  # what is new belongs into the next pieces, which are not shown before they are whole
        if self.row is None:
            row = Outgoing(self._next_id(), self._to, text, self._clock.now(), self._turn_id, "draft")
            await self._db.write(self._outbox.added(row))
            row.drafted = True
            self.row = row
        row = self.row
        if row.platform_id:
            await self._interface.members.call("edit_message", self._payload(row, text), limit=EDIT_LIMIT)
        else:
            payload, row.doubted = self._payload(row, text), True
            try:
                sent = await self._interface.members.call("send_message", payload, self._original, limit=EDIT_LIMIT)
            except (NotReachable, DeliveryDelayed, DeliveryRefused):
                row.doubted = False
                raise
            row.platform_id, row.doubted = str(sent or ""), False
            await self._db.write(self._outbox.sent(row, "draft"))
        row.shown = text

    def _payload(self, row: Outgoing, text: str = "") -> Mapping[str, object]:
        answers = self._original.message_id if self._original else ""
        return told(self._to, text=text, key=str(row.id), answers=answers, message_id=row.platform_id, draft=True)
