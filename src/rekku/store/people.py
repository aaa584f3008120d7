"""People, their accounts, and the chats where they are met."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

from sqlalchemy import Table, bindparam, delete, exists, func, select, update

from rekku.core.clock import Clock
from rekku.core.database import Database, Statement, Write, insert_or_ignore
from rekku.core.message import Conversation, Message, User
from rekku.core.people import Account as PublicAccount
from rekku.core.people import Person
from rekku.core.principal import TRAINER_PERSON, Principal, Role
from rekku.store.schema import ACCOUNTS, ATTACHMENTS, AUDIT, CHATS, HISTORY, INBOX, OUTBOX, PEOPLE, STEPS

ACTIVITY = timedelta(minutes=1)
"""How exactly the database knows when a chat was last active."""

ALL = Statement(
    select(
        ACCOUNTS.c.interface, ACCOUNTS.c.user_id, ACCOUNTS.c.person_id, ACCOUNTS.c.name, ACCOUNTS.c.tag, PEOPLE.c.role
    ).join(PEOPLE, PEOPLE.c.person_id == ACCOUNTS.c.person_id)
)
ONE = Statement(ALL.clause.where(ACCOUNTS.c.interface == bindparam("i"), ACCOUNTS.c.user_id == bindparam("u")))  # type: ignore[attr-defined]
ADD_PERSON = Statement(insert_or_ignore(PEOPLE))
ADD_ACCOUNT = Statement(insert_or_ignore(ACCOUNTS))
RENAME = Statement(
    update(ACCOUNTS)
    .where(ACCOUNTS.c.interface == bindparam("i"), ACCOUNTS.c.user_id == bindparam("u"))
    .values(name=bindparam("new_name"), tag=bindparam("new_tag"))
)
SET_ROLE = Statement(update(PEOPLE).where(PEOPLE.c.person_id == bindparam("person")).values(role=bindparam("to")))
ADD_CHAT = Statement(insert_or_ignore(CHATS))
TOUCH = Statement(
    update(CHATS)
    .where(CHATS.c.interface == bindparam("i"), CHATS.c.chat_id == bindparam("c"), CHATS.c.thread_id == bindparam("t"))
    .values(name=bindparam("n"), direct=bindparam("d"), person_id=bindparam("p"), active_at=bindparam("now"))
)
CHAT_ROWS = Statement(select(CHATS).order_by(CHATS.c.active_at.desc()).limit(bindparam("most")))


@dataclass(frozen=True, slots=True)
class Account:
    """An account of a person; `role` is the stored one."""

    interface: str
    user_id: str
    person_id: str
    name: str
    tag: str
    role: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat that Rekku knows; `person_id` is whose direct chat it is."""

    where: Conversation
    name: str
    direct: bool
    person_id: str
    active_at: datetime


