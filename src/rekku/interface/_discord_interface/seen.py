"""Up to where each channel of Discord has been read, so that what is said meanwhile is found at the next start."""

from sqlalchemy import BigInteger, Column, bindparam, select, update

from rekku.core.database import Database, Key, Schema, Statement, Step, Write, insert_or_ignore, table

SEEN = table(
    "discord_seen",
    Column("channel_id", Key, primary_key=True),
    Column("message_id", BigInteger, nullable=False),
)
SCHEMA = Schema("discord_interface", Step(1, "up to where channels were read", lambda db: db.create(SEEN)))

ALL = Statement(select(SEEN.c.channel_id, SEEN.c.message_id))
ADD = Statement(insert_or_ignore(SEEN))
MOVE = Statement(
    update(SEEN)
    .where(SEEN.c.channel_id == bindparam("channel"), SEEN.c.message_id < bindparam("number"))
    .values(message_id=bindparam("number"))
)


class Seen:
    """The last message that was handed over of each channel. It is written now and then: what is found again is
    recognised by its id, and what is not, is lost."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._last: dict[int, int] = {}
        self._news: set[int] = set()

    async def load(self) -> None:
        """Read what was written."""
        self._last = {int(row.channel_id): row.message_id for row in await self._db.fetch(ALL)}

    def last(self, channel: int) -> int | None:
        """The last message of a channel; None if it was never read."""
        return self._last.get(channel)

    def channels(self) -> list[int]:
        """All channels that were ever read."""
        return list(self._last)

    def note(self, channel: int, message: int) -> None:
        """A message has been handed over."""
        if message > self._last.get(channel, 0):
            self._last[channel] = message
            self._news.add(channel)

    async def write(self) -> None:
        """Write what is new. Raises StoreError; then it is still new."""
        news, self._news = self._news, set()
        writes: list[Write] = []
        for channel in news:
            last = self._last[channel]
            writes.append(ADD(channel_id=str(channel), message_id=last))
            writes.append(MOVE(channel=str(channel), number=last))
        try:
            if writes:
                await self._db.write(*writes)
        except BaseException:
            self._news |= news
            raise
