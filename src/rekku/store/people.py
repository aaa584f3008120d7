"""People, their accounts, and the chats where they are met."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    """

    def __init__(
        self, database: Database, clock: Clock, trainers: Iterable[tuple[str, str]], known: Iterable[tuple[str, str]]
    ) -> None:
        self._db = database
        self._clock = clock
        self.trainers = set(trainers)
        self._known = set(known)
        self._accounts: dict[tuple[str, str], Account] = {}
        self._touched: dict[Conversation, tuple[str, bool, str, datetime]] = {}

    async def principal(self, interface: str, user: User) -> tuple[Principal, list[Write]]:
        """Who it is, and the writes that make a newcomer known to the database."""
        account, writes = await self._account(interface, user)
        role = self._role(account)
        return Principal(self._person(account), role, interface, user.id, user.name or user.tag or user.id), writes

    async def person(self, person_id: str, interface: str) -> Principal:
        """A person as a principal, by an account on this interface if there is one; who is not known is a stranger."""
        accounts = [account for account in await self.accounts() if account.person_id == person_id]
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
        accounts = await self.accounts()
        exact = [a for a in accounts if f"{a.interface}:{a.user_id}".casefold() == wanted]
        return exact or [a for a in accounts if wanted in (a.user_id.casefold(), a.tag.casefold(), a.name.casefold())]

    async def known(self, text: str = "") -> list[Person]:
        """Everybody, or those whom `interface:id`, an id, an @tag or a name may mean; with all their accounts."""
        meant = {self._person(account) for account in await self.find(text)} if text.strip() else None
        persons: dict[str, list[Account]] = {}
        for account in await self.accounts():
            persons.setdefault(self._person(account), []).append(account)
        return [_public(who, self._role(a[0]), a) for who, a in persons.items() if meant is None or who in meant]

    async def accounts(self) -> list[Account]:
        """Every account, in order."""
        found = [Account(*row) for row in await self._db.fetch(ALL)]
        return sorted(found, key=lambda account: (account.interface, account.user_id))

    async def set_role(self, person_id: str, role: Role) -> None:
        """Give a person a role, on all accounts, from the next message on."""
        await self._db.write(SET_ROLE(person=person_id, to=role.word))
        self._accounts.clear()

    async def add_account(self, interface: str, user_id: str) -> Account:
        """Make an account known before its person ever wrote (to block or allow it)."""
        account, writes = await self._account(interface, User(user_id))
        if writes:
            await self._db.write(*writes)
        return account

    async def chats(self, most: int = 1000) -> list[Chat]:
        """The chats that were last active, newest first."""
        rows = await self._db.fetch(CHAT_ROWS, most=most)
        return [_chat(row) for row in rows]

    async def forget(self, person_id: str, dry_run: bool) -> dict[str, int]:
        """Erase a person: words, accounts, chats, turns. Counts of rows by what they were."""
        erasures = _erasures(person_id)
        counts = {what: int((await self._db.fetch(counting))[0][0]) for what, counting, _ in erasures}
        if not dry_run:
            await self._db.write(*(Statement(erasing)() for _, _, erasing in erasures))
            self._accounts.clear()
            self._touched.clear()
        return {what: count for what, count in counts.items() if count}

    async def _account(self, interface: str, user: User) -> tuple[Account, list[Write]]:
        key = (interface, user.id)
        account = self._accounts.get(key)
        if account is None:
            rows = await self._db.fetch(ONE, i=interface, u=user.id)
            account = Account(*rows[0]) if rows else None
        writes: list[Write] = []
        if account is None:
            person = TRAINER_PERSON if key in self.trainers else uuid.uuid4().hex
            account = Account(interface, user.id, person, user.name, user.tag, Role.UNKNOWN.word)
            writes = [
                ADD_PERSON(person_id=person, role=Role.UNKNOWN.word, name=user.name, since=self._clock.now()),
                ADD_ACCOUNT(interface=interface, user_id=user.id, person_id=person, name=user.name, tag=user.tag[:255]),
            ]
        elif (user.name or user.tag) and (account.name, account.tag) != (user.name, user.tag):
            account = Account(interface, user.id, account.person_id, user.name, user.tag, account.role)
            writes = [RENAME(i=interface, u=user.id, new_name=user.name, new_tag=user.tag[:255])]
        if len(self._accounts) > 10_000:
            self._accounts.clear()
        self._accounts[key] = account
        return account, writes

    def _person(self, account: Account) -> str:
        """Whose account it is; an account that became the trainer's later kept its number in the table."""
        return TRAINER_PERSON if self._role(account) is Role.TRAINER else account.person_id

    def _role(self, account: Account) -> Role:
        key = (account.interface, account.user_id)
        if key in self.trainers:
            return Role.TRAINER
        role = Role[account.role.upper()]
        if role is Role.BLOCKED:
            return role
        return max(role, Role.KNOWN) if key in self._known else role


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
