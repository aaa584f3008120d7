"""The dispatcher: is it known, may it, is it right? Then it is done, once."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from rekku.chain import words
from rekku.chain.approvals import LEFT_OPEN, Approvals
from rekku.chain.catalogue import Catalogue, Owned
from rekku.chain.permission import Rules, refusal
from rekku.chain.turn import Doing, OpenTurn, TurnCancelled, current
from rekku.core.actions import Risk
from rekku.core.clock import Clock
from rekku.core.errors import ActionError
from rekku.core.turn import Deed
from rekku.store.codec import dump
from rekku.store.journal import StepRecord
from rekku.store.state import audit_outcome, audited

log = logging.getLogger(__name__)

VALIDATION_LIMIT = 5.0


class TurnBot:
    """The `bot` that `execute_action` gets: it sends into the conversation of the turn."""

    def __init__(self, send: Callable[[str], Awaitable[None]]) -> None:
        self._send = send

    async def send_message(self, *args: Any, text: str | None = None, **_kwargs: Any) -> None:
        """Send the keyword `text`, or the last text among the arguments."""
        texts = [value for value in args if isinstance(value, str)]
        await self._send(text if text is not None else texts[-1])


class Dispatcher:
    """Carries out the deeds of a step, in order.

    `save` commits what a turn has gathered; `action_limit` is in seconds, for actions that do not say themselves.
    """

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        rules: Rules,
        approvals: Approvals,
        action_limit: float,
        clock: Clock,
        next_id: Callable[[], int],
        save: Callable[[OpenTurn], Awaitable[None]],
        send: Callable[[str], Awaitable[None]],
    ) -> None:
        self._catalogue = catalogue
        self._rules = rules
        self._approvals = approvals
        self._action_limit = action_limit
        self._clock = clock
        self._next_id = next_id
        self._save = save
        self._bot = TurnBot(send)

    async def carry_out(self, turn: OpenTurn, step: StepRecord) -> None:
        """Do every deed of the step that is not settled yet."""
        for index, deed in enumerate(step.deeds):
            if deed.status == "started" and not self._idempotent(deed.action):
                step.set(index, replace(deed, status="unknown", problems=(f"{deed.action}: {words.UNKNOWN_OUTCOME}",)))
            elif deed.status == "asked":
                self._refuse_left_open(turn, step, index)
            elif deed.status in ("planned", "started"):
                await self._one(turn, step, index)
            turn.tainted = turn.tainted or self._brings_words(step.deeds[index])

    def _refuse_left_open(self, turn: OpenTurn, step: StepRecord, index: int) -> None:
        """A question that was open when the process ended was not answered, and no answer is a no."""
        deed = step.deeds[index]
        number, now = self._next_id(), self._clock.now()
        turn.writes.append(audited(number, now, turn.id, turn.principal, deed.action, deed.payload, "refused"))
        step.set(index, replace(deed, status="refused", problems=(LEFT_OPEN.format(action=deed.action),)))

    async def _one(self, turn: OpenTurn, step: StepRecord, index: int) -> None:
        deed = step.deeds[index]
        owned = self._catalogue.actions.get(deed.action)
        problems = await self._problems(turn, deed, owned)
        if owned is not None and not problems and self._approvals.wanted(owned.action, turn):
            problems = await self._approved(turn, step, index)
        audit = 0
        if owned is not None and owned.action.risk > Risk.LOW:
            audit = self._next_id()
            outcome = "refused" if problems else "started"
            now = self._clock.now()
            turn.writes.append(audited(audit, now, turn.id, turn.principal, deed.action, deed.payload, outcome))
        if problems or owned is None:
            step.set(index, replace(deed, status="refused", problems=tuple(problems)))
            return
        if not self._catalogue.is_message(deed.action):
            step.set(index, replace(deed, status="started"))
            await self._save(turn)
        try:
            done = await self._do(turn, deed, owned)
        except TurnCancelled:
            step.set(index, replace(deed, status="unknown", problems=(f"{deed.action} was cancelled",)))
            raise
        if audit:
            turn.writes.append(audit_outcome(audit, done.status))
        step.set(index, done)

    async def _approved(self, turn: OpenTurn, step: StepRecord, index: int) -> list[str]:
        """Wait for the trainer's yes; empty if it came. That it was asked is kept first: a crash now means no."""
        deed = step.deeds[index]
        step.set(index, replace(deed, status="asked"))
        await self._save(turn)
        try:
            async with turn.interruptible():
                refused = await self._approvals.ask(turn, deed, index)
        except TurnCancelled:
            step.set(index, replace(deed, status="refused", problems=(f"{deed.action} was cancelled",)))
            raise
        return [refused] if refused else []

    async def _problems(self, turn: OpenTurn, deed: Deed, owned: Owned | None) -> list[str]:
        """Why the deed cannot be done, in words for the model; empty if it can."""
        if owned is None:
            offered = self._catalogue.offer(turn.principal, turn.conversation, turn.message.direct).actions
            return [f"{deed.action!r} is no action; the actions are {', '.join(offered)}"]
        action = owned.action
        refused = refusal(action, turn.principal, turn.conversation, turn.message.direct, self._rules)
        if refused:
            return [refused]
        absent = action.absent(deed.payload)
        if absent:
            return absent
        wrong = action.type_problems(deed.payload)
        return [*wrong, *await self._validate(owned, deed, trips=bool(wrong))]

    async def _validate(self, owned: Owned, deed: Deed, *, trips: bool) -> list[str]:
        """What the plugin says. It may trip over a value of the wrong type, which the model is told of already."""
        member = "validate_payload"
        if not owned.owner.members.has(member):
            return []
        try:
            found = await owned.owner.members.call(member, deed.action, dict(deed.payload), limit=VALIDATION_LIMIT)
        except ActionError as error:
            return list(error.problems)
        except Exception as error:  # a validator that raises means: not valid
            if trips:
                log.debug("%s tripped over the types of %s: %r", owned.owner.name, deed.action, error)
                return []
            log.exception("%s could not check the action %s, so it counts as invalid.", owned.owner.name, deed.action)
            return [f"{deed.action} could not be checked ({type(error).__name__})"]
        return [str(problem) for problem in found or ()]

    async def _do(self, turn: OpenTurn, deed: Deed, owned: Owned) -> Deed:
        limit = owned.action.timeout or self._action_limit
        doing = Doing(turn, deed)
        token = current.set(doing)
        try:
            async with turn.interruptible():
                output = await self._call(turn, deed, owned, limit)
        except TurnCancelled:
            raise
        except ActionError as error:
            return replace(deed, status="failed", problems=tuple(error.problems))
        except TimeoutError:
            return _failed(deed, f"it took longer than {limit:g} seconds and was stopped")
        except Exception as error:  # the door to a plugin's action
            log.exception("The action %s of %s failed.", deed.action, owned.owner.name)
            return _failed(deed, f"{type(error).__name__}: {words.shorten(str(error), 300)}")
        finally:
            doing.over = True
            current.reset(token)
        turn.writes.extend(doing.writes)
        for message in doing.outgoing:
            turn.put(message)
        return replace(deed, status="done", output=output)

    async def _call(self, turn: OpenTurn, deed: Deed, owned: Owned, limit: float) -> Any:
        members = owned.owner.members
        payload = dict(deed.payload)
        if members.has("execute_action"):
            action = {"type": deed.action, "payload": payload}
            context = _context(turn)
            return await members.call("execute_action", action, context, self._bot, turn.message, limit=limit)
        return await members.call("handle_custom_action", deed.action, payload, limit=limit)

    def _brings_words(self, deed: Deed) -> bool:
        """Whether a deed showed the turn what may be other people's words."""
        owned = self._catalogue.actions.get(deed.action)
        return deed.output is not None and not (owned is not None and owned.action.trusted_output)

    def _idempotent(self, name: str) -> bool:
        owned = self._catalogue.actions.get(name)
        return self._catalogue.is_message(name) or (owned is not None and owned.action.idempotent)


