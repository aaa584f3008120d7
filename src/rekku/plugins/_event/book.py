"""The book of events: who may see which, and what is written into it."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from rekku.core.database import Database, Transaction
from rekku.core.errors import ActionError
from rekku.core.message import Conversation, Message
from rekku.core.principal import Principal
from rekku.plugins._event import tables
from rekku.plugins._event.asked import Wanted
from rekku.plugins._event.calendar import Rule, wall_time
from rekku.plugins._event.tables import Event

SHOWN = 100
"""Events that are shown at once."""

SNOOZED = "snoozed "
MARKED = ("description", "zone", "starts", "repetition", "cron", "until")
"""What makes an event the same as another one of that person in that chat."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, and where. In a group only that chat's events are there: others read along."""

    principal: Principal
    message: Message

    @property
    def here(self) -> dict[str, str]:
        """The chat, as statements want it; empty in a direct chat."""
        where = self.message.conversation
        return {} if self.message.direct else {"i": where.interface, "c": where.chat_id, "t": where.thread_id}

    def sees(self, event: Event) -> bool:
        """Whether this event may be shown and changed here."""
        here = self.message.conversation
        same = event.conversation in (here, replace(here, thread_id=""))
        own = event.person_id == self.principal.person_id or (self.principal.is_trainer and self.message.direct)
        return own and (self.message.direct or same)


@dataclass(frozen=True, slots=True)
class New:
    """An event that is to be kept. `created_by` is a label; the rights are those of `person_id`."""

    person_id: str
    where: Conversation
    direct: bool
    wanted: Wanted
    description: str
    late_policy: str
    created_by: str = ""
    mark: str = ""


