"""The queue of turns: one conversation in order, different ones at the same time, nothing forgotten."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from rekku.chain import words
from rekku.chain.draft import Spawn
from rekku.chain.lane import Lane, together
from rekku.chain.runner import Runner, open_turn
from rekku.chain.tally import Spread
from rekku.chain.ticket import Ticket
from rekku.chain.turn import OpenTurn
from rekku.core.clock import Clock
from rekku.core.errors import StoreError
from rekku.core.message import Conversation, Message
from rekku.core.principal import Principal, Role
from rekku.core.turn import Outcome
from rekku.store.inbox import Entry

log = logging.getLogger(__name__)

MOST_TRIES = 5
"""How many starts of the process may take up the same turn again, until it counts as poison."""

AWAY = 2.0
"""Seconds between two tries while the database is away."""


class Inbox:
    """Accepted messages on their way to a turn. `who` says whose a message is, by its account, at this moment.
    `outcomes` and `replies` count how turns ended, and how long people waited for replies."""

    def __init__(
        self,
        *,
        runner: Runner,
        clock: Clock,
        spawn: Spawn,
        claim: Callable[[bool], Awaitable[list[Entry]]],
        patience: Callable[[Entry], float],
        who: Callable[[Entry], Awaitable[Principal]],
        settled: Callable[[OpenTurn], Awaitable[None]],
    ) -> None:
        self._runner = runner
        self._clock = clock
        self._spawn = spawn
        self._claim = claim
        self._patience = patience
        self._who = who
        self._settled = settled
        self._lanes: dict[Conversation, Lane] = {}
        self._later: dict[int, Entry] = {}
        self._woken = asyncio.Event()
        self._tickets: dict[int, Ticket] = {}
        self._known: set[int] = set()
        self._early: dict[int, Entry] | None = {}
        self._closed: set[int] | None = None
        self._claiming = asyncio.Lock()
        self.outcomes: Counter[Outcome] = Counter()
        self.replies = Spread()

    def add(self, entry: Entry) -> Ticket:
        """Queue a message that is committed. Before the first `resume` it waits: what was left behind comes first."""
        ticket = self._tickets.setdefault(entry.id, Ticket(entry.id))
        if self._early is None:
            try:
                self._take(entry)
            except RuntimeError:  # everything ends, and starts nothing more: the message is kept for the next start
                log.info("A message in %s waits for the next start.", entry.conversation)
        else:
            self._early[entry.id] = entry
        return ticket

    def _take(self, entry: Entry) -> None:
        if entry.id in self._known:
            return
        self._known.add(entry.id)
        if entry.not_before is not None and entry.not_before > self._clock.now():
            self._later[entry.id] = entry
            self._woken.set()
        else:
            self._deferred_first(entry)
            self._enqueue(entry)

    def _deferred_first(self, entry: Entry) -> None:
        """What still waits for an engine in the same conversation is tried before what came later."""
        for number, earlier in sorted(self._later.items()):
            if earlier.status == "deferred" and earlier.conversation == entry.conversation:
                del self._later[number]
                self._enqueue(earlier)

    async def resume(self, *, first: bool = False) -> None:
        """Take up everything that is open in the database and not yet here; what was deferred is tried at once."""
        async with self._claiming:
            self._closed = closed = set[int]()
            found = {entry.id: entry for entry in await self._claim(first)}
            found |= self._early or {}
            self._early = self._closed = None
        for _, entry in sorted(found.items()):
            if entry.id not in closed:
                self._take(entry if entry.status == "waiting" else replace(entry, not_before=None))

    def look_again(self) -> None:
        """Somebody went away while a message was being kept: if it was kept, it is taken up."""
        with contextlib.suppress(RuntimeError):  # everything ends: then the next start takes it up
            self._spawn(self.resume(), "inbox look again")

    def retry_deferred(self) -> None:
        """An engine answers again: all that waits for one is tried now."""
        for entry in [e for e in self._later.values() if e.status == "deferred"]:
            self._later[entry.id] = replace(entry, not_before=None)
        self._woken.set()

    def cancel(self, where: Conversation, who: Principal) -> bool:
        """End the turn that runs in a conversation, if it is this person's or the person is the trainer."""
        lane = self._lanes.get(where)
        turn = lane.turn if lane else None
        if turn is None:
            return False
        if turn.principal.person_id != who.person_id and not who.is_trainer:
            return False
        turn.cancel()
        return True

    def correct(self, number: int, message: Message) -> bool:
        """Replace what a message says that waits for its turn; False if it waits no more."""
        for lane in self._lanes.values():
            for index, entry in enumerate(lane.waiting):
                if entry.id == number:
                    lane.waiting[index] = replace(entry, message=message)
                    return True
        if number in self._later:
            self._later[number] = replace(self._later[number], message=message)
            return True
        return False

    def is_busy_with(self, person_id: str) -> bool:
        """Whether a turn of that person runs."""
        turns = [lane.turn for lane in self._lanes.values()]
        return any(turn is not None and turn.principal.person_id == person_id for turn in turns)

    def forget(self, person_id: str) -> bool:
        """Drop what waits of a person; False, and nothing dropped, while a turn of that person runs."""
        lanes = list(self._lanes.values())
        if self.is_busy_with(person_id):
            return False
        dropped = [entry for lane in lanes for entry in lane.waiting if entry.person_id == person_id]
        dropped += [entry for entry in self._later.values() if entry.person_id == person_id]
        for lane in lanes:
            lane.drop(person_id)
        for entry in dropped:
            self._later.pop(entry.id, None)
            self._known.discard(entry.id)
            if ticket := self._tickets.pop(entry.id, None):
                ticket.close(Outcome.IGNORED)
        return True

    @property
    def running(self) -> int:
        """How many turns run right now."""
        return sum(lane.turn is not None for lane in self._lanes.values())

    async def keep_time(self) -> None:
        """Queue what was put off when its time has come; runs for ever."""
        while True:
            now = self._clock.now()
            for entry in [e for e in self._later.values() if e.not_before is None or e.not_before <= now]:
                del self._later[entry.id]
                self._enqueue(entry)
            self._woken.clear()
            await self._until(min((e.not_before for e in self._later.values() if e.not_before), default=None))

    async def _until(self, when: datetime | None) -> None:
        """Wait for an instant of the clock, or for news."""
        if when is None:
            await self._woken.wait()
            return
        waits = (
            self._spawn(self._woken.wait(), "inbox news"),
            self._spawn(self._clock.sleep(max(0.0, (when - self._clock.now()).total_seconds())), "inbox timer"),
        )
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()

    def _enqueue(self, entry: Entry) -> None:
        lane = self._lanes.setdefault(entry.conversation, Lane())
        lane.waiting.append(entry)
        if not lane.busy:
            lane.busy = True
            self._spawn(self._empty(entry.conversation, lane), f"turns of {entry.conversation}")
        elif entry.message.errand is not None:
            self._spawn(self._hurry(lane, entry), f"errand {entry.id}")

    async def _hurry(self, lane: Lane, entry: Entry) -> None:
        """An errand does not stand in line for ever: past its patience it goes out beside the turn that runs."""
        await self._clock.sleep(self._patience(entry))
        if entry in lane.waiting:
            lane.waiting.remove(entry)
            await self._one(Lane(), [entry], in_plain_words=True)

    async def _empty(self, where: Conversation, lane: Lane) -> None:
        try:
            while lane.waiting:
                entries = together(lane.waiting)
                try:
                    await self._one(lane, entries)
                except Exception:  # the last door: one turn that cannot even fail must not hold up the others
                    log.exception("A turn in %s could not be ended; it stays until the next start.", where)
        finally:
            lane.busy = False
            if self._lanes.get(where) is lane and not lane.waiting:
                del self._lanes[where]

    async def _one(self, lane: Lane, entries: Sequence[Entry], *, in_plain_words: bool = False) -> None:
        """One turn, again and again as long as the database is away in the middle of it."""
        resumed = bool(entries[0].tries) or entries[0].status != "waiting"
        while True:
            try:
                principal = await self._who(entries[-1])
                turn = open_turn(entries, principal, self._clock.now(), resumed)
                turn.in_plain_words = in_plain_words
                lane.turn = turn
                outcome = await self._run(turn)
                break
            except StoreError as error:
                log.warning("The database is away, so a turn in %s waits: %s", entries[0].conversation, error)
                resumed = True
                await self._clock.sleep(AWAY)
            finally:
                lane.turn = None
        self._close(turn, outcome)

    async def _run(self, turn: OpenTurn) -> Outcome:
        first = turn.entries[0]
        try:
            if first.status == "ending":
                return await self._runner.end(turn)
            if turn.principal.role is Role.BLOCKED:
                return await self._runner.drop(turn)
            if first.tries >= MOST_TRIES and first.status == "waiting":
                notice = f"A message in {turn.conversation} was given up: {first.tries} starts did not get past it."
                return await self._runner.fail(turn, words.POISONED, notice)
            return await self._runner.run(turn)
        except StoreError:
            raise
        except Exception as error:  # the door to a turn: whatever breaks, the person gets words
            log.exception("A turn in %s broke.", turn.conversation)
            notice = f"A turn in {turn.conversation} broke ({type(error).__name__}); the log says where."
            return await self._runner.fail(turn, words.BROKEN, notice)

    def _close(self, turn: OpenTurn, outcome: Outcome) -> None:
        """Put off what was deferred; tell the senders how it ended once the replies have gone out."""
        self.outcomes[outcome] += 1
        if outcome is Outcome.DEFERRED:
            for entry in turn.entries:
                self._later[entry.id] = entry
            self._woken.set()
        else:
            self._known.difference_update(entry.id for entry in turn.entries)
            if self._closed is not None:
                self._closed.update(entry.id for entry in turn.entries)
        tickets = [t for entry in turn.entries if (t := self._tickets.pop(entry.id, None))]
        if tickets:
            self._spawn(self._tell_senders(turn, tickets, outcome), f"end of turn {turn.id}")

    async def _tell_senders(self, turn: OpenTurn, tickets: Iterable[Ticket], outcome: Outcome) -> None:
        await self._settled(turn)
        delivered = bool(turn.sent) and all(message.status == "sent" for message in turn.sent)
        if delivered and turn.message.errand is None:
            self.replies.add((self._clock.now() - turn.entries[0].received_at).total_seconds())
        for ticket in tickets:
            ticket.delivered = delivered
            ticket.close(outcome)
