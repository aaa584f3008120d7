"""Whom Rekku answers: in groups only who means it, and other programs not without end."""

import re
from collections.abc import Callable, Collection

from rekku.core.message import Conversation, Message
from rekku.core.principal import Role

MENTION, REPLY, NAME, ALL = "mention", "reply", "name", "all"
GROUP_ANSWERS = (MENTION, REPLY, NAME, ALL)
"""What may make Rekku answer in a group: it is mentioned, replied to, called by its name; or anything said there."""

MOST_BOTS = 3
"""How many messages of programs are answered in a conversation before a human must have said something."""


class Manners:
    """The owner's choices about groups, and what keeps two programs from talking with each other for ever."""

    def __init__(self, answers: Collection[str], persona_name: Callable[[], str]) -> None:
        self._answers = frozenset(answers)
        self._persona_name = persona_name
        self._bots: dict[Conversation, int] = {}

    def meant(self, message: Message) -> bool:
        """Whether a message is for Rekku."""
        if message.direct or ALL in self._answers:
            return True
        if MENTION in self._answers and message.addressed:
            return True
        if REPLY in self._answers and message.reply_to is not None and message.reply_to.from_rekku:
            return True
        return NAME in self._answers and self._named(message.text)

    def answers(self, message: Message, role: Role) -> bool:
        """Whether a message is answered: it is meant, and a program is one that the owner has allowed, and brief."""
        where, meant = message.conversation, self.meant(message)
        if not message.user.bot:
            self._bots.pop(where, None)
            return meant
        if not meant or role < Role.KNOWN or self._bots.get(where, 0) >= MOST_BOTS:
            return False
        self._bots[where] = self._bots.get(where, 0) + 1
        return True

    def _named(self, text: str) -> bool:
        name = re.escape(self._persona_name())
        return re.search(rf"(?<!\w){name}(?!\w)", text, re.IGNORECASE) is not None
