"""The diary itself: what is recorded, what comes to mind, what is thrown away. It knows no chat and no command."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.exc import DatabaseError

from rekku.core.audience import Audience, audience_of
from rekku.core.database import Database
from rekku.core.errors import StoreError
from rekku.core.host import Host
from rekku.core.message import Message
from rekku.core.turn import Turn
from rekku.plugins._ai_diary import keeper, schema, tables
from rekku.plugins._ai_diary.entry import CHAT, PRIVATE, Entry, entry_of
from rekku.plugins._ai_diary.feelings import mood
from rekku.plugins._ai_diary.recall import Found, recall
from rekku.plugins._ai_diary.reply import reflection
from rekku.plugins._ai_diary.words import BETWEEN, fitting, listed, told

FIELD = "diary"
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
AWAY = 5.0
"""Seconds between two tries to write what could not be written."""

PAGE = 1000
LONGEST_KEPT = 20_000
"""Characters of a message, and of an answer, that an entry keeps."""

MOST_RELEVANT, MOST_RECENT = 8, 8


class Diary:
    """One diary in the database of a host."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._db = host.database

    @property
    def database(self) -> Database:
        """Where it is kept."""
        return self._db

    async def record(self, turn: Turn) -> None:
        """Write down a turn that sent something; once, however often it is told."""
        entry = entry_of_turn(turn)
        if entry is not None:
            await self.keep(entry)

    async def keep(self, entry: Entry) -> None:
        """Write an entry; while the database is away, it is tried again until it is written."""
        try:
            await keeper.write(self._db, entry)
        except StoreError as error:
            self._host.log.warning("An entry of the diary waits for the database: %s", error)
            # Whoever waits here may run out of patience; the entry goes on waiting.
            await asyncio.shield(self._host.spawn(self._keep_later(entry), "diary entry"))

    async def comes_to_mind(
        self, message: Message, past: Sequence[Mapping[str, str]], *, room: int, half_life: timedelta
    ) -> dict[str, str]:
        """What Rekku feels and remembers when it answers this message, in at most `room` characters."""
        audience = audience_of(message, self._host.principal)
        return await in_mind(self._db, audience, message, past, self._host.clock.now(), room, half_life)

    async def newest(self, most: int, *, skip: int = 0, since: datetime = BEGINNING) -> list[Entry]:
        """The newest entries, newest first."""
        until = datetime(9999, 1, 1, tzinfo=UTC)
        rows = await self._db.fetch(tables.NEWEST, until=until, since=since, most=most, skip=skip)
        return [entry_of(row) for row in rows]

    async def everything(self, before: int = keeper.NEWER_THAN_ALL) -> AsyncIterator[Entry]:
        """All entries (before the one of a number), newest first, read some at a time."""
        while rows := await self._db.fetch(tables.PAGE, before=before, most=PAGE):
            for row in rows:
                yield entry_of(row)
            before = rows[-1].id

    async def with_any(self, marks: Sequence[str], most: int) -> list[Entry]:
        """The newest entries that have one of these marks (tags or names), newest first."""
        found = {e.id: e for mark in marks for e in await keeper.with_word(self._db, tables.EVERYTHING, mark, most)}
        return sorted(found.values(), key=lambda e: (e.timestamp, e.id), reverse=True)[:most]

    async def count(self) -> int:
        """How many entries there are."""
        return int((await self._db.fetch(tables.COUNT))[0][0])

    async def erase_before(self, instant: datetime) -> int:
        """Erase what is older; how many entries that were."""
        count = 0
        while rows := await self._db.fetch(tables.OLDEST, before=instant, most=keeper.AT_ONCE):
            count += await keeper.erase(self._db, [entry_of(row) for row in rows])
        return count

    async def recreate(self) -> int:
        """Throw all entries away and make the tables anew; how many entries there were."""
        count = 0
        with contextlib.suppress(DatabaseError):  # there may be no table, or one of another shape
            count = await self.count()
        for statement in schema.made_anew():
            await self._db.fetch(statement)
        return count

    async def state(self, name: str) -> str:
        """What was noted under a name; "" if nothing."""
        rows = await self._db.fetch(tables.STATE_ROW, which=name)
        return str(rows[0].value) if rows else ""

    async def set_state(self, name: str, value: str) -> None:
        """Note a value under a name."""
        await self._db.write(tables.ADD_STATE(name=name, value=value), tables.SET_STATE(which=name, to=value))

    async def _keep_later(self, entry: Entry) -> None:
        while True:
            await self._host.clock.sleep(AWAY)
            try:
                await keeper.write(self._db, entry)
            except StoreError as error:
                self._host.log.warning("An entry of the diary still waits for the database: %s", error)
            else:
                return


