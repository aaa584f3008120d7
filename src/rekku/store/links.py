"""Two accounts become one person's, and are parted again."""

import uuid

from sqlalchemy import bindparam, delete, select, update

from rekku.core.database import Database, Statement, Write
from rekku.core.principal import TRAINER_PERSON, Role
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


def parted(interface: str, user_id: str, old: str) -> tuple[str, list[Write]]:
    """The new person of an account that leaves its person, and the writes that make it so. Its memory stays behind."""
    new = uuid.uuid4().hex
    part = PART(i=interface, u=user_id, new=new)
    chats = PART_CHATS(i=interface, u=user_id, old=old, new=new)
    return new, [part, chats, DOUBTFUL(i=interface, old=old)]
