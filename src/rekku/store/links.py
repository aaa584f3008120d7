"""Two accounts become one person's, and are parted again."""

import uuid
from datetime import datetime

from sqlalchemy import bindparam, delete, select, update

from rekku.core.database import Database, Statement, Write
from rekku.core.principal import TRAINER_PERSON, Role
from rekku.store.people import ADD_PERSON, Account
from rekku.store.schema import ACCOUNTS, AUDIT, CHATS, HISTORY, INBOX, PEOPLE

BELONGING = (ACCOUNTS, HISTORY, INBOX, CHATS, AUDIT)
"""What says whose it is, in a column `person_id`; the accounts first."""

MOVES = tuple(
    Statement(update(made).where(made.c.person_id == bindparam("old")).values(person_id=bindparam("new")))
    for made in BELONGING
)
ROLES = Statement(
    select(PEOPLE.c.person_id, PEOPLE.c.role).where(PEOPLE.c.person_id.in_([bindparam("a"), bindparam("b")]))
)
SET_ROLE = Statement(update(PEOPLE).where(PEOPLE.c.person_id == bindparam("person")).values(role=bindparam("to")))
RENUMBER = Statement(update(PEOPLE).where(PEOPLE.c.person_id == bindparam("old")).values(person_id=bindparam("new")))
GONE = Statement(delete(PEOPLE).where(PEOPLE.c.person_id == bindparam("person")))
COUNT = Statement(select(ACCOUNTS.c.user_id).where(ACCOUNTS.c.person_id == bindparam("person")).limit(2))
PART = Statement(
    update(ACCOUNTS)
    .where(ACCOUNTS.c.interface == bindparam("i"), ACCOUNTS.c.user_id == bindparam("u"))
    .values(person_id=bindparam("new"))
)
OTHERS = select(ACCOUNTS.c.user_id).where(
    ACCOUNTS.c.interface == bindparam("i"), ACCOUNTS.c.person_id == bindparam("old")
)
"""The accounts on that interface that stay."""
_theirs = (CHATS.c.interface == bindparam("i"), CHATS.c.person_id == bindparam("old"))
PART_CHATS = Statement(
    update(CHATS)
    .where(*_theirs, (CHATS.c.chat_id == bindparam("u")) | ~OTHERS.exists())
    .values(person_id=bindparam("new"))
)
DOUBTFUL = Statement(update(CHATS).where(*_theirs, CHATS.c.chat_id.notin_(OTHERS)).values(person_id=""))
"""Which of two accounts meets Rekku there, the next message shows: until then it is nobody's chat."""


async def join(database: Database, old: str, new: str) -> None:
    """All that belongs to the person `old` belongs to `new`, who has the higher role of the two. May be repeated.

    A block outweighs every role, and stays even if `new` was forgotten meanwhile. Which accounts are the trainer's, the
    settings say, so they stay as they are.
    """
    if new == TRAINER_PERSON:
        await database.write(*(move(old=old, new=new) for move in MOVES[1:]))
        return
    roles = {row.person_id: Role[row.role.upper()] for row in await database.fetch(ROLES, a=old, b=new)}
    writes: list[Write] = [move(old=old, new=new) for move in MOVES]
    if old in roles and new in roles:
        role = Role.BLOCKED if Role.BLOCKED in roles.values() else max(roles.values())
        writes.append(SET_ROLE(person=new, to=role.word))
    elif old in roles:
        writes.append(RENUMBER(old=old, new=new))
    await database.write(*writes, GONE(person=old))


async def is_linked(database: Database, person_id: str) -> bool:
    """Whether a person has more than one account."""
    return len(await database.fetch(COUNT, person=person_id)) > 1


def parted(account: Account, role: Role, now: datetime) -> list[Write]:
    """The writes that make an account a person of its own, with that role. Its memory stays behind."""
    new, old, where = uuid.uuid4().hex, account.person_id, account.interface
    return [
        ADD_PERSON(person_id=new, role=role.word, name=account.name, since=now),
        PART(i=where, u=account.user_id, new=new),
        PART_CHATS(i=where, u=account.user_id, old=old, new=new),
        DOUBTFUL(i=where, old=old),
    ]