def entry_of_turn(turn: Turn) -> Entry | None:
    """What is written down about a turn; None if nothing was said in its conversation."""
    last = turn.messages[-1]
    # Who reads a group need not know what was written to another chat from there.
    elsewhere = set() if last.direct else {_said_elsewhere(deed.payload, turn) for deed in turn.deeds}
    said = "\n".join(reply for reply in turn.replies if reply not in elsewhere)
    if not said:
        return None
    # What an errand says is for the model; nobody has said it.
    heard = "\n".join(message.text for message in turn.messages if message.errand is None)
    due = last.errand.fallback if last.errand else ""
    # An errand in a group is done in its creator's name, who need not be there.
    talks = last.direct or last.errand is None
    person = audience_of(last, turn.principal).person_id if last.direct else turn.principal.person_id
    speakers = (person,) if person and talks else ()
    name = "" if last.errand else (last.user.name or last.user.tag or last.user.id)
    noted = reflection(turn.fields.get(FIELD), due or heard, name, errand=bool(due))
    where = turn.conversation
    return Entry(
        id=turn.id,
        timestamp=turn.finished_at,
        content=said[:LONGEST_KEPT],
        personal_thought=noted.thought,
        emotions=noted.emotions,
        involved_users=(name,) if name else (),
        interaction_summary=noted.summary,
        user_message=heard[:LONGEST_KEPT],
        context_tags=noted.tags,
        interface=where.interface,
        chat_id=where.chat_id,
        thread_id=where.thread_id,
        privacy=PRIVATE if last.direct else CHAT,
        present=(*speakers, *turn.listeners),
        written_by=noted.written_by,
        speakers=speakers,
    )


async def in_mind(
    database: Database,
    audience: Audience,
    message: Message,
    past: Sequence[Mapping[str, str]],
    now: datetime,
    room: int,
    half_life: timedelta,
) -> dict[str, str]:
    """What is felt and remembered before this audience, in at most `room` characters; `past` is shown anyway."""
    text = message.errand.fallback if message.errand else message.text
    found = await recall(database, audience, text, now, most=MOST_RELEVANT, recent=MOST_RECENT)
    facts: dict[str, str] = {}
    feelings = mood(found.recent, now, half_life)
    if feelings:
        facts["mood"] = f"{listed(feelings)}; let it colour how you speak, without naming it"
    memories = chosen(found, _since(past), message, room)
    if memories:
        facts["memories"] = memories
    return facts


def chosen(found: Found, since: datetime | None, message: Message, room: int) -> str:
    """The text of the best and the newest entries that fit, in the order of time; `since` is where history begins."""
    here = message.conversation
    entries = list({entry.id: entry for entry in _alternating(found.relevant, found.recent)}.values())
    texts = []
    for entry in entries:
        same = (entry.interface, entry.chat_id, entry.thread_id) == (here.interface, here.chat_id, here.thread_id)
        shown = since is not None and same and entry.timestamp >= since
        texts.append(told(entry, weights=found.weights, heard=not shown))
    taken = fitting(texts, room)
    return BETWEEN.join(texts[at] for at in sorted(taken, key=lambda at: entries[at].timestamp))


def _alternating(relevant: Sequence[Entry], recent: Sequence[Entry]) -> list[Entry]:
    """Two that answer, then one that is new, and so on: the most important first."""
    merged: list[Entry] = []
    for at in range(max((len(relevant) + 1) // 2, len(recent))):
        merged += relevant[2 * at : 2 * at + 2]
        merged += recent[at : at + 1]
    return merged


def _since(past: Sequence[Mapping[str, str]]) -> datetime | None:
    return datetime.fromisoformat(past[0]["at"]) if past else None


def _said_elsewhere(payload: Mapping[str, Any], turn: Turn) -> str:
    """The text of a message that went to another chat; "" if it did not."""
    here = (turn.conversation.chat_id, turn.messages[-1].chat_name)
    target, interface = payload.get("target"), payload.get("interface")
    other = target not in (None, "") and str(target) not in here
    other = other or (interface not in (None, "") and interface != turn.conversation.interface)
    return str(payload.get("text", "")) if other else ""
