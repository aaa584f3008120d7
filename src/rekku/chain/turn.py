"""A turn under way: what it is, what it has done, and what the database does not know yet."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from rekku.chain.draft import Draft
from rekku.core.database import Write
from rekku.core.message import Conversation, Message
from rekku.core.principal import Principal
from rekku.core.turn import Deed, Outcome, Turn
from rekku.store.inbox import Entry
from rekku.store.journal import StepRecord
from rekku.store.outgoing import Outgoing

current: ContextVar["Doing | None"] = ContextVar("doing", default=None)
"""The deed that runs in this context; what it sends belongs to its turn."""


prompting: ContextVar[Principal | None] = ContextVar("prompting", default=None)
"""Whose prompt is being built in this context."""


MUCH_LATER = timedelta(minutes=1)
"""What comes so much later than it should says so."""


class TurnCancelled(Exception):
    """Somebody who may do so has ended the turn."""


@dataclass(eq=False, slots=True)
class OpenTurn:
    """A turn under way. `outgoing` and `writes` are committed together, and only then is anything sent."""

    id: int
    principal: Principal
    entries: Sequence[Entry]
    started_at: datetime
    resumed: bool = False
    in_plain_words: bool = False
    steps: list[StepRecord] = field(default_factory=list)
    tainted: bool = False
    sent: list[Outgoing] = field(default_factory=list)
    outgoing: list[Outgoing] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    draft: Draft | None = None
    drafted: Outgoing | None = None
    failures: list[str] = field(default_factory=list)
    warned: bool = False
    _cancelled: bool = False
    _scope: asyncio.Timeout | None = None

    @property
    def message(self) -> Message:
        """The last message that it answers."""
        return self.entries[-1].message

    @property
    def conversation(self) -> Conversation:
        """Where it is answered."""
        return self.message.conversation

    @property
    def listeners(self) -> tuple[str, ...]:
        """Who heard it in a group, beside who is talking: as it was when the model was first asked."""
        knew = self.steps[0].knew if self.steps else {}
        return tuple(who for who in knew.get("listeners", ()) if who != self.principal.person_id)

    def cancel(self) -> None:
        """End the turn at the next point where that does no harm."""
        self._cancelled = True
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def interruptible(self) -> AsyncIterator[None]:
        """A stretch of the turn that `cancel` may end, with TurnCancelled: a model that thinks, an action that runs."""
        if self._cancelled:
            raise TurnCancelled
        try:
            async with asyncio.timeout(None) as self._scope:
                yield
        except TimeoutError:
            if self._scope is not None and self._scope.expired():
                raise TurnCancelled from None
            raise
        finally:
            self._scope = None

    def put(self, message: Outgoing) -> None:
        """Add a message that goes out with the next commit; the draft, if there is one, becomes the first answer that
        has words."""
        errand = self.message.errand
        if message.to == self.conversation and errand is None:
            message.answers = self.message.message_id
        elif message.to == self.conversation and errand is not None:
            message.person_id = self.principal.person_id
            waited = self.started_at - self.message.at >= MUCH_LATER
            message.since = self.message.at if waited else message.created_at
        if self.drafted is not None and message.to == self.conversation and message.text.strip():
            drafted, self.drafted = self.drafted, None
            message.id, message.platform_id = drafted.id, drafted.platform_id
            message.drafted, message.doubted, message.shown = True, drafted.doubted, drafted.shown
        self.outgoing.append(message)
        self.sent.append(message)

    def finished(self, at: datetime, outcome: Outcome) -> Turn:
        """The turn as components see it."""
        last = self.steps[-1] if self.steps else None
        return Turn(
            id=self.id,
            conversation=self.conversation,
            principal=self.principal,
            messages=tuple(entry.message for entry in self.entries),
            started_at=self.started_at,
            finished_at=at,
            outcome=outcome,
            replies=tuple(text for message in self.sent if (text := self._reply(message))),
            deeds=tuple(deed for step in self.steps for deed in step.deeds),
            fields={key: value for step in self.steps for key, value in step.fields.items()},
            engine=last.engine if last else "",
            model=last.model if last else "",
            prompt_tokens=sum(step.prompt_tokens for step in self.steps),
            completion_tokens=sum(step.completion_tokens for step in self.steps),
            listeners=self.listeners,
        )

    def _reply(self, message: Outgoing) -> str:
        """What a message said; a recording for another chat is not repeated, for who reads here did not hear it."""
        return message.said if message.to == self.conversation else message.text


@dataclass(eq=False, slots=True)
class Doing:
    """One deed of a turn while it runs; what it sends is kept here until it has succeeded.

    A task that it leaves behind still sees it: once it is `over`, what that task sends belongs to no turn.
    """

    turn: OpenTurn
    deed: Deed
    over: bool = False
    outgoing: list[Outgoing] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
