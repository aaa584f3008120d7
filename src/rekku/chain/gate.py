"""The gate: who is it, is it for Rekku, is it a command, is it too much? Then it is kept, and only then received."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from rekku.chain import words
from rekku.chain.afterwards import Afterwards
from rekku.chain.draft import Spawn
from rekku.chain.inbox import Inbox
from rekku.chain.manners import Manners
from rekku.chain.ticket import Ticket
from rekku.core.clock import Clock
from rekku.core.database import Database, Write
from rekku.core.message import Attachment, Conversation, Errand, Message, User
from rekku.core.principal import Principal, Role
from rekku.core.text import whole_characters
from rekku.core.turn import Outcome
from rekku.store.history import heard
from rekku.store.inbox import Entry, InboxStore, ended
from rekku.store.people import People

AT_ONCE = 1.0
"""Seconds that a command may hold up what comes after it; one that takes longer goes on by itself."""
MINUTE = timedelta(minutes=1)
LONGEST_NAME = 100
KINDS = frozenset({"image", "audio", "video", "file"})
LONGEST_TEXT = 200_000
"""Characters of one message that are read; the rest is cut off, with a mark."""


class Gate:
    """Where every message comes in. `read_command` gives None if a text is none; `heard_by` the command that listens to
    this person's plain messages here, or None; `run_command` answers in any case. `heard` counts the messages that were
    kept, by interface."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        store: InboxStore,
        inbox: Inbox,
        clock: Clock,
        next_id: Callable[[], int],
        read_command: Callable[[str], Any],
        heard_by: Callable[[Message, Principal], Any],
        run_command: Callable[[Any, Principal, Message], Awaitable[str]],
        say: Callable[[Conversation, str, Message, Sequence[Write]], Awaitable[None]],
        manners: Manners,
        afterwards: Afterwards,
        per_minute: int,
        spawn: Spawn,
    ) -> None:
        self._db = database
        self._spawn = spawn
        self._people = people
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._next_id = next_id
        self._read = read_command
        self._heard_by = heard_by
        self._run = run_command
        self._say = say
        self._manners = manners
        self._afterwards = afterwards
        self._rate = Rate(per_minute)
        self.heard: defaultdict[str, int] = defaultdict(int)

    async def receive(self, message: Message) -> Ticket:
        """Take a message in. When this returns, it is on disk (or needs no keeping). Raises StoreError."""
        message = _bounded(message)
        if message.errand is not None:
            return await self._take_errand(message, message.errand)
        principal, writes = await self._people.principal(message.conversation.interface, message.user)
        if principal.role is Role.BLOCKED:
            return Ticket().close(Outcome.IGNORED)
        if message.edited:
            again = await self._afterwards.edited(message, principal, self._manners.meant(message))
            return await self.receive(again) if again else Ticket().close(Outcome.IGNORED)
        writes += await self._people.seen(message, principal.person_id)
        addressed = self._manners.answers(message, principal.role)
        listening = addressed and not message.user.bot
        command = self._read(message.text) or self._heard_by(message, principal) if listening else None
        number, now = self._next_id(), self._clock.now()
        status = "command" if command else "waiting" if addressed else "heard"
        limited = status == "waiting" and principal.role is Role.UNKNOWN
        not_before, notice = self._rate.slot(principal.person_id, now) if limited else (None, False)
        if status == "heard":  # files that are not for Rekku would fill the disk
            message = replace(message, attachments=())
        entry = Entry(number, message, principal.person_id, now, status, not_before)
        kept = self._store.added(entry)
        if not command:
            who = principal
            kept.append(heard(number, message.conversation, who.person_id, who.name, message.text, now))
        rows = await self._keep([*writes, *kept])
        new = bool(rows[len(writes)])
        self.heard[message.conversation.interface] += new
        if not new or status == "heard":
            return Ticket().close(Outcome.IGNORED)
        if command:
            ticket = Ticket()
            task = self._spawn(self._obey(command, principal, entry, ticket), f"command {command.name}")
            await asyncio.wait({task}, timeout=AT_ONCE)
            if task.done():
                task.result()
            return ticket
        ticket = self._inbox.add(entry)
        if notice:
            await self._say(message.conversation, words.BLOCKED_BY_RATE, message, ())
        return ticket

    async def reacted(self, where: Conversation, user: User, message_id: str, emoji: str) -> None:
        """Take in that somebody reacted to a message."""
        principal, writes = await self._people.principal(where.interface, _clean_user(user))
        if principal.role is not Role.BLOCKED:
            await self._keep(writes)
            await self._afterwards.reacted(where, principal, message_id, whole_characters(emoji))

    async def _take_errand(self, message: Message, errand: Errand) -> Ticket:
        """An errand is nobody's message: it is kept, and runs with the rights of its person."""
        entry = Entry(self._next_id(), message, errand.person_id, self._clock.now())
        rows = await self._keep(self._store.added(entry))
        return self._inbox.add(entry) if rows[0] else Ticket().close(Outcome.IGNORED)

    async def _keep(self, writes: Sequence[Write]) -> list[int]:
        try:
            return await self._db.write(*writes)
        except asyncio.CancelledError:
            self._inbox.look_again()
            raise

    async def _obey(self, command: Any, principal: Principal, entry: Entry, ticket: Ticket) -> None:
        try:
            text = await self._run(command, principal, entry.message)
            await self._say(entry.conversation, text, entry.message, ended([entry], "done"))
        finally:
            ticket.close(Outcome.COMMAND)


class Rate:
    """At most so many messages a minute from one person; what is too much gets a later slot."""

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._slots: dict[str, deque[datetime]] = {}

    def slot(self, person_id: str, now: datetime) -> tuple[datetime | None, bool]:
        """When the message may be answered (None: at once), and whether the person should be told so."""
        if len(self._slots) > 10_000:
            self._slots = {who: slots for who, slots in self._slots.items() if slots and slots[-1] > now - MINUTE}
        slots = self._slots.setdefault(person_id, deque(maxlen=self._per_minute))
        if len(slots) < self._per_minute or slots[0] + MINUTE <= now:
            slots.append(now)
            return None, False
        late = slots[0] + MINUTE
        notice = slots[-1] <= now
        slots.append(late)
        return late, notice


def _bounded(message: Message) -> Message:
    """The message with texts that fit and can be kept: half surrogates are replaced, what is too long is cut."""
    clean = whole_characters
    quote = message.reply_to
    return replace(
        message,
        text=words.shorten(clean(message.text), LONGEST_TEXT),
        chat_name=clean(message.chat_name)[:LONGEST_NAME],
        user=_clean_user(message.user),
        reply_to=quote and replace(quote, user=_clean_user(quote.user), text=words.shorten(clean(quote.text), 4000)),
        attachments=tuple(map(_clean_file, message.attachments)),
    )


def _clean_file(file: Attachment) -> Attachment:
    """What a sender says about a file is cut to what the table holds; a kind that nobody knows is a file."""
    name, mime = whole_characters(file.name)[:LONGEST_NAME], whole_characters(file.mime)[:LONGEST_NAME]
    return replace(file, kind=file.kind if file.kind in KINDS else "file", name=name, mime=mime)


def _clean_user(user: User) -> User:
    name, tag = whole_characters(user.name)[:LONGEST_NAME], whole_characters(user.tag)[:LONGEST_NAME]
    return user if (name, tag) == (user.name, user.tag) else replace(user, name=name, tag=tag)
