"""One turn, from its prompt to its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rekku.chain import words
from rekku.chain.catalogue import Catalogue
from rekku.chain.dispatcher import Dispatcher, results
from rekku.chain.draft import Draft
from rekku.chain.engine import CapReached, Engines
from rekku.chain.parser import Reply, parse_reply
from rekku.chain.prompt import Prompt, PromptBuilder, outputs_message
from rekku.chain.turn import OpenTurn
from rekku.core.clock import Clock
from rekku.core.database import Database
from rekku.core.errors import EngineError
from rekku.core.principal import Principal
from rekku.core.registry import Registry
from rekku.core.turn import Deed, Outcome
from rekku.store.history import said
from rekku.store.inbox import Entry, deferred, ended, joined
from rekku.store.journal import StepRecord, steps_of
from rekku.store.outbox import OutboxStore, Outgoing

log = logging.getLogger(__name__)

HOOK_LIMIT = 30.0
RETRY_DEFERRED = timedelta(seconds=60)
REMEMBERED = 20_000
"""Characters of its own reply that a model is shown again."""


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """The owner's limits for one turn; `give_up_after` is how long a message may stay unanswered."""

    actions: int = 10
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
        prompts: PromptBuilder,
        engines: Engines,
        outbox: OutboxStore,
        clock: Clock,
        next_id: Callable[[], int],
        limits: TurnLimits,
        release: Callable[[Sequence[Outgoing], OpenTurn], None],
        new_draft: Callable[[OpenTurn], Draft | None],
        context_wanted: Callable[[OpenTurn], bool],
        tell_trainer: Callable[[str], Awaitable[None]],
    ) -> None:
        self._db = database
        self._registry = registry
        self._catalogue = catalogue
        self._prompts = prompts
        self._engines = engines
        self._outbox = outbox
        self._clock = clock
        self._next_id = next_id
        self._limits = limits
        self._release = release
        self._new_draft = new_draft
        self._context_wanted = context_wanted
        self._tell_trainer = tell_trainer
        self.dispatcher: Dispatcher | None = None

    async def run(self, turn: OpenTurn) -> Outcome:
        """Run a turn to its end, or put it off when no engine answers. Raises StoreError when the database is away."""
        try:
            async with asyncio.timeout(None) as turn.scope:
                await self._drive(turn)
        except TimeoutError:
            if turn.scope is None or not turn.scope.expired():
                raise
            await self._leave_draft(turn)
            return await self._close(turn, "cancelled", words.CANCELLED, Outcome.CANCELLED)
        except EngineError as error:
            await self._leave_draft(turn)
            return await self._defer(turn, error)
        outcome = Outcome.FAILED if turn.failures else Outcome.ANSWERED
        await self._finish(turn, outcome)
        return outcome

    async def save(self, turn: OpenTurn) -> None:
        """Commit what the turn has gathered, then let its messages go."""
        await self._commit(turn, [])

    async def fail(self, turn: OpenTurn, text: str, notice: str) -> Outcome:
        """End a turn that broke: the person gets words, the owner a notice."""
        await self._notice(turn, notice)
        await self._leave_draft(turn)
        turn.outgoing, turn.writes = [], []
        return await self._close(turn, "given_up", text, Outcome.FAILED)

    async def drop(self, turn: OpenTurn) -> Outcome:
        """End a turn without a word: its person has been blocked meanwhile."""
        await self._commit(turn, ended(turn.entries, "cancelled"))
        return Outcome.IGNORED

    async def end(self, turn: OpenTurn) -> Outcome:
        """A turn that was answered when the process ended: only its end is still to be told."""
        turn.steps = await steps_of(self._db, turn.id)
        turn.sent = await self._outbox.of_turn(turn.id)
        await self._end_hooks(turn, Outcome.ANSWERED)
        return Outcome.ANSWERED

    async def _end_hooks(self, turn: OpenTurn, outcome: Outcome) -> None:
        """Tell every component that asked that the turn is over, then close it."""
        finished = turn.finished(self._clock.now(), outcome)
        for component in self._registry:
            if component.members.has("on_turn_end"):
                try:
                    await component.members.call("on_turn_end", finished, limit=HOOK_LIMIT)
                except Exception:  # the door to a component's hook
                    log.exception("%s failed at the end of turn %d.", component.name, turn.id)
        await self._db.write(*ended(turn.entries, "done"))

    async def _drive(self, turn: OpenTurn) -> None:
        assert self.dispatcher is not None
        if turn.resumed:
            turn.steps = await steps_of(self._db, turn.id)
        prompt = await self._prompt(turn)
        turn.tainted = turn.tainted or prompt.foreign
        errors_left = self._limits.retries
        for number in range(self._limits.steps):
            step = turn.steps[number] if number < len(turn.steps) else await self._think(turn, prompt, number)
            if number and _same(step, turn.steps[number - 1]):
                step.deeds = [Deed(d.action, d.payload, "refused") for d in step.deeds]
                break
            await self.dispatcher.carry_out(turn, step)
            outputs, errors = results(step)
            if not outputs and not errors:
                break
            if errors and errors_left == 0:
                turn.failures = [problem for error in errors for problem in error["problems"]]
                break
            errors_left -= bool(errors)
            note = "" if number + 2 < self._limits.steps else "This is your last reply in this turn: use `message`."
            self._go_on(prompt, step, outputs_message(outputs, errors, note))
        await self._conclude(turn, prompt)

    async def _prompt(self, turn: OpenTurn) -> Prompt:
        engine = self._engines.active()
        return await self._prompts.build(
            turn.principal,
            [entry.message for entry in turn.entries],
            own_ids=[entry.id for entry in turn.entries],
            with_history=self._context_wanted(turn),
            budget=int(engine.members.value("character_budget")),
            images=bool(engine.members.value("takes_images")),
        )

    async def _think(self, turn: OpenTurn, prompt: Prompt, number: int) -> StepRecord:
        """Ask the model, and take its reply apart."""
        await self.save(turn)
        draft = turn.draft = self._new_draft(turn)
        if draft is not None:
            left = await self._outbox.drafts(turn.id) if turn.resumed and turn.drafted is None else []
            draft.row = turn.drafted or (left[-1] if left else None)
            turn.drafted = None
        try:
            reply = await self._engines.ask(
                prompt.messages,
                schema=prompt.offer.schema,
                conversation=turn.conversation,
                show=draft.show if draft else None,
            )
        finally:
            if draft is not None:
                turn.drafted = await draft.settle()
        fields = prompt.offer.reply_fields
        parsed = await parse_reply(
            reply.text, self._catalogue.actions.keys(), fields.keys(), max_actions=self._limits.actions
        )
        step = StepRecord(
            turn.id,
            number,
            reply.text[:REMEMBERED],
            self._plan(parsed),
            self._clock.now(),
            fields=parsed.fields,
            knew=prompt.knew if number == 0 else {},
            engine=reply.engine,
            model=reply.model,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            seconds=reply.seconds,
            problem=_unread(parsed, self._limits.actions),
        )
        turn.steps.append(step)
        return step

    def _plan(self, reply: Reply) -> list[Deed]:
        assert self.dispatcher is not None
        deeds = [
            Deed(
                asked.type, asked.payload, "refused" if asked.problem else "planned", problems=_problems(asked.problem)
            )
            for asked in reply.asked
        ]
        if not reply.clean:
            deeds = self.dispatcher.only_quotable(deeds, reply.unclean_because)
        if reply.words:
            deeds.append(Deed("message", {"text": reply.words}))
        return deeds

    def _go_on(self, prompt: Prompt, step: StepRecord, answer: dict[str, Any]) -> None:
        prompt.messages = [*prompt.messages, {"role": "assistant", "content": step.reply}, answer]

    async def _conclude(self, turn: OpenTurn, prompt: Prompt) -> None:
        """Nobody is left without words: if the model has said nothing, it is asked once, else Rekku says something."""
        assert self.dispatcher is not None
        if turn.failures:
            problems = "; ".join(turn.failures)
            self._say(turn, words.GAVE_UP_CORRECTING.format(problems=words.shorten(problems, 600)))
            await self._notice(turn, f"A model could not correct its actions in {turn.conversation}: {problems}")
        if turn.sent or any(d.status == "done" and self._catalogue.is_message(d.action) for d in _deeds(turn)):
            return
        self._go_on(prompt, turn.steps[-1], outputs_message([], [], words.ASK_FOR_WORDS))
        step = await self._think(turn, prompt, len(turn.steps))
        step.deeds = [deed for deed in step.deeds if self._catalogue.is_message(deed.action)]
        await self.dispatcher.carry_out(turn, step)
        if not turn.sent:
            done = [deed.action for deed in _deeds(turn) if deed.status == "done"]
            self._say(turn, words.done(done) if done else words.SILENT_MODEL)

    def _say(self, turn: OpenTurn, text: str) -> None:
        """Rekku's own words, into the conversation of the turn."""
        turn.put(Outgoing(self._next_id(), turn.conversation, text, self._clock.now(), turn.id))

    async def _notice(self, turn: OpenTurn, text: str) -> None:
        """Tell the owner, unless it is the owner who reads the words of this turn."""
        if not (turn.principal.is_trainer and turn.message.direct):
            await self._tell_trainer(text)

    async def _leave_draft(self, turn: OpenTurn) -> None:
        if turn.draft is not None:
            turn.drafted = await turn.draft.settle()

    async def _finish(self, turn: OpenTurn, outcome: Outcome) -> None:
        hooked = any(component.members.has("on_turn_end") for component in self._registry)
        await self._commit(turn, ended(turn.entries, "ending" if hooked else "done"))
        if turn.drafted is not None and turn.draft is not None:
            await self._discard(turn.draft, turn.drafted)
        if hooked:
            await self._end_hooks(turn, outcome)

    async def _discard(self, draft: Draft, row: Outgoing) -> None:
        """What was shown came to nothing: the reply went elsewhere."""
        await draft.take_back(row)
        row.status, row.text = "dropped", ""
        await self._db.write(self._outbox.added(row))

    async def _close(self, turn: OpenTurn, status: str, text: str, outcome: Outcome) -> Outcome:
        self._say(turn, text)
        await self._commit(turn, ended(turn.entries, status))
        return outcome

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
        kept: list[Entry] = []
        writes = []
        for entry in turn.entries:
            later, write = deferred(entry, until)
            kept.append(later)
            writes.append(write)
        turn.entries = kept
        await self._commit(turn, writes)
        return Outcome.DEFERRED

    async def _commit(self, turn: OpenTurn, last: Sequence[Any]) -> None:
        writes = [write for step in turn.steps for write in step.unsaved()]
        if writes and len(turn.entries) > 1:
            writes += joined(turn.entries, turn.id)
        writes += turn.writes
        going = turn.outgoing
        for message in going:
            writes.append(self._outbox.added(message))
            writes.append(said(self._next_id(), message.to, message.text, message.created_at))
        writes += last
        if not writes:
            return
        await self._db.write(*writes)
        turn.writes, turn.outgoing = [], []
        for step in turn.steps:
            step.saved()
        self._release(going, turn)


def open_turn(entries: Sequence[Entry], principal: Principal, now: datetime, resumed: bool) -> OpenTurn:
    """A turn for these entries; one that was begun before keeps its number."""
    first = entries[0]
    return OpenTurn(first.turn_id or first.id, principal, entries, now, resumed)


def _deeds(turn: OpenTurn) -> list[Deed]:
    return [deed for step in turn.steps for deed in step.deeds]


def _same(step: StepRecord, before: StepRecord) -> bool:
    """Whether a reply asks for just what the reply before it asked for."""
    if not step.deeds or all(deed.status == "refused" for deed in before.deeds):
        return False
    return [(d.action, d.payload) for d in step.deeds] == [(d.action, d.payload) for d in before.deeds]


def _problems(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _unread(reply: Reply, most: int) -> str:
    if reply.cut:
        return f"one reply may ask for {most} actions; {reply.cut} more were left out"
    if not reply.asked and not reply.words and reply.enveloped and not reply.clean:
        return f"your reply could not be used: {reply.unclean_because}"
    return ""
