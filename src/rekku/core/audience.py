"""Who may hear what is remembered: one rule, for every recall.

A memory keeps its privacy, the group chats where it was told, and who was present: who wrote it, and who wrote in
that conversation shortly before (`listeners`). Being mentioned grants nothing, neither does a name.
A prompt has one audience: the conversation that gets the reply.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from rekku.core.message import Conversation, Message
from rekku.core.principal import Principal

STILL_THERE = timedelta(minutes=30)
"""Who wrote in a group no longer ago than this is taken to read along."""

MOST_LISTENERS = 8


class Privacy(StrEnum):
    """How far a memory may go: to who was present, also to the chats where it was told, or to everybody."""

    PRIVATE = "private"
    CHAT = "chat"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears a reply: the members of a chat, or in a direct chat the one person `person_id`."""

    conversation: Conversation
    direct: bool
    person_id: str

    @property
    def usual(self) -> Privacy:
        """The privacy of what is told here, if nobody says otherwise."""
        return Privacy.PRIVATE if self.direct else Privacy.CHAT

    def may_hear(self, privacy: Privacy, places: Collection[Conversation], present: Collection[str]) -> bool:
        """Whether a memory that was told in these group chats, with these people present, may be told here.

        What was told in a thread stays in that thread; what was told in a chat may be told in its threads.
        """
        if privacy is Privacy.PUBLIC:
            return True
        if self.direct:
            return self.person_id in present
        here = self.conversation
        chat = Conversation(here.interface, here.chat_id)
        return privacy is Privacy.CHAT and (here in places or chat in places)


def audience_of(message: Message, principal: Principal | None) -> Audience:
    """Who hears the answer to a message; `person_id` is who is certainly there, "" if that is nobody.

    That is whoever writes. What Rekku does there of its own accord (a reminder) has its
    creator's rights, and the chat may be somebody else's: unless it is the creator's own account, nobody is known.
    """
    where = message.conversation
    writes_here = principal is not None and message.errand is None and message.user.id == principal.user_id
    own_chat = principal is not None and message.errand is not None and where.chat_id == principal.user_id
    if principal is None or principal.interface != where.interface:
        return Audience(where, message.direct, "")
    there = writes_here or (message.direct and own_chat)
    return Audience(where, message.direct, principal.person_id if there else "")


def listeners(message: Message, lines: Iterable[tuple[str, datetime]], now: datetime) -> tuple[str, ...]:
    """Who hears, beside who is talking, what is said in a group now: person ids, who wrote last first.

    `lines` are who wrote when (person id, "" for Rekku) in this very conversation before the message, the oldest first.
    Nobody tells who reads a group, so only who wrote there a moment ago counts: not who wrote in another thread, who
    wrote long ago and may have left, or who comes later. In a direct chat nobody else hears.
    """
    if message.direct:
        return ()
    there = [person for person, at in lines if person and at > now - STILL_THERE]
    return tuple(dict.fromkeys(reversed(there)))[:MOST_LISTENERS]
