"""Know the people: what they told about themselves, kept as bios, told only to whom it may be told."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.audience import audience_of
from rekku.core.commands import Command
from rekku.core.errors import ActionError, StoreError
from rekku.core.message import Message
from rekku.core.principal import Principal, Role
from rekku.core.settings import Setting
from rekku.plugins._bio_manager import facts, panel, table, told
from rekku.plugins._bio_manager.commands import BioCommands
from rekku.plugins._bio_manager.joining import joined, unheard
from rekku.plugins._bio_manager.keeping import changed
from rekku.plugins._bio_manager.limits import Limits
from rekku.plugins._bio_manager.payload import read_change
from rekku.plugins._bio_manager.whom import Whom, find

log = logging.getLogger(__name__)

LIGHT_FIELDS = ("known_as", "information", "likes", "not_likes", "feelings")
"""What every prompt tells of the participants; all the rest is asked for with `bio_full_request`."""

LIGHT_ROOM = 800
"""Characters of facts about who is talking; half of it for everybody else."""

WRITE_ACCESS_EVERY = 60.0
"""Seconds between two writes of who was looked up."""


class BioManager(AIPluginBase):
    """Two actions, `bio_update` and `bio_full_request`; light bios of the participants in every prompt; `/bio`."""

    settings = (
        Setting("BIO_MAX_FIELDS", "Fields of a bio that one update may write; 0 for any.", int, default=3, minimum=0),
        Setting("BIO_UPDATE_MINUTES", "Minutes between two updates of one person's bio.", int, default=60, minimum=0),
        Setting(
            "BIO_UPDATES_PER_DAY", "Updates of one person's bio in 24 hours; 0 for any.", int, default=5, minimum=0
        ),
    )
    tables = table.SCHEMA

    def __init__(self) -> None:
        self._seen: dict[str, datetime] = {}

    @property
    def _limits(self) -> Limits:
        given = self.host.settings
        return Limits(given["BIO_MAX_FIELDS"], given["BIO_UPDATE_MINUTES"], given["BIO_UPDATES_PER_DAY"])

    async def start(self) -> None:
        self.host.spawn(self._write_accesses(), "last accesses")

    async def stop(self) -> None:
        await self._note_accesses()

    def get_supported_actions(self) -> Mapping[str, Mapping[str, Any]]:
        return told.actions()

    def get_prompt_instructions(self, action_name: str) -> Mapping[str, Any]:
        return told.instructions(action_name, self._limits)

    def get_commands(self) -> Sequence[Command]:
        commands = BioCommands(self.host)
        return [
            Command("bio", "What I know about you.", commands.bio, Role.UNKNOWN, "[private|chat|public|remove FACT]"),
            Command("people", "Whom I know.", commands.people, Role.TRAINER, "[PERSON]"),
        ]

    async def validate_payload(self, action_type: str, payload: Mapping[str, Any]) -> list[str]:
        if action_type == "bio_update":
            read_change(payload, self._limits.fields)
        return []

    async def execute_action(self, action: Mapping[str, Any], context: Any, bot: Any, message: Message) -> Any:
        """Do one of the two; None for an update that was made, the facts for a request."""
        principal = self.host.principal
        if principal is None:
            raise ActionError("a bio can only be used in a turn that somebody has begun")
        payload: Mapping[str, Any] = action["payload"]
        whom = await find(self.host, str(payload.get("person") or ""), principal, message)
        if action["type"] == "bio_update":
            heard = tuple(context.get("listeners", ()))
            return await self._update(whom, payload, principal, message, heard)
        return await self._full(whom, principal, message)

    async def _update(
        self,
        whom: Whom,
        payload: Mapping[str, Any],
        principal: Principal,
        message: Message,
        heard: tuple[str, ...],
    ) -> None:
        if not principal.is_trainer and whom.person_id != principal.person_id:
            raise ActionError(
                "only the owner may change what is known about others; about the person who is talking, "
                f"{principal.name}, you may write what they told themselves (leave payload.person out)"
            )
        await self.host.database.run(
            lambda transaction: changed(
                transaction,
                whom,
                read_change(payload, self._limits.fields),
                audience_of(message, principal),
                self._limits,
                self.host.clock.now(),
                heard,
            )
        )

    async def _full(self, whom: Whom, principal: Principal, message: Message) -> dict[str, Any]:
        bio = await table.read_bio(self.host.database, whom.person_id) if whom.person_id else None
        shown = facts.for_audience(bio.facts, audience_of(message, principal)) if bio else {}
        answer: dict[str, Any] = {"person": whom.name, **facts.plain(shown)}
        if not shown:
            answer["nothing"] = "nothing is known that may be told in this chat"
        if bio is not None:
            self._seen[bio.person_id] = self.host.clock.now()
            hidden = bio.count - sum(map(len, shown.values()))
            if hidden and principal.is_trainer:
                answer["left_out"] = f"{hidden} facts are not for this chat; /people {whom.name} tells the owner"
        return answer

    async def get_static_injection(
        self, message: Message | None = None, context_memory: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        principal = self.host.principal
        if message is None or principal is None:
            return {}
        said = (context_memory or {}).get(message.conversation.chat_id) or []
        names = {line["person_id"]: line["from"] for line in reversed(said) if line.get("person_id")}
        names = {principal.person_id: principal.name} | {k: v for k, v in names.items() if k != principal.person_id}
        bios = await table.read_bios(self.host.database, list(names)[: table.TOGETHER])
        audience, now = audience_of(message, principal), self.host.clock.now()
        participants = []
        for person, name in names.items():
            shown = facts.for_audience(bios[person].facts, audience) if person in bios else {}
            if shown:
                room = LIGHT_ROOM if person == principal.person_id else LIGHT_ROOM // 2
                some, more = facts.light(shown, LIGHT_FIELDS, room)
                participants.append({"name": name, **some, **({"more": "by bio_full_request"} if more else {})})
                self._seen[person] = now
        return {"participants": participants} if participants else {}

    async def panel(self, deed: str, given: Mapping[str, Any]) -> Any:
        """For the owner's control panel: show, add, change, remove."""
        return await panel.do(self.host, deed, given)

    async def forget_person(self, person_id: str, dry_run: bool) -> Mapping[str, int]:
        bio = await table.read_bio(self.host.database, person_id)
        if not dry_run:
            self._seen.pop(person_id, None)
            await table.erase(self.host.database, person_id)
            await self.host.database.run(lambda transaction: unheard(transaction, person_id))
        return {"facts in a bio": bio.count} if bio else {}

    async def merge_person(self, old: str, new: str) -> None:
        await self._note_accesses()
        now = self.host.clock.now()
        await self.host.database.run(lambda transaction: joined(transaction, old, new, now))

    async def _write_accesses(self) -> None:
        while True:
            await self.host.clock.sleep(WRITE_ACCESS_EVERY)
            await self._note_accesses()

    async def _note_accesses(self) -> None:
        """Write who was looked up since the last time, together; what cannot be written now waits for the next."""
        seen, self._seen = self._seen, {}
        if not seen:
            return
        try:
            await table.note_access(self.host.database, seen)
        except StoreError as error:
            self._seen = seen | self._seen
            log.warning("When bios were last used could not be written: %s", error)


PLUGIN_CLASS = BioManager
