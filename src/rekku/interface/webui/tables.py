"""What the web page keeps: the conversation as it was shown, files, sessions, tokens, the password."""

from sqlalchemy import BigInteger, Column, Index, String, UniqueConstraint

from rekku.core.database import Instant, Key, LongText, Schema, Step, Steps, table

Word = String(12)

LINES = table(
    "webui_lines",
    Column("chat_id", Key, primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    Column("message_id", Key, nullable=False),
    Column("sender", Word, nullable=False),
    Column("state", Word, nullable=False),
    Column("text", LongText, nullable=False),
    Column("extra", LongText, nullable=False),
    Column("at", Instant, nullable=False),
    UniqueConstraint("chat_id", "message_id", name="webui_lines_message"),
    Index("webui_lines_seq", "chat_id", "seq"),
)
"""What stands in a chat. `number` is its place; `seq` grows with every change, so that a page which knows all up to
some seq asks for what came after. `sender`: me, rekku. `state`: draft, final, gone."""

FILES = table(
    "webui_files",
    Column("id", Key, primary_key=True),
    Column("chat_id", Key, nullable=False),
    Column("name", LongText, nullable=False),
    Column("kind", Word, nullable=False),
    Column("mime", Key, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", Instant, nullable=False),
    Index("webui_files_chat", "chat_id"),
)

SESSIONS = table(
    "webui_sessions",
    Column("id", Key, primary_key=True),
    Column("kind", Word, nullable=False),
    Column("user_id", Key, nullable=False),
    Column("csrf", Key, nullable=False),
    Column("agent", LongText, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)
"""Who is logged in. `id` is a hash of the cookie. `kind`: owner, guest."""

TOKENS = table(
    "webui_tokens",
    Column("id", Key, primary_key=True),
    Column("name", LongText, nullable=False),
    Column("user_id", Key, nullable=False),
    Column("secret", Key, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
)
"""Access tokens of other programs. `secret` is a hash."""

KEYS = table("webui_keys", Column("name", Key, primary_key=True), Column("value", LongText, nullable=False))


async def _first(db: Steps) -> None:
    for made in (LINES, FILES, SESSIONS, TOKENS, KEYS):
        await db.create(made)


SCHEMA = Schema("webui", Step(1, "the conversation, files, sessions, tokens, the password", _first))