class Book:
    """The table. `interval` is that of events that repeat always."""

    def __init__(self, database: Database, interval: timedelta) -> None:
        self._db = database
        self._interval = interval

    async def add(self, new: New, now: datetime) -> tuple[Event, bool]:
        """Keep an event; False if the same one is there already."""
        what = _what(new.wanted, new.description, new.late_policy)
        mark = new.mark or _mark(new.person_id, new.where, what)
        row = tables.ADD(
            **{**what, "mark": mark},
            person_id=new.person_id,
            created_by=new.created_by[:200],
            interface=new.where.interface,
            chat_id=new.where.chat_id,
            thread_id=new.where.thread_id,
            direct=new.direct,
            status="waiting",
            wake_at=new.wanted.first,
            tries=0,
            last_at=None,
            last_outcome="",
            acknowledged_at=None,
            created_at=now,
        )
        (added,) = await self._db.write(row)
        return (await self._events(tables.BY_MARK, which=mark))[0], bool(added)

    async def is_full(self, person_id: str, limit: int) -> bool:
        """Whether a person has so many events that wait."""
        return len(await self._db.fetch(tables.WAITING, who=person_id, most=limit)) >= limit

    async def one(self, viewer: Viewer, number: int) -> Event:
        """An event by its number. Raises ActionError if it is not there for this viewer."""
        found = await self._events(tables.ONE, row=number)
        if not found or not viewer.sees(found[0]):
            raise ActionError(f"payload.id: there is no event {number} here; event_list shows which there are")
        return found[0]

    async def last(self, viewer: Viewer) -> Event:
        """The event that was told last. Raises ActionError if none was."""
        found = await self.told(viewer, 1)
        if not found:
            raise ActionError("no event has come here yet; give payload.id")
        return found[0]

    async def waiting(self, viewer: Viewer, *, everybody: bool = False, most: int = SHOWN + 1) -> list[Event]:
        """The events that are still to come, the next first; one more than is shown, if there are more."""
        if everybody:
            return await self._events(tables.ALL, most=most)
        statement = tables.OF_HERE if viewer.here else tables.OF
        return await self._events(statement, who=viewer.principal.person_id, most=most, **viewer.here)

    async def told(self, viewer: Viewer, most: int) -> list[Event]:
        """The events that have come, the latest first."""
        statement = tables.TOLD_HERE if viewer.here else tables.TOLD
        return await self._events(statement, who=viewer.principal.person_id, most=most, **viewer.here)

    async def all_told(self, most: int) -> list[Event]:
        """Everybody's events that have come, the latest first."""
        return await self._events(tables.TOLD_ALL, most=most)

    async def change(self, event: Event, wanted: Wanted, description: str, late_policy: str) -> Event:
        """Write an event anew. Raises ActionError if there is another one just like that."""
        what = _what(wanted, description, late_policy)
        what["mark"] = _mark(event.person_id, event.conversation, what)
        same = await self._events(tables.BY_MARK, which=what["mark"])
        if same and same[0].id != event.id:
            raise ActionError(f"the event {same[0].id} is the same already; cancel one of them")
        await self._db.write(tables.CHANGE(row=event.id, **{f"new_{name}": value for name, value in what.items()}))
        return (await self._events(tables.ONE, row=event.id))[0]

    async def cancel(self, event: Event) -> None:
        """It does not come any more."""
        await self._db.write(tables.CANCEL(row=event.id))

    async def acknowledge(self, event: Event, now: datetime) -> Event:
        """Its person has taken note of it, so it does not come again for having been put off; the event then."""
        put_off = tables.DROP_SNOOZED(which=f"{SNOOZED}{event.id}")
        done = [tables.DONE(row=event.id)] if event.last_at and event.next_at and not event.rule.repeats else []
        await self._db.write(tables.ACKNOWLEDGE(row=event.id, now=now), put_off, *done)
        return (await self._events(tables.ONE, row=event.id))[0]

    async def snooze(self, event: Event, at: datetime, now: datetime) -> Event:
        """Let it come (again) at an instant; one that repeats goes on as before, beside it."""
        if event.rule.repeats:
            zone = event.rule.zone
            wanted = Wanted(Rule(wall_time(at, zone), zone), at)
            new = New(
                event.person_id,
                event.conversation,
                event.direct,
                wanted,
                event.description,
                event.late_policy,
                mark=f"{SNOOZED}{event.id}",
            )
            event, added = await self.add(new, now)
            if added:
                return event
        await self._db.write(tables.SNOOZE(row=event.id, at=at))
        return (await self._events(tables.ONE, row=event.id))[0]

    async def merge(self, old: str, new: str) -> None:
        """Give one person's events to another; the same event of both is kept once."""

        async def give(all_or_nothing: Transaction) -> None:
            for row in await all_or_nothing.fetch(tables.WHOSE, who=old):
                event = tables.read(row, self._interval)
                mark = event.mark
                if mark is not None and not mark.startswith(SNOOZED):
                    mark = _mark(new, event.conversation, {name: getattr(row, name) for name in MARKED})
                same = await all_or_nothing.fetch(tables.BY_MARK, which=mark) if mark else []
                gone = any(found.id != event.id for found in same)
                give_it = tables.GIVE(row=event.id, new_who=new, new_mark=mark)
                await all_or_nothing.write(tables.REMOVE(row=event.id) if gone else give_it)

        await self._db.run(give)

    async def _events(self, statement: Any, **values: Any) -> list[Event]:
        return [tables.read(row, self._interval) for row in await self._db.fetch(statement, **values)]


def _what(wanted: Wanted, description: str, late_policy: str) -> dict[str, Any]:
    rule = wanted.rule
    return {
        "description": description,
        "zone": rule.zone,
        "starts": rule.start.isoformat(),
        "repetition": rule.repeat,
        "cron": rule.cron,
        "until": rule.until.isoformat() if rule.until else "",
        "late_policy": late_policy,
        "next_at": wanted.first,
    }


def _mark(person_id: str, where: Conversation, what: dict[str, Any]) -> str:
    """The same for the same event, so that asking twice (a crash, an eager model) makes it once."""
    parts = "\0".join((person_id, *(str(part) for part in (where.interface, where.chat_id, where.thread_id))))
    text = "\0".join((parts, *(what[name] for name in MARKED)))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()