Results = list[dict[str, Any]]


def results(step: StepRecord, most: int = 20_000) -> tuple[Results, Results, Results]:
    """What goes back to the model: outputs, errors, and what was only quoted; each with its action."""
    outputs: Results = []
    errors: Results = []
    quoted: Results = []
    for deed in step.deeds:
        if deed.output is not None:
            outputs.append({"action": deed.action, "output": _fitting(deed.output, most)})
        if deed.problems:
            where = quoted if deed.status == "quoted" else errors
            where.append({"action": deed.action, "problems": list(deed.problems)})
    if step.problem:
        errors.append({"problems": [step.problem]})
    return outputs, errors, quoted


def _fitting(output: Any, most: int) -> Any:
    if isinstance(output, str):
        return words.shorten(output, most)
    text = dump(output)
    return output if len(text) <= most else words.shorten(text, most)


def _failed(deed: Deed, why: str) -> Deed:
    return replace(deed, status="failed", problems=(f"{deed.action} failed: {why}",))


def _context(turn: OpenTurn) -> dict[str, Any]:
    where = turn.conversation
    return {
        "interface": where.interface,
        "chat_id": where.chat_id,
        "thread_id": where.thread_id,
        "user_id": turn.principal.user_id,
        "person_id": turn.principal.person_id,
        "role": turn.principal.role.word,
        "turn_id": turn.id,
        "listeners": list(turn.listeners),
    }
