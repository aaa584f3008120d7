"""The way out: each chat's messages in order, until they are delivered."""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from rekku.chain.draft import Spawn
from rekku.chain.elsewhere import Chat, Elsewhere, chat_of
from rekku.chain.pieces import pieces_of, send_piece
from rekku.core.clock import Clock
from rekku.core.database import Database, Write
from rekku.core.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnknown, NotReachable, StoreError
from rekku.core.message import Message
from rekku.core.registry import Component, Kind, Registry
from rekku.store.outbox import OutboxStore, failed
from rekku.store.outgoing import Outgoing
from rekku.store.people import People

log = logging.getLogger(__name__)

ATTEMPTS = 8
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0


class _ElsewhereError(Exception):
    """The interface does not run here; another process may have it, or it comes later."""


class Lane:
    """The messages that wait for one chat; `parked` while it is not there. `answers` to what was heard just now are
    tried all the same: whoever asks by another way (a program, while the page is closed) is there."""

    def __init__(self) -> None:
        self.waiting: deque[Outgoing] = deque()
        self.answers: set[int] = set()
        self.busy = False
        self.parked = False

    def next(self) -> Outgoing | None:
        """What is to be tried now."""
        return next((m for m in self.waiting if not self.parked or m.id in self.answers), None)


class Sender:
    """Delivers what is committed. `complain` tells the owner what will never arrive, and commits a write with it;
    `ended` counts, by interface and how it ended."""

    def __init__(
        self,
        *,
        database: Database,
        store: OutboxStore,
        registry: Registry,
        clock: Clock,
        spawn: Spawn,
        people: People,
        complain: Callable[[str, Write], Coroutine[Any, Any, None]],
    ) -> None:
        self._db = database
        self._store = store
        self._registry = registry
        self._clock = clock
        self._spawn = spawn
        self._elsewhere = Elsewhere(database=database, store=store, people=people, registry=registry, clock=clock)
        self._complain = complain
        self._lanes: dict[Chat, Lane] = {}
        self._moving: set[int] = set()
        self._originals: dict[int, Message] = {}
        self.ended: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._waiters: dict[int, list[asyncio.Future[None]]] = {}
        self._pending: set[int] = set()
        self._claiming = asyncio.Lock()
        self._delivered: set[int] | None = None
        registry.on_change(self._interfaces_changed)
        self._resuming = False

    def queue(self, messages: Iterable[Outgoing], original: Message | None = None) -> None:
        """Deliver these; they are committed. `original` is the message that they answer."""
        for message in messages:
            if message.id in self._pending:
                continue
            self._pending.add(message.id)
            lane = self._enter(message, original)
            if lane.parked:
                self._leave(lane)

    def _enter(self, message: Outgoing, original: Message | None = None) -> Lane:
        key = chat_of(message.to)
        lane = self._lanes.setdefault(key, Lane())
        if original is not None:
            if all(other.id in lane.answers for other in self._answers(lane, original)):  # none has waited in vain
                lane.answers.add(message.id)
            self._originals[message.id] = original
        lane.waiting.append(message)
        if not lane.parked or lane.answers:
            self._start(key, lane)
        return lane

    def _answers(self, lane: Lane, original: Message | None) -> list[Outgoing]:
        """What waits in a lane that answers a message."""
        return [m for m in lane.waiting if original is not None and self._originals.get(m.id) is original]

    def _start(self, key: Chat, lane: Lane) -> None:
        if not lane.busy:
            lane.busy = True
            self._spawn(self._empty(key, lane), f"send to {key[0]}:{key[1]}")

    def end(self) -> None:
        """Deliver nothing more; what is left is for the next start."""
        self._resuming = False
        self._lanes.clear()

    async def resume(self) -> None:
        """Take up what was left behind, here or by a process that is gone."""
        self._resuming = True
        async with self._claiming:
            self._delivered = delivered = set[int]()
            found = await self._store.claim(c.name for c in self._registry.of(Kind.INTERFACE))
            self._delivered = None
        self.queue(message for message in found if message.id not in delivered)

    async def keep(self) -> None:
        """Renew what is ours, and take up what nobody looks after, or what may go elsewhere by now."""
        if await self._store.renew():
            await self.resume()
            found = await self._store.claim_stranded(c.name for c in self._registry.of(Kind.INTERFACE))
            self._send_elsewhere([message for message in found if message.id not in self._pending])
        self._look_elsewhere()

    def reachable(self, interface: str | None = None, chat_id: str | None = None) -> None:
        """Try again what waited for an interface (or one chat of it) to be there."""
        for key, lane in self._lanes.items():
            if lane.parked and (interface in (None, key[0])) and (chat_id in (None, key[1])):
                lane.parked = False
                self._start(key, lane)
        self._look_elsewhere()

    def _look_elsewhere(self) -> None:
        for lane in [lane for lane in self._lanes.values() if lane.parked]:
            self._leave(lane)

    def _leave(self, lane: Lane) -> None:
        """What may go elsewhere leaves a chat that is not there."""
        leaving = [message for message in lane.waiting if message.person_id and message.id not in lane.answers]
        if leaving:
            lane.waiting = deque(m for m in lane.waiting if not m.person_id or m.id in lane.answers)
            self._send_elsewhere(leaving)

    def _send_elsewhere(self, messages: Sequence[Outgoing]) -> None:
        numbers = {message.id for message in messages}
        if numbers:
            self._pending |= numbers
            self._moving |= numbers
            self._spawn(self._move(messages), "send elsewhere")

    async def _move(self, messages: Iterable[Outgoing]) -> None:
        for message in messages:
            while True:
                closed = {key for key, lane in self._lanes.items() if lane.parked}
                await self._until_noted(lambda: self._elsewhere.place(message, closed))  # noqa: B023 - awaited here
                lane = self._lanes.get(chat_of(message.to))
                if lane is None or not lane.parked or message.home in (None, message.to):
                    break
            self._moving.discard(message.id)
            self._originals.pop(message.id, None)
            if self._enter(message).parked:
                self._wake(message)

    async def settled(self, messages: Iterable[Outgoing]) -> None:
        """Wait until each of these was delivered, was given up, or waits for its chat to be there."""
        for message in messages:
            if message.id in self._moving or (message.id in self._pending and not self._is_parked(message)):
                future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._waiters.setdefault(message.id, []).append(future)
                await future

    def _is_parked(self, message: Outgoing) -> bool:
        lane = self._lanes.get(chat_of(message.to))
        return lane is not None and lane.parked and message.id not in lane.answers

    async def _empty(self, key: tuple[str, str], lane: Lane) -> None:
        try:
            while (message := lane.next()) is not None:
                try:
                    await self._deliver(message)
                    self.ended[message.to.interface, message.status] += 1
                except _ElsewhereError:
                    await self._note(self._store.released(message))
                except NotReachable:
                    lane.parked = True
                    vain = self._answers(lane, self._originals.get(message.id))
                    lane.answers.difference_update(other.id for other in vain)
                    self._leave(lane)
                    for waiting in lane.waiting:
                        if waiting.id not in lane.answers:
                            self._wake(waiting)
                    continue
                lane.waiting.remove(message)
                lane.answers.discard(message.id)
                self._pending.discard(message.id)
                if self._delivered is not None:
                    self._delivered.add(message.id)
                self._originals.pop(message.id, None)
                self._wake(message)
        finally:
            lane.busy = False
        if not lane.waiting and not lane.parked and self._lanes.get(key) is lane:
            del self._lanes[key]

    async def _deliver(self, message: Outgoing) -> None:
        """Send one message and record it, however often it takes. Raises NotReachable."""
        while True:
            interface = self._registry.get(Kind.INTERFACE, message.to.interface)
            if interface is None:
                raise _ElsewhereError
            try:
                await self._send(interface, message)
                return
            except NotReachable:
                raise
            except DeliveryDelayed as error:
                await self._clock.sleep(error.retry_after)
            except DeliveryRefused as error:
                await self._give_up(message, "failed", str(error))
                return
            except Exception as error:  # the door to an interface
                log.warning("A message to %s was not delivered (%r); trying again.", message.to, error)
                if message.attempts + 1 >= ATTEMPTS:
                    log.exception("A message to %s is given up.", message.to)
                    await self._give_up(message, "failed", f"{type(error).__name__}: {error}")
                    return
                await self._wait_after(message, error)

    async def _wait_after(self, message: Outgoing, error: Exception) -> None:
        message.attempts += 1
        await self._note(failed(message, "queued", str(error)[:500]))
        await self._clock.sleep(min(LONGEST_WAIT, FIRST_WAIT * 2 ** (message.attempts - 1)))

    async def _send(self, interface: Component, message: Outgoing) -> None:
        """Send what is left of a message, piece by piece, and record it."""
        self._elsewhere.note_delay(message)
        pieces = await pieces_of(interface, message)
        doubt = ""
        while len(message.pieces) < len(pieces):
            try:
                sent = await send_piece(interface, message, pieces, self._originals.get(message.id))
                message.pieces.append(sent)
                message.platform_id = message.platform_id or sent
            except (DeliveryUnknown, TimeoutError) as error:
                if interface.members.value("idempotent_sends"):
                    raise
                doubt = str(error) or "no answer in time"
                message.pieces.append(None)
            if len(message.pieces) < len(pieces):
                await self._note(self._store.progressed(message))
        if None in message.pieces:
            await self._give_up(message, "unknown", doubt or "no answer in time")
            return
        await self._note(self._store.sent(message))
        message.status = "sent"

    async def _note(self, write: Write) -> None:
        """Note what became of a message; the database may be away for a while, it must not be sent again for that."""
        await self._until_noted(lambda: self._db.write(write))

    async def _until_noted(self, note: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await note()
                return
            except StoreError as error:
                log.warning("It could not be noted what became of a message (%s); trying again.", error)
                await self._clock.sleep(FIRST_WAIT)

    async def _give_up(self, message: Outgoing, status: str, why: str) -> None:
        """Record that a message will not arrive, and tell the owner, both or neither."""
        message.attempts += 1
        message.status = status
        end = failed(message, status, why[:500])
        if message.quiet:
            log.error("A notice to %s did not arrive: %s", message.to, why)
            await self._note(end)
            return
        doubt = "may not have arrived" if status == "unknown" else "could not be delivered"
        told = f"A message to {message.to} {doubt}: {why}. It said: “{message.text[:200]}”"
        await self._until_noted(lambda: self._complain(told, end))

    def _interfaces_changed(self) -> None:
        """An interface came: what was left for it (after a reload, or by another process) is taken up."""
        self.reachable()
        if self._resuming:
            self._spawn(self.resume(), "outbox resume")

    def _wake(self, message: Outgoing) -> None:
        for waiter in self._waiters.pop(message.id, ()):
            if not waiter.done():
                waiter.set_result(None)