class People:
    """Who is behind an account, with what role. What was asked once is remembered; changes go through here.

    `trainers` and `known` are (interface, user id) pairs from the settings: they win over the database.
    `moving` is held while accounts pass from one person to another: one such deed begins when the last has ended.
    """

    def __init__(
        self, database: Database, clock: Clock, trainers: Iterable[tuple[str, str]], known: Iterable[tuple[str, str]]
    ) -> None:
        self._db = database
        self._clock = clock
        self.trainers = set(trainers)
        self.moving = asyncio.Lock()
        self._known = set(known)
        self._accounts: dict[tuple[str, str], Account] = {}
        self._touched: dict[Conversation, tuple[str, bool, str, datetime]] = {}

    async def principal(self, interface: str, user: User) -> tuple[Principal, list[Write]]:
        """Who it is, and the writes that make a newcomer known to the database."""
        account, writes = await self._account(interface, user)
        role = self._role(account)
        return Principal(self._person(account), role, interface, user.id, user.name or user.tag or user.id), writes

    async def by_now(self, who: Principal) -> Principal:
        """Whose an account is at this moment: whoever waited for `moving` must ask anew."""
        return (await self.principal(who.interface, User(who.user_id, who.name)))[0]

    async def person(self, person_id: str, interface: str) -> Principal:
        """A person as a principal, by an account on this interface if there is one; who is not known is a stranger."""
        accounts = [account for account in await self.accounts() if self._person(account) == person_id]
        accounts.sort(key=lambda account: account.interface != interface)
        account = accounts[0] if accounts else Account(interface, "", person_id, "", "", Role.UNKNOWN.word)
        role = Role.TRAINER if person_id == TRAINER_PERSON else max(map(self._role, accounts), default=Role.UNKNOWN)
        return Principal(person_id, role, account.interface, account.user_id, account.name or account.user_id)

    async def seen(self, message: Message, person_id: str) -> list[Write]:
        """The writes that keep the chat of a message known, at most one a minute for a chat that has not changed."""
        where, now = message.conversation, self._clock.now()
        owner = person_id if message.direct else ""
        last = self._touched.get(where)
        if last and last[:3] == (message.chat_name, message.direct, owner) and abs(now - last[3]) < ACTIVITY:
            return []
        self._touched[where] = (message.chat_name, message.direct, owner, now)
        if len(self._touched) > 10_000:
            self._touched.clear()
        key = {"interface": where.interface, "chat_id": where.chat_id, "thread_id": where.thread_id}
        name = message.chat_name[:255]
        row = ADD_CHAT(**key, name=name, direct=message.direct, person_id=owner, active_at=now)
        touch = TOUCH(i=where.interface, c=where.chat_id, t=where.thread_id, n=name, d=message.direct, p=owner, now=now)
        return [row, touch]

    async def find(self, text: str) -> list[Account]:
        """The accounts that `interface:id`, an id, an @tag or a name may mean."""
        wanted = text.strip().removeprefix("@").casefold()
        accounts = await self._everybody()
        exact = [a for a in accounts if f"{a.interface}:{a.user_id}".casefold() == wanted]
        return exact or [a for a in accounts if wanted in (a.user_id.casefold(), a.tag.casefold(), a.name.casefold())]

    async def known(self, text: str = "") -> list[Person]:
        """Everybody, or those whom `interface:id`, an id, an @tag or a name may mean; with all their accounts."""
        meant = {self._person(account) for account in await self.find(text)} if text.strip() else None
        persons: dict[str, list[Account]] = {}
        for account in await self._everybody():
            persons.setdefault(self._person(account), []).append(account)
        return [_public(who, self._role(a[0]), a) for who, a in persons.items() if meant is None or who in meant]

    async def accounts(self) -> list[Account]:
        """Every account, in order."""
        found = [Account(*row) for row in await self._db.fetch(ALL)]
        return sorted(found, key=lambda account: (account.interface, account.user_id))

    async def _everybody(self) -> list[Account]:
        """Every account, and the trainer's that have not written yet."""
        there = await self.accounts()
        met = {(account.interface, account.user_id) for account in there}
        return there + [Account(*key, TRAINER_PERSON, "", "", Role.UNKNOWN.word) for key in sorted(self.trainers - met)]

    async def set_role(self, account: Account, role: Role) -> None:
        """Give the person of an account a role, on all accounts, from the next message on."""
        await self._db.write(*self._newcomer(account), SET_ROLE(person=account.person_id, to=role.word))
        self._accounts.clear()

    def look_again(self) -> None:
        """Somebody else has changed whose the accounts are."""
        self._accounts.clear()
        self._touched.clear()

    def is_trainer(self, account: Account) -> bool:
        """Whether the account is the owner's."""
        return self._role(account) is Role.TRAINER

    async def add_account(self, interface: str, user_id: str) -> Account:
        """Make an account known before its person ever wrote (to block or allow it)."""
        account, writes = await self._account(interface, User(user_id))
        if writes:
            await self._db.write(*writes)
        return account

    async def give_account(self, person_id: str, interface: str, user_id: str) -> None:
        """Make an account that never wrote another one of a person's."""
        await self._db.write(ADD_ACCOUNT(interface=interface, user_id=user_id, person_id=person_id, name="", tag=""))

    async def chats(self, most: int = 1000) -> list[Chat]:
        """The chats that were last active, newest first."""
        rows = await self._db.fetch(CHAT_ROWS, most=most)
        return [_chat(row) for row in rows]

    async def own_chats(self, person_id: str) -> list[Conversation]:
        """A person's direct chats, the one last active first. Whose a chat is, is decided by the settings of now: one
        that has become somebody else's, or whose person has no account there any more, is not among them."""
        accounts = await self.accounts()
        own = {a.interface for a in accounts if self._person(a) == person_id and self._role(a) is not Role.BLOCKED}
        others = {(a.interface, a.user_id) for a in accounts if self._person(a) != person_id}
        return [
            chat.where
            for chat in await self.chats()
            if chat.direct and chat.person_id == person_id and chat.where.interface in own
            if (chat.where.interface, chat.where.chat_id) not in others
        ]

    async def forget(self, person_id: str, dry_run: bool) -> dict[str, int]:
        """Erase a person: words, accounts, chats, turns. Counts of rows by what they were."""
        kept_under = {a.person_id for a in await self.accounts() if self._person(a) == person_id} | {person_id}
        counts: dict[str, int] = {}
        erasures = [erasure for kept in sorted(kept_under) for erasure in _erasures(kept)]
        for what, counting, _ in erasures:
            counts[what] = counts.get(what, 0) + int((await self._db.fetch(counting))[0][0])
        if not dry_run:
            await self._db.write(*(Statement(erasing)() for _, _, erasing in erasures))
            self.look_again()
        return {what: count for what, count in counts.items() if count}

    async def _account(self, interface: str, user: User) -> tuple[Account, list[Write]]:
        """The account, and the writes that bring the database up to date. Only what the database has is remembered,
        so a newcomer whose first write failed is a newcomer again."""
        key = (interface, user.id)
        account = self._accounts.get(key)
        if account is None:
            rows = await self._db.fetch(ONE, i=interface, u=user.id)
            if not rows:
                made = Account(interface, user.id, _number(*key), user.name, user.tag, Role.UNKNOWN.word)
                return made, self._newcomer(made)
            account = Account(*rows[0])
        writes: list[Write] = []
        if (user.name or user.tag) and (account.name, account.tag) != (user.name, user.tag):
            account = Account(interface, user.id, account.person_id, user.name, user.tag, account.role)
            writes = [RENAME(i=interface, u=user.id, new_name=user.name, new_tag=user.tag[:255])]
        if len(self._accounts) > 10_000:
            self._accounts.clear()
        self._accounts[key] = account
        return account, writes

    def _newcomer(self, account: Account) -> list[Write]:
        """The writes that make an account known; nothing changes if it is."""
        who, name = account.person_id, account.name
        return [
            ADD_PERSON(person_id=who, role=account.role, name=name, since=self._clock.now()),
            ADD_ACCOUNT(
                interface=account.interface, user_id=account.user_id, person_id=who, name=name, tag=account.tag[:255]
            ),
        ]

    def _person(self, account: Account) -> str:
        """Whose account it is. What the table says of the trainer's accounts does not count: the settings do."""
        if self._role(account) is Role.TRAINER:
            return TRAINER_PERSON
        if account.person_id == TRAINER_PERSON:
            return _number(account.interface, account.user_id)
        return account.person_id

    def _role(self, account: Account) -> Role:
        key = (account.interface, account.user_id)
        if key in self.trainers:
            return Role.TRAINER
        role = Role[account.role.upper()]
        if role is Role.BLOCKED:
            return role
        return max(role, Role.KNOWN) if key in self._known else role


