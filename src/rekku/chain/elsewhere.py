"""Where a reminder or a notice goes while its chat is not there: to another direct chat of the same person."""

import logging
from collections.abc import Container

from rekku.chain.turn import MUCH_LATER
from rekku.chain.words import waited
from rekku.core.clock import Clock
from rekku.core.database import Database
from rekku.core.message import Conversation
from rekku.core.registry import Kind, Registry
from rekku.store import history
from rekku.store.outbox import OutboxStore
from rekku.store.outgoing import Outgoing
from rekku.store.people import People

log = logging.getLogger(__name__)

Chat = tuple[str, str]
"""Interface and chat id."""


def chat_of(where: Conversation) -> Chat:
    """The chat of a conversation."""
    return where.interface, where.chat_id


class Elsewhere:
    """Gives messages the chat where their person can be reached."""

    def __init__(
        self, *, database: Database, store: OutboxStore, people: People, registry: Registry, clock: Clock
    ) -> None:
        self._db = database
        self._store = store
        self._people = people
        self._registry = registry
        self._clock = clock

    async def place(self, message: Outgoing, closed: Container[Chat]) -> None:
        """Let a message go to its own chat, or, while that is `closed`, to the open direct chat of its person that was
        last active; if there is none, it goes back to its own. Committed when this returns. Raises StoreError."""
        home = message.home or message.to
        chats = await self._people.own_chats(message.person_id)
        if chat_of(home) not in map(chat_of, chats):
            return  # a group, or somebody else's chat: what was meant for it is for nobody else
        to = next((chat for chat in (home, *chats) if self._is_open(chat, closed)), home)
        if chat_of(to) == chat_of(message.to):
            return
        log.info("A message to %s goes to %s: the chat is not there.", message.to, to)
        before, message.to, message.home = message.to, to, home
        line = history.moved(message.id, message.text, message.created_at, before, to)
        try:
            await self._db.write(self._store.moved(message), line)
        except BaseException:
            message.to = before
            raise
        message.platform_id, message.reply_to, message.pieces = "", "", []
        message.drafted = message.doubted = False

    def note_delay(self, message: Outgoing) -> None:
        """Let a reminder say how late it is, if nothing of it has been sent."""
        if message.since is not None and not message.pieces:
            delay = self._clock.now() - message.since
            message.late = waited(delay) if delay >= MUCH_LATER else ""

    def _is_open(self, chat: Conversation, closed: Container[Chat]) -> bool:
        return chat_of(chat) not in closed and self._registry.get(Kind.INTERFACE, chat.interface) is not None
