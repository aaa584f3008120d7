"""Who may hear what: one function, `may_hear`, that every recall goes through."""

from dataclasses import dataclass

from rekku.core.message import Conversation, Message
from rekku.core.principal import Principal
from rekku.plugins._ai_diary.entry import CHAT, PRIVATE, PUBLIC, Entry


@dataclass(frozen=True, slots=True)
class Audience:
    """Who hears what a prompt leads to: one person in a direct chat, everybody in a group, or (neither) anybody."""

    person_id: str = ""
    group: Conversation | None = None


ANYBODY = Audience()
"""Somebody of whom nothing is known: only what is public."""


def audience_of(message: Message | None, principal: Principal | None) -> Audience:
    """Who hears the answer to a message.

    In a direct chat that is whoever writes there. What Rekku does there of its own accord (a reminder) has its
    creator's rights, and the chat may be somebody else's: then the chat has to be the creator's own account.
    """
    if message is None:
        return ANYBODY
    if not message.direct:
        return Audience(group=message.conversation)
    if principal is None or principal.interface != message.conversation.interface:
        return ANYBODY
    account = message.user.id if message.errand is None else message.conversation.chat_id
    return Audience(person_id=principal.person_id) if account == principal.user_id else ANYBODY


def may_hear(audience: Audience, entry: Entry) -> bool:
    """Whether this audience may be told of this entry. Whatever is not clearly allowed is not."""
    if entry.privacy == PUBLIC:
        return True
    if audience.group is not None:
        here = audience.group
        same = bool(here.chat_id) and (entry.interface, entry.chat_id) == (here.interface, here.chat_id)
        # Not everybody who reads a chat reads each of its threads; who reads a thread reads the chat.
        return entry.privacy == CHAT and same and entry.thread_id in ("", here.thread_id)
    return entry.privacy in (PRIVATE, CHAT) and bool(audience.person_id) and audience.person_id in entry.present


def scopes_of(entry: Entry) -> list[str]:
    """Under which headings an entry is indexed, so that each audience finds its own first."""
    if entry.privacy == PUBLIC:
        return ["public"]
    scopes = [f"person:{person}" for person in entry.present]
    if entry.privacy == CHAT and entry.chat_id:
        scopes.append(_chat(entry.interface, entry.chat_id, entry.thread_id))
    return scopes


def headings_for(audience: Audience) -> list[str]:
    """The headings under which an audience finds what it may hear."""
    if audience.group is not None:
        here = audience.group
        threads = dict.fromkeys(("", here.thread_id))
        return ["public", *(_chat(here.interface, here.chat_id, thread) for thread in threads)]
    return ["public", f"person:{audience.person_id}"] if audience.person_id else ["public"]


def _chat(interface: str, chat_id: str, thread_id: str) -> str:
    return f"chat:{interface}\n{chat_id}\n{thread_id}"