def _number(interface: str, user_id: str) -> str:
    """The person id of an account that belongs to nobody else: the same each time, so that two first messages at once
    are one person's."""
    return blake2b(f"{interface}\0{user_id}".encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _public(person_id: str, role: Role, accounts: Iterable[Account]) -> Person:
    return Person(person_id, role, tuple(PublicAccount(a.interface, User(a.user_id, a.name, a.tag)) for a in accounts))


def _chat(row: Any) -> Chat:
    where = Conversation(row.interface, row.chat_id, row.thread_id)
    return Chat(where, row.name, bool(row.direct), row.person_id, row.active_at)


def _erasures(person_id: str) -> list[tuple[str, Any, Any]]:
    """What is kept about a person: a name, how to count it, how to erase it (in this order).

    Who is blocked stays known as an account without a name, or a new start would lift the block.
    """
    turns = select(INBOX.c.id).where(INBOX.c.person_id == person_id)
    blocked = exists().where(PEOPLE.c.person_id == person_id, PEOPLE.c.role == Role.BLOCKED.word)

    def in_own_chat(table: Table) -> Any:
        same = (CHATS.c.interface == table.c.interface, CHATS.c.chat_id == table.c.chat_id)
        return exists().where(CHATS.c.person_id == person_id, *same)

    wholes = [
        ("words", HISTORY, (HISTORY.c.person_id == person_id) | in_own_chat(HISTORY)),
        ("replies", OUTBOX, OUTBOX.c.turn_id.in_(turns) | in_own_chat(OUTBOX)),
        ("turns", STEPS, STEPS.c.turn_id.in_(turns)),
        ("attachments", ATTACHMENTS, ATTACHMENTS.c.inbox_id.in_(turns)),
        ("messages", INBOX, INBOX.c.person_id == person_id),
        ("audit lines", AUDIT, AUDIT.c.person_id == person_id),
        ("chats", CHATS, CHATS.c.person_id == person_id),
        ("accounts", ACCOUNTS, (ACCOUNTS.c.person_id == person_id) & ~blocked),
        ("people", PEOPLE, (PEOPLE.c.person_id == person_id) & (PEOPLE.c.role != Role.BLOCKED.word)),
    ]
    return [
        (what, select(func.count()).select_from(made).where(where), delete(made).where(where))
        for what, made, where in wholes
    ]
