"""The tables of the road, and the steps that make them."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.mysql import LONGBLOB

from rekku.core.database import Instant, Key, LongText, Schema, Step, Steps, table

Status = String(12)

INBOX = table(
    "inbox",
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("interface", Key, nullable=False),
    Column("chat_id", Key, nullable=False),
    Column("thread_id", Key, nullable=False),
    Column("message_key", Key, nullable=False),
    Column("person_id", Key, nullable=False),
    Column("status", Status, nullable=False),
    Column("body", LongText, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("turn_id", BigInteger),
    Column("tries", Integer, nullable=False, default=0),
    Column("owner", Key, nullable=False),
    Column("lease_until", Instant),
    UniqueConstraint("message_key", name="inbox_message_key"),
    Index("inbox_status", "status", "id"),
)
"""Messages that were accepted. `status`: waiting, deferred, ending (answered, hooks to come), done, given_up,
cancelled; command (begun, then done); heard (not for Rekku) is kept so that a redelivery is known. The turn of a
message has the id of the first message that it answers (`turn_id`, where that is another)."""

ATTACHMENTS = table(
    "attachments",
    Column("inbox_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("kind", Status, nullable=False),
    Column("name", LongText, nullable=False),
    Column("mime", Key, nullable=False),
    Column("data", LargeBinary().with_variant(LONGBLOB(), "mysql", "mariadb"), nullable=False),
)

STEPS = table(
    "steps",
    Column("turn_id", BigInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("reply", LongText, nullable=False),
    Column("plan", LongText, nullable=False),
    Column("fields", LongText, nullable=False),
    Column("knew", LongText, nullable=False),
    Column("engine", Key, nullable=False),
    Column("model", Key, nullable=False),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("at", Instant, nullable=False),
    Column("cost", Float(53)),
    Index("steps_at", "at"),
)
"""The journal: one row for each reply of a model. `plan` holds its deeds with their state, `knew` what the prompt
told; `cost` is in US dollars, null if it was not known then."""

OUTBOX = table(
    "outbox",
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("turn_id", BigInteger),
    Column("interface", Key, nullable=False),
    Column("chat_id", Key, nullable=False),
    Column("thread_id", Key, nullable=False),
    Column("status", Status, nullable=False),
    Column("text", LongText, nullable=False),
    Column("extra", LongText, nullable=False),
    Column("platform_id", Key, nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("created_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Column("error", LongText, nullable=False),
    Column("owner", Key, nullable=False),
    Column("lease_until", Instant),
    Column("progress", LongText),
    Index("outbox_status", "status", "id"),
    Index("outbox_turn", "turn_id"),
    Index("outbox_chat", "interface", "chat_id", "thread_id", "id"),
)
"""Messages that will be or were delivered. `status`: draft, queued, sending, sent, failed, unknown, dropped. `progress`
lists the ids on the platform of the pieces that were sent, null for one that may have arrived."""

HISTORY = table(
    "history",
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("interface", Key, nullable=False),
    Column("chat_id", Key, nullable=False),
    Column("thread_id", Key, nullable=False),
    Column("person_id", Key, nullable=False),
    Column("name", LongText, nullable=False),
    Column("text", LongText, nullable=False),
    Column("at", Instant, nullable=False),
    Index("history_chat", "interface", "chat_id", "thread_id", "id"),
    Index("history_person", "person_id"),
)
"""What was said, by whom; `person_id` is "" for what Rekku said."""

PEOPLE = table(
    "people",
    Column("person_id", Key, primary_key=True),
    Column("role", Status, nullable=False),
    Column("name", LongText, nullable=False),
    Column("since", Instant, nullable=False),
)

ACCOUNTS = table(
    "accounts",
    Column("interface", Key, primary_key=True),
    Column("user_id", Key, primary_key=True),
    Column("person_id", Key, nullable=False),
    Column("name", LongText, nullable=False),
    Column("tag", Key, nullable=False),
    Index("accounts_person", "person_id"),
)

CHATS = table(
    "chats",
    Column("interface", Key, primary_key=True),
    Column("chat_id", Key, primary_key=True),
    Column("thread_id", Key, primary_key=True),
    Column("name", Key, nullable=False),
    Column("direct", Boolean, nullable=False),
    Column("person_id", Key, nullable=False),
    Column("active_at", Instant, nullable=False),
    Index("chats_active", "active_at"),
)
"""Chats that Rekku knows; `person_id` is whose direct chat it is ("" for groups)."""

AUDIT = table(
    "audit",
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("turn_id", BigInteger),
    Column("person_id", Key, nullable=False),
    Column("action", Key, nullable=False),
    Column("detail", LongText, nullable=False),
    Column("outcome", Status, nullable=False),
    Index("audit_at", "at"),
)

STATE = table(
    "state",
    Column("name", Key, primary_key=True),
    Column("value", LongText, nullable=False),
)
"""What was chosen at run time and survives a restart."""

TABLES = (INBOX, ATTACHMENTS, STEPS, OUTBOX, HISTORY, PEOPLE, ACCOUNTS, CHATS, AUDIT, STATE)


async def _first_tables(db: Steps) -> None:
    for made in TABLES:
        await db.create(made)


async def _pieces(db: Steps) -> None:
    await db.add_column("outbox", Column("progress", LongText))


async def _cost(db: Steps) -> None:
    await db.add_column("steps", Column("cost", Float(53)))


SCHEMA = Schema(
    "rekku",
    Step(1, "the tables of the road", _first_tables),
    Step(2, "messages that go out in pieces", _pieces),
    Step(3, "what a reply cost", _cost),
)
