"""One turn, from its prompt to its end."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from rekku.chain import words
from rekku.chain.catalogue import Catalogue
from rekku.chain.dispatcher import Dispatcher, results
from rekku.chain.engine import CapReached, Engines
from rekku.chain.ledger import Ledger
from rekku.chain.prompt import Prompt, outputs_message
from rekku.chain.thinker import Thinker, go_on
from rekku.chain.turn import OpenTurn, TurnCancelled
from rekku.core.clock import Clock
from rekku.core.database import Database
from rekku.core.errors import EngineError
from rekku.core.principal import Principal
from rekku.core.registry import Registry
from rekku.core.turn import Deed, Outcome
from rekku.store.inbox import Entry, deferred, ended, tried
from rekku.store.journal import StepRecord, steps_of
from rekku.store.outbox import OutboxStore
from rekku.store.outgoing import Outgoing

log = logging.getLogger(__name__)

HOOK_LIMIT = 30.0
RETRY_DEFERRED = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """The owner's limits for one turn; `give_up_after` is how long a message may stay unanswered."""

    steps: int = 8
    retries: int = 2
    give_up_after: timedelta = timedelta(hours=24)


class Runner:
    """Runs turns: asks the model, has its deeds done, asks again, says how it ended."""

    def __init__(
        self,
        *,
        database: Database,
        registry: Registry,
        catalogue: Catalogue,
        engines: Engines,
        thinker: Thinker,
        dispatcher: Dispatcher,
        ledger: Ledger,
        outbox: OutboxStore,
        clock: Clock,
        next_id: Callable[[], int],
        limits: TurnLimits,
        tell_trainer: Callable[[str], Awaitable[None]],
    ) -> None:
        self._db = database
        self._registry = registry
        self._catalogue = catalogue
        self._engines = engines
        self._thinker = thinker
        self._dispatcher = dispatcher
        self._ledger = ledger
        self._outbox = outbox
        self._clock = clock
        self._next_id = next_id
        self._limits = limits
        self._tell_trainer = tell_trainer

    async def run(self, turn: OpenTurn) -> Outcome:
        """Run a turn to its end, or put it off when no engine answers."""
        if turn.entries[0].tries:
            await self._ledger.commit(turn, tried(turn.entries))
        try:
            await (self._say_errand(turn) if turn.in_plain_words else self._drive(turn))
        except TurnCancelled:
            return await self._close(turn, "cancelled", words.CANCELLED, Outcome.CANCELLED)
        except EngineError as error:
            if turn.message.errand is None:
                return await self._defer(turn, error)
            log.warning("An errand in %s goes out in plain words: %s", turn.conversation, error)
            await self._say_errand(turn)
        outcome = Outcome.FAILED if turn.failures else Outcome.ANSWERED
        unfinished = bool(self._listeners()) or turn.drafted is not None
        await self._commit(turn, "ending" if unfinished else "done")
        if unfinished:
            await self._end_hooks(turn, outcome)
        return outcome

    async def fail(self, turn: OpenTurn, text: str, notice: str) -> Outcome:
        """End a turn that broke: the person gets words, the owner a notice."""
        await self._notice(turn, notice)
        turn.outgoing, turn.writes = [], []
        await self._thinker.take_up_draft(turn)
        errand = turn.message.errand
        return await self._close(turn, "given_up", errand.fallback if errand else text, Outcome.FAILED)

    async def drop(self, turn: OpenTurn) -> Outcome:
        """End a turn without a word: its person has been blocked meanwhile."""
        await self._thinker.take_up_draft(turn)
        await self._commit(turn, "cancelled")
        return Outcome.IGNORED

    async def end(self, turn: OpenTurn) -> Outcome:
        """A turn that was answered when the process ended: only its end is still to be told."""
        turn.steps = await steps_of(self._db, turn.id)
        await self._thinker.take_up_draft(turn)
        await self._take_back_draft(turn)
        await self._end_hooks(turn, Outcome.ANSWERED)
        return Outcome.ANSWERED

    async def _drive(self, turn: OpenTurn) -> None:
        """Step after step, until a reply leaves nothing to say back to the model."""
        if turn.resumed:
            turn.steps = await steps_of(self._db, turn.id)
            await self._thinker.take_up_draft(turn)
        prompt = await self._thinker.prompt(turn)
        turn.tainted = prompt.foreign or turn.message.errand is not None  # its words were written by a model
        retries = self._limits.retries
        for number in range(self._limits.steps):
            step = turn.steps[number] if number < len(turn.steps) else await self._thinker.think(turn, prompt)
            if number and _same(step, turn.steps[number - 1]):
                step.deeds = [Deed(deed.action, deed.payload, "refused") for deed in step.deeds]
                break
            await self._dispatcher.carry_out(turn, step)
            outputs, errors, quoted = results(step)
            warning = [] if turn.warned else quoted
            if not outputs and not errors and not warning:
                break
            turn.warned = turn.warned or bool(quoted)
            if errors and retries == 0:
                turn.failures = [problem for error in errors for problem in error["problems"]]
                break
            retries -= bool(errors)
            note = words.LAST_STEP if number + 2 == self._limits.steps else ""
            go_on(prompt, step, outputs_message(outputs, errors + warning, note))
        await self._conclude(turn, prompt)

    async def _conclude(self, turn: OpenTurn, prompt: Prompt) -> None:
        """Nobody is left without words: if the model has said nothing, it is asked once, else Rekku says something."""
        if turn.message.errand is not None:
            await self._say_errand(turn)
        elif turn.failures:
            problems = "; ".join(turn.failures)
            self._say(turn, words.GAVE_UP_CORRECTING.format(problems=words.shorten(problems, 600)))
            await self._notice(turn, f"A model could not correct its actions in {turn.conversation}: {problems}")
        if turn.sent or any(d.status == "done" and self._catalogue.is_message(d.action) for d in _deeds(turn)):
            return
        go_on(prompt, turn.steps[-1], outputs_message([], [], words.ASK_FOR_WORDS))
        step = await self._thinker.think(turn, prompt)
        step.deeds = [deed for deed in step.deeds if self._catalogue.is_message(deed.action)]
        await self._dispatcher.carry_out(turn, step)
        if not turn.sent:
            done = [deed.action for deed in _deeds(turn) if deed.status == "done"]
            self._say(turn, words.done(done) if done else words.SILENT_MODEL)

    async def _say_errand(self, turn: OpenTurn) -> None:
        """What an errand promised is said in any case, unless its conversation has heard from the model."""
        assert turn.message.errand is not None
        before = await self._outbox.of_turn(turn.id) if turn.resumed else []
        if not any(sent.to == turn.conversation for sent in (*turn.sent, *before) if sent.status != "draft"):
            self._say(turn, turn.message.errand.fallback)

    def _say(self, turn: OpenTurn, text: str) -> None:
        """Rekku's own words, into the conversation of the turn."""
        turn.put(Outgoing(self._next_id(), turn.conversation, text, self._clock.now(), turn.id))

    async def _close(self, turn: OpenTurn, status: str, text: str, outcome: Outcome) -> Outcome:
        self._say(turn, text)
        await self._commit(turn, status)
        return outcome

    async def _commit(self, turn: OpenTurn, status: str) -> None:
        """Commit the end of a turn; a draft that became no message is taken back."""
        await self._ledger.commit(turn, ended(turn.entries, status))
        await self._take_back_draft(turn)

    async def _take_back_draft(self, turn: OpenTurn) -> None:
        """Remove what was shown and became no message; it is tried again after a crash, so it may happen twice."""
        if turn.drafted is not None and turn.draft is not None:
            row, turn.drafted = turn.drafted, None
            await turn.draft.take_back(row)
            row.status, row.text = "dropped", ""
            turn.writes.append(self._outbox.added(row))
            await self._ledger.commit(turn)

    async def _defer(self, turn: OpenTurn, error: EngineError) -> Outcome:
        """No engine answers: say so once, keep the message, try again later; give it up after a day."""
        now = self._clock.now()
        first = turn.entries[0]
        if now - first.received_at >= self._limits.give_up_after:
            text = words.GIVEN_UP.format(text=words.shorten(turn.message.text, 200))
            await self._notice(turn, f"A message in {turn.conversation} was given up unanswered: {error}")
            return await self._close(turn, "given_up", text, Outcome.FAILED)
        capped = isinstance(error, CapReached)
        until = self._engines.cap_ends() if capped else now + RETRY_DEFERRED
        if first.status != "deferred":
            self._say(turn, words.deferral(words.shorten(str(error), 200), capped))
            await self._notice(turn, f"No engine answers, so messages wait: {error}")
        later = [deferred(entry, until) for entry in turn.entries]
        joint = turn.id if turn.steps else None
        turn.entries = [replace(entry, turn_id=joint or entry.turn_id) for entry, _ in later]
        await self._ledger.commit(turn, [write for _, write in later])
        return Outcome.DEFERRED

    async def _notice(self, turn: OpenTurn, text: str) -> None:
        """Tell the owner, unless it is the owner who reads the words of this turn."""
        if not (turn.principal.is_trainer and turn.message.direct):
            await self._tell_trainer(text)

    def _listeners(self) -> list[Any]:
        return [component for component in self._registry if component.members.has("on_turn_end")]

    async def _end_hooks(self, turn: OpenTurn, outcome: Outcome) -> None:
        """Tell every component that asked that the turn is over, then close it."""
        if turn.resumed:
            turn.sent = [row for row in await self._outbox.of_turn(turn.id) if row.status not in ("draft", "dropped")]
        finished = turn.finished(self._clock.now(), outcome)
        for component in self._listeners():
            try:
                await component.members.call("on_turn_end", finished, limit=HOOK_LIMIT)
            except Exception:  # the door to a component's hook
                log.exception("%s failed at the end of turn %d.", component.name, turn.id)
        await self._ledger.commit(turn, ended(turn.entries, "done"))


def open_turn(entries: Sequence[Entry], principal: Principal, now: datetime, resumed: bool) -> OpenTurn:
    """A turn for these entries; one that was begun before keeps its number."""
    first = entries[0]
    return OpenTurn(first.turn_id or first.id, principal, entries, now, resumed)


def _deeds(turn: OpenTurn) -> list[Deed]:
    return [deed for step in turn.steps for deed in step.deeds]


def _same(step: StepRecord, before: StepRecord) -> bool:
    """Whether a reply asks for just what the reply before it asked for, of which something was done."""
    if not step.deeds or not any(deed.status in ("done", "failed") for deed in before.deeds):
        return False
    return [(d.action, d.payload) for d in step.deeds] == [(d.action, d.payload) for d in before.deeds]
