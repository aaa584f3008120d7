"""Calls of other programs: each is a message of the token's person, and the replies to it are the answer."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from rekku.core.host import Host
from rekku.core.message import Attachment, Conversation, Message, User
from rekku.core.turn import Outcome
from rekku.interface.webui.context import API, INTERFACE, OWNER_ID
from rekku.interface.webui.requests import Problem
from rekku.interface.webui.tokens import Token

BETWEEN = "\n\n"
LIMIT = 600.0
"""Seconds that a program may wait for an answer."""


class Call:
    """One call: what is said in answer to it, piece by piece."""

    def __init__(self, message_id: str) -> None:
        self.message_id = message_id
        self.text = ""
        """All that was given out so far."""
        self.outcome: Outcome | None = None
        self._drafts: dict[str, str] = {}
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()

    def draft(self, number: str, text: str) -> None:
        """A reply that grows; only what is sure to stay is given out."""
        self._go_on(number, text)

    def final(self, number: str, text: str) -> None:
        """A reply is whole."""
        if not self._go_on(number, text):
            self._give(BETWEEN + text)  # it turned out otherwise than it began
        self._drafts[number] = text

    def end(self, outcome: Outcome | None) -> None:
        """Nothing more will come."""
        self.outcome = outcome
        self._pieces.put_nowait(None)

    async def pieces(self) -> AsyncIterator[str]:
        """What is said, as it comes."""
        while (piece := await self._pieces.get()) is not None:
            yield piece

    async def whole(self) -> str:
        """All that is said. Raises Problem if the message was not taken."""
        async for _ in self.pieces():
            continue
        self.check()
        return self.text

    def check(self) -> None:
        """Raises Problem if the message, now that nothing more will come, was not taken."""
        if self.outcome is None:
            raise Problem("Rekku could not take the message, or did not answer it in time.", 503)
        if self.outcome is Outcome.IGNORED:
            raise Problem("Rekku does not listen to this person.", 403)

    def is_answered_by(self, number: str, answers: str) -> bool:
        """Whether a reply is one to this call: not to an earlier one, which nobody waits for any more."""
        return number in self._drafts or answers in ("", self.message_id)

    def _go_on(self, number: str, text: str) -> bool:
        shown = self._drafts.get(number)
        if shown is None:
            if not text:
                return True
            shown = ""
            if self.text:
                self._give(BETWEEN)
        if not text.startswith(shown):
            return False
        self._drafts[number] = text
        self._give(text[len(shown) :])
        return True

    def _give(self, piece: str) -> None:
        if piece:
            self.text += piece
            self._pieces.put_nowait(piece)


class Calls:
    """The calls that wait for an answer, one at a time for each token."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._waiting: dict[tuple[str, str], Call] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def waiting(self, payload: Mapping[str, Any], number: str, original: Message | None = None) -> Call | None:
        """The call that a payload is an answer to."""
        call = self._waiting.get((str(payload["target"]), str(payload.get("thread_id") or "")))
        answers = str(payload.get("answers") or (original.message_id if original else ""))
        return call if call is not None and call.is_answered_by(number, answers) else None

    @asynccontextmanager
    async def ask(self, token: Token, text: str, files: Sequence[Attachment]) -> AsyncIterator[Call]:
        """Say something in the name of a token's person; the answer comes into the call."""
        where = conversation_of(token)
        key = (where.chat_id, where.thread_id)
        async with self._locks.setdefault(token.id, asyncio.Lock()):
            call = self._waiting[key] = Call(str(uuid.uuid4()))
            following = self._host.spawn(self._follow(call, where, token, text, files), "call of a program")
            try:
                yield call
            finally:
                self._waiting.pop(key, None)
                following.cancel()

    async def _follow(
        self, call: Call, where: Conversation, token: Token, text: str, files: Sequence[Attachment]
    ) -> None:
        outcome: Outcome | None = None
        try:
            async with asyncio.timeout(LIMIT):
                receipt = await self._host.receive(
                    Message(
                        conversation=where,
                        user=User(token.user_id),
                        text=text,
                        at=self._host.clock.now(),
                        message_id=call.message_id,
                        chat_name=token.name,
                        attachments=tuple(files),
                    )
                )
                outcome = await receipt.outcome()
        except TimeoutError:
            self._host.log.warning("A program did not get its answer within %g s.", LIMIT)
        finally:
            call.end(outcome)


def conversation_of(token: Token) -> Conversation:
    """Where a token's person talks: the owner beside the page's chat, so that notices still find the page."""
    if token.user_id == OWNER_ID:
        return Conversation(INTERFACE, OWNER_ID, API + token.id)
    return Conversation(INTERFACE, token.user_id)
