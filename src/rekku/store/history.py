"""History: what was said in each conversation."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, insert, select, update

from rekku.core.database import Database, Statement, Write, insert_or_ignore
from rekku.core.message import Conversation
from rekku.store.schema import HISTORY, INBOX

_row = HISTORY.c
_GIVEN = ("id", "interface", "chat_id", "thread_id", "person_id", "name", "text", "at")
ADD_HEARD = Statement(
    insert(HISTORY).from_select(
        _GIVEN,
        select(*(bindparam(f"new_{name}", type_=_row[name].type) for name in _GIVEN)).where(
            INBOX.c.id == bindparam("new_id")
        ),
    )
)
ADD_SAID = Statement(insert_or_ignore(HISTORY))
RECENT = Statement(
    select(_row.id, _row.person_id, _row.name, _row.text, _row.at)
    .where(
        _row.interface == bindparam("interface"),
        _row.chat_id == bindparam("chat_id"),
        _row.thread_id == bindparam("thread_id"),
    )
    .order_by(_row.id.desc())
    .limit(bindparam("most"))
)
MOVED = Statement(
    update(HISTORY)
    .where(
        _row.interface == bindparam("interface"),
        _row.chat_id == bindparam("chat_id"),
        _row.thread_id == bindparam("thread_id"),
        _row.id > bindparam("after"),
        _row.person_id == "",
        _row.at == bindparam("said_at"),
        _row.text == bindparam("words"),
    )
    .values(interface=bindparam("new_interface"), chat_id=bindparam("new_chat"), thread_id=bindparam("new_thread"))
)
CORRECTED = Statement(update(HISTORY).where(_row.id == bindparam("row")).values(text=bindparam("words")))
LAST_ID = Statement(select(_row.id).order_by(_row.id.desc()).limit(1))


class Said(NamedTuple):
    """One line of history, just as RECENT gives it; `person_id` is "" for Rekku's own words."""

    id: int
    person_id: str
    name: str
    text: str
    at: datetime


def heard(number: int, where: Conversation, person_id: str, name: str, text: str, at: datetime) -> Write:
    """The write that keeps what a person said, if the inbox took the message of that number (else it was there)."""
    return ADD_HEARD(
        new_id=number,
        new_interface=where.interface,
        new_chat_id=where.chat_id,
        new_thread_id=where.thread_id,
        new_person_id=person_id,
        new_name=name,
        new_text=text,
        new_at=at,
    )


def said(number: int, where: Conversation, text: str, at: datetime) -> Write:
    """The write that keeps what Rekku said."""
    return noted(number, where, "", "", text, at)


def noted(number: int, where: Conversation, person_id: str, name: str, text: str, at: datetime) -> Write:
    """The write that keeps what a person did in a conversation, beside what they said."""
    return ADD_SAID(
        id=number,
        interface=where.interface,
        chat_id=where.chat_id,
        thread_id=where.thread_id,
        person_id=person_id,
        name=name,
        text=text,
        at=at,
    )


def moved(message_id: int, text: str, at: datetime, before: Conversation, now: Conversation) -> Write:
    """The write that puts what Rekku said in the message of that number into the chat where it is said now."""
    return MOVED(
        interface=before.interface,
        chat_id=before.chat_id,
        thread_id=before.thread_id,
        after=message_id,
        said_at=at,
        words=text,
        new_interface=now.interface,
        new_chat=now.chat_id,
        new_thread=now.thread_id,
    )


def corrected(number: int, text: str) -> Write:
    """The write that replaces what a person said in the message of that number."""
    return CORRECTED(row=number, words=text)


async def recent(database: Database, where: Conversation, most: int) -> list[Said]:
    """The last lines of a conversation, oldest first."""
    rows: list[Said] = await database.fetch(
        RECENT, interface=where.interface, chat_id=where.chat_id, thread_id=where.thread_id, most=most
    )
    return rows[::-1]


async def last_id(database: Database) -> int:
    """The largest id, 0 if there is none."""
    rows = await database.fetch(LAST_ID)
    return rows[0].id if rows else 0
