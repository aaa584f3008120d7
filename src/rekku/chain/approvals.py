"""Approvals: a high-risk action waits for the trainer's yes, which is good for exactly that action, once."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from rekku.chain.draft import Spawn
from rekku.chain.turn import OpenTurn
from rekku.core.actions import Action, Risk
from rekku.core.clock import Clock
from rekku.core.errors import ActionError
from rekku.core.message import Choice, Conversation
from rekku.core.turn import Deed

LIMIT = 120
"""Seconds until no answer is a no."""
LONGEST_SHOWN = 3_000
"""Characters of an action that can be shown whole; what cannot be shown cannot be approved."""

QUESTION = (
    "May I do this? {why}\n\n{what}\n\nWrite /approve {code} to have it done once, or /deny {code}. "
    "Without an answer within {limit} seconds it is not done."
)
ALWAYS = "You want to be asked each time."
FOR_ANOTHER = "You want to be asked each time; this is for {who} in {where}."
TAINTED = "This turn shows words of other people, which may have led me to it."

TOO_LONG = "{action} needs the trainer's approval, and it is too long to be shown ({most} characters). Shorten it"
DENIED = "{action} was not done: the trainer said no. Do not ask for it again in this turn"
NO_ANSWER = "{action} was not done: the trainer did not approve it within {limit} seconds"
LEFT_OPEN = "{action} was not done: Rekku was restarted while it waited for the trainer's approval"


class Say(Protocol):
    """How a question gets into a chat."""

    async def __call__(self, where: Conversation, text: str, *, choices: Sequence[Choice] = ()) -> None: ...


class TellTrainer(Protocol):
    """How a question gets to the trainer, wherever that is."""

    async def __call__(self, text: str, *, choices: Sequence[Choice] = ()) -> None: ...


class Asking(StrEnum):
    """When the trainer is asked before a high-risk action is done: the setting APPROVALS."""

    TAINTED = "tainted"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(eq=False, slots=True)
class Question:
    """An action that waits. `code` is bound to the action, its payload and its turn."""

    code: str
    where: Conversation
    action: str
    answer: "asyncio.Future[bool]" = field(repr=False)


class Approvals:
    """Questions to the trainer that are open. They live in this process: after a crash each of them is a no."""

    def __init__(
        self,
        *,
        asking: Asking,
        clock: Clock,
        spawn: Spawn,
        say: Say,
        tell_trainer: TellTrainer,
    ) -> None:
        self._asking = asking
        self._clock = clock
        self._spawn = spawn
        self._say = say
        self._tell_trainer = tell_trainer
        self._open: dict[str, Question] = {}
        self._missed: dict[Conversation, float] = {}

    def wanted(self, action: Action, turn: OpenTurn) -> bool:
        """Whether this action must be approved in this turn: it says so itself, or its risk is high."""
        if action.approval:
            return True
        if action.risk is not Risk.HIGH or self._asking is Asking.NEVER:
            return False
        return self._asking is Asking.ALWAYS or turn.tainted

    async def ask(self, turn: OpenTurn, deed: Deed, index: int) -> str:
        """Ask the trainer and wait; "" if it was approved, else why not, for the model.

        The question stands in the turn's conversation if it is the trainer's turn, else where the trainer is.
        """
        what = shown(deed)
        if len(what) > LONGEST_SHOWN:
            return TOO_LONG.format(action=deed.action, most=LONGEST_SHOWN)
        code = _code(turn, deed, index)
        question = Question(code, turn.conversation, deed.action, asyncio.get_running_loop().create_future())
        self._open[code] = question
        timer = self._spawn(self._clock.sleep(LIMIT), f"approval {code}")
        try:
            await self._put(turn, what, code)
            await asyncio.wait((question.answer, timer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            self._open.pop(code, None)
        if not question.answer.done():
            self._missed[turn.conversation] = self._clock.monotonic()
            return NO_ANSWER.format(action=deed.action, limit=LIMIT)
        return "" if question.answer.result() else DENIED.format(action=deed.action)

    async def _put(self, turn: OpenTurn, what: str, code: str) -> None:
        choices = (Choice("Approve", f"/approve {code}"), Choice("Deny", f"/deny {code}"))
        if turn.principal.is_trainer:
            why = TAINTED if turn.tainted else ALWAYS
            question = QUESTION.format(why=why, what=what, code=code, limit=LIMIT)
            await self._say(turn.conversation, question, choices=choices)
            return
        why = FOR_ANOTHER.format(who=turn.principal.name or turn.principal.user_id, where=turn.conversation)
        await self._tell_trainer(QUESTION.format(why=why, what=what, code=code, limit=LIMIT), choices=choices)

    def answer(self, where: Conversation, code: str, yes: bool) -> str:
        """The trainer's answer to one question; the name of its action. Raises ActionError if none is meant."""
        question = self._open.get(code.strip().lower()) if code.strip() else self._only_one(where)
        if question is None or question.answer.done():
            raise ActionError("nothing of that code waits for an approval (any more)")
        question.answer.set_result(yes)
        return question.action

    def _only_one(self, where: Conversation) -> Question:
        """The question that an answer without a code means: the only one here, unless one was just missed."""
        here = [question for question in self._open.values() if question.where == where]
        missed = self._missed.get(where)
        if len(here) != 1:
            raise ActionError("several things wait; add the code" if here else "nothing waits for an approval here")
        if missed is not None and self._clock.monotonic() - missed < LIMIT:
            raise ActionError("another question has just run out, so add the code of the one that you mean")
        return here[0]


def shown(deed: Deed) -> str:
    """The exact action, a line for each field, with everything visible that would not show."""
    lines = [deed.action]
    for name, value in deed.payload.items():
        text = json.dumps(value, ensure_ascii=False)
        lines.append(f"  {_visible(str(name))}: {_visible(text)}")
    return "\n".join(lines)


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _code(turn: OpenTurn, deed: Deed, index: int) -> str:
    payload = json.dumps(deed.payload, sort_keys=True, default=str)
    bound = "\0".join((str(turn.id), str(len(turn.steps)), str(index), deed.action, payload))
    return hashlib.blake2b(bound.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
