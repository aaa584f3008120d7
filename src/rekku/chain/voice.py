"""Words that leave Rekku outside of a turn's own steps: notices, answers to commands, what plugins send."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from rekku.chain.outbox import Sender
from rekku.chain.permission import Rules
from rekku.chain.pieces import SEND_LIMIT, told
from rekku.chain.secrets import Secrets
from rekku.chain.targets import Targets
from rekku.chain.turn import Doing, current
from rekku.core.clock import Clock
from rekku.core.database import Database, Write
from rekku.core.errors import ActionError
from rekku.core.message import Attachment, Choice, Conversation, Message
from rekku.core.principal import TRAINER_PERSON
from rekku.core.registry import Kind, Registry
from rekku.core.text import whole_characters
from rekku.store.history import said
from rekku.store.outbox import OutboxStore
from rekku.store.outgoing import Outgoing
from rekku.store.people import People
from rekku.store.state import audited

log = logging.getLogger(__name__)

SAME_NOTICE = timedelta(hours=1)
"""A notice with the same words is not repeated within this time."""


class Voice:
    """Sends words: into the running deed if there is one, else at once."""

    def __init__(
        self,
        *,
        database: Database,
        outbox: OutboxStore,
        sender: Sender,
        people: People,
        rules: Rules,
        registry: Registry,
        clock: Clock,
        next_id: Callable[[], int],
        secrets: Secrets,
        most_sends: int,
    ) -> None:
        self._db = database
        self._outbox = outbox
        self._sender = sender
        self._people = people
        self._targets = Targets(people, rules)
        self._registry = registry
        self._clock = clock
        self._next_id = next_id
        self._secrets = secrets
        self._most_sends = most_sends
        self._noticed: OrderedDict[str, datetime] = OrderedDict()

    @property
    def sends_left(self) -> int | None:
        """How many messages the running deed may still send; None outside of one."""
        doing = _doing()
        return None if doing is None else max(0, self._most_sends - len(doing.turn.sent) - len(doing.outgoing))

    async def send(
        self,
        text: str,
        to: Conversation | None,
        attachments: Sequence[Attachment] = (),
        reply_to: str = "",
        words: str = "",
    ) -> None:
        """Send words. Inside a deed they belong to its turn; see `core.host.Host.send`."""
        text, words = (self._secrets.clean(whole_characters(given)) for given in (text, words))
        doing = _doing()
        if doing is None:
            if to is None:
                raise ActionError("there is no turn, so it must be said where to send")
            now = self._clock.now()
            await self._at_once(Outgoing(self._next_id(), to, text, now, words=words, attachments=attachments))
            return
        where = to or doing.turn.conversation
        if where != doing.turn.conversation:
            where = await self.resolve(where.interface, where.chat_id, where.thread_id or None)
            doing.writes.append(self._audit(doing, where, text or words))
        if not self.sends_left:
            raise ActionError(f"one turn may send {self._most_sends} messages; this one was not sent")
        if not text.strip() and not attachments:
            raise ActionError("payload.text is empty; there is nothing to send")
        message = Outgoing(
            self._next_id(),
            where,
            text,
            self._clock.now(),
            doing.turn.id,
            words=words,
            reply_to=reply_to,
            attachments=attachments,
        )
        doing.outgoing.append(message)

    async def react(self, emoji: str) -> None:
        """Put a reaction under the message that the running turn answers; see `core.host.Host.react`."""
        doing = _doing()
        message = doing.turn.message if doing else None
        if message is None or message.errand is not None or not message.message_id:
            raise ActionError("there is no message here to react to")
        interface = self._registry.get(Kind.INTERFACE, message.conversation.interface)
        if interface is None or not interface.members.has("react"):
            raise ActionError("this chat has no reactions")
        payload = told(message.conversation, message_id=message.message_id, emoji=emoji)
        await interface.members.call("react", payload, limit=SEND_LIMIT)

    async def resolve(self, interface: str | None, target: str | None, thread_id: str | None) -> Conversation:
        """The conversation that is meant, seen from the running turn; see `core.host.Host.resolve`."""
        doing = _doing()
        if doing is None:
            if not interface or not target:
                raise ActionError("there is no turn, so interface and target must both be given")
            return Conversation(interface, target, thread_id or "")
        turn = doing.turn
        return await self._targets.resolve(turn.principal, turn.conversation, interface, target, thread_id)

    async def answer(
        self,
        where: Conversation,
        text: str,
        original: Message | None = None,
        also: Sequence[Write] = (),
        *,
        attachments: Sequence[Attachment] = (),
        choices: Sequence[Choice] = (),
        person_id: str = "",
    ) -> None:
        """Say something that is no part of the conversation's history (the answer to a command, a notice).

        `also` is committed with it. With a `person_id` it may go to another direct chat of that person.
        """
        message = Outgoing(
            self._next_id(),
            where,
            self._secrets.clean(whole_characters(text)),
            self._clock.now(),
            answers=original.message_id if original else "",
            attachments=attachments,
            choices=choices,
            quiet=True,
            person_id=person_id,
        )
        await self._db.write(self._outbox.added(message), *also)
        self._sender.queue([message], original)
        if original is not None:
            await self._sender.settled([message])

    async def tell_trainer(
        self,
        text: str,
        also: Sequence[Write] = (),
        *,
        attachments: Sequence[Attachment] = (),
        choices: Sequence[Choice] = (),
    ) -> None:
        """Send the owner a notice where the owner was last active, or where only the owner can be.

        `also` is committed with it, and in any case.
        """
        log.warning("%s", text)
        now = self._clock.now()
        last = self._noticed.get(text)
        again = last is not None and now - last < SAME_NOTICE
        chats = [] if again else await self._people.own_chats(TRAINER_PERSON)
        if not chats:
            await self._db.write(*also)
            return
        more: Any = {"attachments": attachments, "choices": choices, "person_id": TRAINER_PERSON}
        await self.answer(chats[0], f"[notice] {text}", also=also, **more)
        self._noticed[text] = now
        if len(self._noticed) > 100:
            self._noticed.popitem(last=False)

    async def _at_once(self, message: Outgoing) -> None:
        line = said(self._next_id(), message.to, message.said, message.created_at)
        await self._db.write(self._outbox.added(message), line)
        self._sender.queue([message])

    def _audit(self, doing: Doing, where: Conversation, text: str) -> Write:
        detail = {"to": str(where), "text": text}
        turn = doing.turn
        return audited(self._next_id(), self._clock.now(), turn.id, turn.principal, doing.deed.action, detail, "queued")


def _doing() -> Doing | None:
    doing = current.get()
    return None if doing is None or doing.over else doing
