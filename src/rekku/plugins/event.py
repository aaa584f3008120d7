"""Let Rekku keep its promises: reminders and other events that come by themselves when they are due."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.clock import local_zone, span
from rekku.core.commands import Command, CommandCall
from rekku.core.errors import ActionError
from rekku.core.message import Conversation, Message
from rekku.core.principal import Role
from rekku.core.settings import Setting
from rekku.plugins._event import asked, offer, panel, tables, words
from rekku.plugins._event.asked import Bounds, Wanted
from rekku.plugins._event.book import SHOWN, Book, New, Viewer
from rekku.plugins._event.follower import Follower
from rekku.plugins._event.scheduler import Scheduler
from rekku.plugins._event.tables import Event

SNOOZE_MINUTES = 10
SNOOZE_USAGE = "Write /snooze, /snooze 20, or /snooze 20 3 for the event 3."
TOLD = 5


class EventPlugin(AIPluginBase):
    """Actions to make, list, change, cancel, acknowledge and snooze events; `/events` and `/snooze`."""

    settings = (
        Setting("TZ", "The time zone where Rekku lives, as Europe/Rome; by default the machine's."),
        Setting("EVENTS_PER_PERSON", "How many events one person may have waiting.", int, 50, minimum=1),
        Setting(
            "EVENT_ALWAYS_MINUTES", "Minutes between two times of an event that repeats always.", int, 60, minimum=1
        ),
        Setting(
            "EVENT_CRON_MINUTES", "The least number of minutes between two times of a cron text.", int, 5, minimum=1
        ),
    )
    tables = tables.SCHEMA

    def get_supported_actions(self) -> Mapping[str, Mapping[str, Any]]:
        return offer.ACTIONS

    def get_prompt_instructions(self, action_name: str) -> Mapping[str, Any]:
        return offer.INSTRUCTIONS[action_name]

    def get_commands(self) -> Sequence[Command]:
        return (
            Command("events", "Show what you will be reminded of.", self.show, Role.UNKNOWN, "[all]"),
            Command("snooze", "Be reminded again later.", self.snooze_by_hand, Role.UNKNOWN, "[minutes] [id]"),
        )

    async def start(self) -> None:
        settings = self.host.settings
        self._zone = local_zone(settings["TZ"]).key
        self._interval = timedelta(minutes=settings["EVENT_ALWAYS_MINUTES"])
        self._shortest = timedelta(minutes=settings["EVENT_CRON_MINUTES"])
        self._book = Book(self.host.database, self._interval)
        follower = Follower(self.host, self._interval)
        self._scheduler = Scheduler(self.host, self._interval, follower)
        self.host.spawn(self._scheduler.run(), "events")
        self.host.spawn(follower.run(), "events that were handed over")

    async def get_static_injection(
        self, message: Message | None = None, context_memory: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """The time that counts for events. Not what they are about: a model has written that, perhaps after what
        somebody else said, and it would stand in every prompt of the trainer."""
        return {"events": {"now": words.clock(self.host.clock.now(), self._zone)}}

    async def validate_payload(self, action_type: str, payload: Mapping[str, Any]) -> list[str]:
        try:
            match action_type:
                case "event":
                    asked.description(payload)
                    asked.when(payload, self._bounds())
                case "event_snooze":
                    asked.minutes(payload["minutes"])
        except ActionError as error:
            return list(error.problems)
        return []

    async def execute_action(
        self, action: Mapping[str, Any], context: Mapping[str, Any], bot: object, message: Message
    ) -> Mapping[str, Any]:
        """Do one of the six actions."""
        principal = self.host.principal
        if principal is None:
            raise ActionError("events are made in a turn")
        viewer, payload = Viewer(principal, message), action["payload"]
        match action["type"]:
            case "event":
                return await self._create(viewer, payload)
            case "event_list":
                return await self._list(viewer)
            case "event_update":
                return await self._update(viewer, payload)
        event = await self._find(viewer, payload)
        return await self._settle(str(action["type"]), event, payload)

    async def panel(self, deed: str, given: Mapping[str, Any]) -> Any:
        """`list` (until), and what the actions do for everybody's events: create, update, cancel, acknowledge, snooze,
        with the fields of the actions. `here` is the owner's chat, as interface:chat."""
        now = self.host.clock.now()
        viewer = panel.owner_at(given.get("here"), now)
        if deed == "list":
            waiting = await self._book.waiting(viewer, everybody=True, most=panel.MOST)
            told = await self._book.all_told(panel.MOST_TOLD)
            return await asyncio.to_thread(panel.shown, waiting, told, given.get("until"), now)
        match panel.DEEDS.get(deed):
            case None:
                raise ActionError(f"there is no {deed!r} for events")
            case "event":
                if not given.get("date"):
                    raise ActionError("payload.date is required")
                return await self._create(viewer, given)
            case "event_update":
                return await self._update(viewer, given)
            case action:
                return await self._settle(action, await self._find(viewer, given), given)

    async def _create(self, viewer: Viewer, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        who, now = viewer.principal, self.host.clock.now()
        wanted = asked.when(payload, self._bounds())
        limit = self.host.settings["EVENTS_PER_PERSON"]
        if not who.is_trainer and await self._book.is_full(who.person_id, limit):
            raise ActionError(f"this person has {limit} events waiting, which is the most; cancel one of them first")
        where = await self._where(viewer.message.conversation, payload)
        here = viewer.message.conversation
        direct = viewer.message.direct and (where.interface, where.chat_id) == (here.interface, here.chat_id)
        text, late = asked.description(payload), asked.late_policy(payload)
        label = str(payload.get("created_by") or "")
        event, added = await self._book.add(New(who.person_id, where, direct, wanted, text, late, label), now)
        self._scheduler.wake()
        return {"scheduled" if added else "was scheduled already": words.told(event, now)}

    async def _where(self, here: Conversation, payload: Mapping[str, Any]) -> Conversation:
        target = [str(value) if (value := payload.get(key)) else None for key in ("interface", "target", "thread_id")]
        return await self.host.resolve(*target) if any(target) else here

    async def _list(self, viewer: Viewer) -> Mapping[str, Any]:
        now = self.host.clock.now()
        waiting = await self._book.waiting(viewer)
        told = await self._book.told(viewer, TOLD)
        shown = {"waiting": waiting[:SHOWN], "came lately": [event for event in told if event.next_at is None]}
        listed: dict[str, Any] = {
            name: [{**words.told(event, now), "description": event.description} for event in events]
            for name, events in shown.items()
        }
        return listed if len(waiting) <= SHOWN else {**listed, "not shown": "later ones, which wait too"}

    async def _update(self, viewer: Viewer, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        event = await self._find(viewer, payload)
        text = asked.description(payload) if "description" in payload else event.description
        if event.next_at is None or asked.asks_for_another(payload, event.rule):
            wanted = asked.when(payload, self._bounds(), event.rule)
        else:
            wanted = Wanted(event.rule, event.next_at)
        late = asked.late_policy(payload, event.late_policy)
        changed = await self._book.change(event, wanted, text, late)
        self._scheduler.wake()
        return {"changed": words.told(changed, self.host.clock.now())}

    async def _settle(self, action: str, event: Event, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        now = self.host.clock.now()
        match action:
            case "event_cancel":
                await self._book.cancel(event)
                return {"cancelled": event.id}
            case "event_acknowledge":
                noted = await self._book.acknowledge(event, now)
                return {
                    "acknowledged": event.id,
                    **({"it still comes": words.told(noted, now)} if noted.next_at else {}),
                }
        at = now + timedelta(minutes=asked.minutes(payload["minutes"]))
        snoozed = await self._book.snooze(event, at, now)
        self._scheduler.wake()
        return {"snoozed": words.told(snoozed, now)}

    async def _find(self, viewer: Viewer, payload: Mapping[str, Any]) -> Event:
        number = asked.number(payload.get("id"))
        return await (self._book.last(viewer) if number is None else self._book.one(viewer, number))

    def _bounds(self) -> Bounds:
        return Bounds(self.host.clock.now(), self._zone, self._interval, self._shortest)

    async def show(self, call: CommandCall) -> str:
        """`/events`: the caller's own; `all`, for the trainer in a direct chat: everybody's."""
        viewer, now = Viewer(call.principal, call.message), self.host.clock.now()
        everybody = call.text.strip().casefold() == "all"
        if everybody and not (call.principal.is_trainer and call.message.direct):
            return "Only the trainer sees everybody's events, in a direct chat."
        waiting = await self._book.waiting(viewer, everybody=everybody)
        if not waiting:
            return "Nothing is scheduled."
        lines = [words.line(event, now) + (_whose(event) if everybody else "") for event in waiting[:SHOWN]]
        more = ["And later ones, which are shown when some of these are over."] if len(waiting) > SHOWN else []
        return "\n".join([*lines, *more])

    async def snooze_by_hand(self, call: CommandCall) -> str:
        """`/snooze 10 3`: the event 3 again in ten minutes; without a number the one that came last."""
        viewer, now = Viewer(call.principal, call.message), self.host.clock.now()
        given = call.text.split()
        if len(given) > 2:
            return SNOOZE_USAGE
        try:
            length = asked.minutes(int(given[0]) if given else SNOOZE_MINUTES)
            event = await self._find(viewer, {"id": given[1] if len(given) > 1 else None})
        except ActionError as error:
            return f"That does not work: {words.by_hand(str(error))}"
        except ValueError:
            return SNOOZE_USAGE
        snoozed = await self._book.snooze(event, now + timedelta(minutes=length), now)
        self._scheduler.wake()
        return f"I will remind you in {span(timedelta(minutes=length))}: {snoozed.description}"

    async def forget_person(self, person_id: str, dry_run: bool) -> Mapping[str, int]:
        rows = await self.host.database.fetch(tables.COUNT, who=person_id)
        if not dry_run:
            await self.host.database.write(tables.ERASE(who=person_id))
        return {"events": rows[0][0]}

    async def merge_person(self, old: str, new: str) -> None:
        await self._book.merge(old, new)


def _whose(event: Event) -> str:
    return f"  [{event.person_id}, {event.conversation}]"


PLUGIN_CLASS = EventPlugin
