"""Who may hear what. The rule is `core.audience`; here is what of an entry it is asked, and where entries are indexed.

Every recall for a prompt ends in `may_hear`; the index only brings the right entries up first.
"""

from rekku.core.audience import Audience, Privacy
from rekku.core.message import Conversation
from rekku.plugins._ai_diary.entry import CHAT, PRIVACIES, PUBLIC, Entry

EVERYBODY = "public"
"""The heading of what everybody may hear."""


def may_hear(audience: Audience, entry: Entry) -> bool:
    """Whether this audience may be told of this entry. Whatever is not clearly allowed is not."""
    if entry.privacy not in PRIVACIES:
        return False
    places = [Conversation(entry.interface, entry.chat_id, entry.thread_id)] if entry.chat_id else []
    present = [person for person in entry.present if person]
    return audience.may_hear(Privacy(entry.privacy), places, present)


def scopes_of(entry: Entry) -> list[str]:
    """Under which headings an entry is indexed, so that each audience finds its own first."""
    if entry.privacy == PUBLIC:
        return [EVERYBODY]
    scopes = [f"person:{person}" for person in dict.fromkeys(entry.present) if person]
    if entry.privacy == CHAT and entry.chat_id:
        scopes.append(_chat(entry.interface, entry.chat_id, entry.thread_id))
    return scopes


def headings_for(audience: Audience) -> list[str]:
    """The headings under which an audience finds what it may hear, beside those that everybody may."""
    if not audience.direct:
        here = audience.conversation
        threads = dict.fromkeys(("", here.thread_id))
        return [_chat(here.interface, here.chat_id, thread) for thread in threads]
    return [f"person:{audience.person_id}"] if audience.person_id else []


def _chat(interface: str, chat_id: str, thread_id: str) -> str:
    return f"chat:{interface}\n{chat_id}\n{thread_id}"
