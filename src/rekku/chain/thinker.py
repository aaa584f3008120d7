"""One reply of the model: the prompt goes out, the draft is shown, the reply comes apart into a step."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from rekku.chain.catalogue import Catalogue
from rekku.chain.draft import Draft
from rekku.chain.engine import Engines, ModelReply
from rekku.chain.ledger import Ledger
from rekku.chain.parser import Reply, parse_reply
from rekku.chain.presence import Presence
from rekku.chain.prompt import Prompt, PromptBuilder
from rekku.chain.turn import OpenTurn, prompting
from rekku.chain.words import NOT_CLEAN
from rekku.core.clock import Clock
from rekku.core.errors import EngineUnreachable
from rekku.core.turn import Deed
from rekku.store.journal import StepRecord
from rekku.store.outbox import OutboxStore

REMEMBERED = 20_000
"""Characters of its own reply that a model is shown again."""


class Thinker:
    """Asks the model for a turn."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        prompts: PromptBuilder,
        engines: Engines,
        ledger: Ledger,
        outbox: OutboxStore,
        clock: Clock,
        presence: Presence,
        most_actions: int,
        new_draft: Callable[[OpenTurn], Draft | None],
        context_wanted: Callable[[OpenTurn], bool],
    ) -> None:
        self._catalogue = catalogue
        self._prompts = prompts
        self._engines = engines
        self._ledger = ledger
        self._outbox = outbox
        self._clock = clock
        self._presence = presence
        self._most_actions = most_actions
        self._new_draft = new_draft
        self._context_wanted = context_wanted

    async def prompt(self, turn: OpenTurn) -> Prompt:
        """The prompt that begins the turn."""
        engine = self._engines.active(turn.conversation)
        token = prompting.set(turn.principal)
        try:
            return await self._prompts.build(
                turn.principal,
                [entry.message for entry in turn.entries],
                own_ids=[entry.id for entry in turn.entries],
                with_history=self._context_wanted(turn),
                budget=int(engine.members.value("character_budget")),
                images=bool(engine.members.value("takes_images")),
            )
        finally:
            prompting.reset(token)

    async def take_up_draft(self, turn: OpenTurn) -> None:
        """Find what the turn has shown and not yet sent, by what the database knows."""
        left = await self._outbox.drafts(turn.id)
        turn.drafted = left[-1] if left else None
        turn.draft = self._new_draft(turn) if left else None

    async def think(self, turn: OpenTurn, prompt: Prompt) -> StepRecord:
        """Ask the model; its reply is the turn's next step. Raises EngineError if none answers (an errand: in time)."""
        await self._ledger.commit(turn)
        errand = turn.message.errand
        if errand is not None and self._engines.active(turn.conversation).members.value("waits_for_a_person"):
            raise EngineUnreachable("a person would have to answer, and this cannot wait")
        try:
            async with asyncio.timeout(errand.patience if errand else None):
                reply = await self._ask(turn, prompt)
        except TimeoutError:
            raise EngineUnreachable("no engine answered in time") from None
        parsed = await parse_reply(
            reply.text, self._catalogue.actions.keys(), prompt.offer.reply_fields.keys(), max_actions=self._most_actions
        )
        step = StepRecord(
            turn.id,
            len(turn.steps),
            reply.text[:REMEMBERED],
            _without_repeats(self._plan(parsed), turn.steps),
            self._clock.now(),
            fields=parsed.fields,
            knew={} if turn.steps else prompt.knew,
            engine=reply.engine,
            model=reply.model,
            prompt_tokens=reply.prompt_tokens,
            completion_tokens=reply.completion_tokens,
            seconds=reply.seconds,
            cost=reply.cost,
            problem=self._unusable(parsed),
        )
        turn.steps.append(step)
        return step

    async def _ask(self, turn: OpenTurn, prompt: Prompt) -> ModelReply:
        draft = turn.draft = self._new_draft(turn)
        if draft is not None:
            draft.row, turn.drafted = turn.drafted, None
        try:
            async with self._presence.thinking(turn.conversation), turn.interruptible():
                return await self._engines.ask(
                    prompt.messages,
                    schema=prompt.offer.schema,
                    conversation=turn.conversation,
                    show=draft.show if draft else None,
                )
        finally:
            if draft is not None:
                turn.drafted = await draft.settle()

    def _plan(self, reply: Reply) -> list[Deed]:
        """The deeds that a reply asks for. Of one that was not clean, only what may be quoted is planned."""
        deeds = []
        for asked in reply.asked:
            deed = Deed(asked.type, asked.payload)
            if asked.problem:
                deed = replace(deed, status="refused", problems=(asked.problem,))
            elif not reply.clean and not self._catalogue.is_quotable(asked.type):
                why = NOT_CLEAN.format(action=asked.type, because=reply.unclean_because)
                deed = replace(deed, status="quoted", problems=(why,))
            deeds.append(deed)
        if reply.words:
            deeds.append(Deed("message", {"text": reply.words}))
        return deeds

    def _unusable(self, reply: Reply) -> str:
        """What the model must be told about its reply as a whole."""
        if reply.cut:
            return f"one reply may ask for {self._most_actions} actions; {reply.cut} more were left out"
        if not reply.asked and not reply.words and reply.enveloped and not reply.clean:
            return f"your reply could not be used: {reply.unclean_because}"
        return ""


def _without_repeats(deeds: list[Deed], steps: Sequence[StepRecord]) -> list[Deed]:
    """A plan without what was done already: to correct a part, weak models repeat the whole of their reply."""
    done: list[tuple[str, Any]] = []
    for step in reversed(steps):
        if not step.problem and not any(deed.problems for deed in step.deeds):
            break
        done += [(deed.action, deed.payload) for deed in step.deeds if deed.status == "done"]
    for index, deed in enumerate(deeds):
        if (deed.action, deed.payload) in done:
            done.remove((deed.action, deed.payload))
            deeds[index] = Deed(deed.action, deed.payload, "refused")
    return deeds


def go_on(prompt: Prompt, step: StepRecord, answer: dict[str, Any]) -> None:
    """Make the prompt go on behind a step."""
    prompt.messages = [*prompt.messages, {"role": "assistant", "content": step.reply}, answer]
