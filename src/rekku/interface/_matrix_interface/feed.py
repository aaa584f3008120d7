"""What the homeserver has for Rekku: synchronised again and again. The place is kept only when all of it was taken."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import nio
from nio.crypto import ENCRYPTION_ENABLED

from rekku.core.clock import Clock
from rekku.core.errors import StoreError
from rekku.core.members import in_thread
from rekku.core.message import Conversation, Message, User
from rekku.interface._matrix_interface.reading import Reader

log = logging.getLogger(__name__)

LONG_POLL = 30_000
"""Milliseconds that the homeserver keeps a question open until there is something."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
AWAY = 2.0
PAGE, MOST_PAGES = 100, 10
"""Of what was said while Rekku was away, so much is looked up in each room."""
ENDED = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN")
NO_KEYS = 'A room on Matrix is encrypted ({room}), and I cannot read it: pip install "rekku[matrix_e2e]", then restart.'


class SessionEndedError(Exception):
    """The homeserver does not know this device any more."""


class Feed:
    """Hands over what is said; `trouble` says what is wrong, in words."""

    def __init__(
        self,
        *,
        client: nio.AsyncClient,
        reader: Reader,
        clock: Clock,
        folder: Path,
        take: Callable[[Message], Awaitable[object]],
        reacted: Callable[[Conversation, User, str, str], Awaitable[None]],
        tell_trainer: Callable[[str], Awaitable[None]],
        welcome: Callable[[str, str], Awaitable[bool]],
        ready: Callable[[], None],
    ) -> None:
        self._client = client
        self._reader = reader
        self._clock = clock
        self._place = folder / "since"
        self._take = take
        self._reacted = reacted
        self._tell_trainer = tell_trainer
        self._welcome = welcome
        self._ready = ready
        self._complained: set[str] = set()
        self.trouble = ""

    async def follow(self) -> None:
        """Synchronise for ever. Raises SessionEndedError."""
        since: str | None = await in_thread(_read, self._place)
        began, wait = since is not None, FIRST_WAIT
        first = True
        while True:
            try:
                told = await self._client.sync(LONG_POLL if not first else 0, since=since, full_state=first)
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                told = error
            if not isinstance(told, nio.SyncResponse):
                wait = self._note(told, wait)
                await self._clock.sleep(wait)
                continue
            self.trouble, wait = "", FIRST_WAIT
            await self._keep_keys()
            if began:
                for room, joined in told.rooms.join.items():
                    await self._room(room, joined, since or "")
            await self._invites(told)
            since, began = told.next_batch, True
            await in_thread(_write, self._place, since)
            if first:
                first = False
                self._ready()

    def _note(self, told: Any, wait: float) -> float:
        if isinstance(told, nio.ErrorResponse) and told.status_code in ENDED:
            raise SessionEndedError
        reason = told.message if isinstance(told, nio.ErrorResponse) else type(told).__name__
        trouble = f"the homeserver cannot be reached ({reason})"
        if trouble != self.trouble:
            log.warning("%s.", trouble)
        self.trouble = trouble
        return min(wait * 2, LONGEST_WAIT)

    async def _keep_keys(self) -> None:
        """What encryption needs after each step: keys are given out, asked for, and sent on."""
        client = self._client
        if not ENCRYPTION_ENABLED or client.olm is None:
            return
        try:
            await client.send_to_device_messages()
            if client.should_upload_keys:
                await client.keys_upload()
            if client.should_query_keys:
                await client.keys_query()
            if client.should_claim_keys:
                await client.keys_claim(client.get_users_for_key_claiming())
        except (aiohttp.ClientError, TimeoutError, OSError, nio.LocalProtocolError) as error:
            log.warning("Keys could not be exchanged on Matrix (%s); it is tried again.", type(error).__name__)

    async def _room(self, room_id: str, joined: Any, since: str) -> None:
        room = self._client.rooms.get(room_id)
        if room is None:
            return
        events = list(joined.timeline.events)
        if joined.timeline.limited and since:
            missed = [e async for e in self._missed(room_id, joined.timeline.prev_batch, since)]
            events = [*missed[::-1], *events]
        last = ""
        for event in self._after_joining(events):
            try:
                await self._event(room, event)
            except Exception:  # the door to what anybody sends: one odd event must not stop the others
                log.exception("An event of Matrix could not be read and is left out.")
            last = event.event_id
        if last:
            await self._seen(room_id, last)

    async def _missed(self, room_id: str, start: str, since: str) -> AsyncIterator[nio.Event]:
        """What was said between two places, the newest first."""
        for _ in range(MOST_PAGES):
            told = await self._client.room_messages(room_id, start, since, limit=PAGE)
            if not isinstance(told, nio.RoomMessagesResponse):
                log.warning("What was said in a room meanwhile could not be looked up: %s", told.message)
                return
            for event in told.chunk:
                yield event
            if not told.chunk or not told.end:
                return
            start = told.end

    def _after_joining(self, events: Sequence[nio.Event]) -> Sequence[nio.Event]:
        """What was said since Rekku came; what was said before is not meant for it."""
        me = self._client.user_id
        for at in range(len(events) - 1, -1, -1):
            event = events[at]
            came = isinstance(event, nio.RoomMemberEvent) and event.state_key == me and event.membership == "join"
            if came and event.prev_membership != "join":
                return events[at + 1 :]
        return events

    async def _event(self, room: nio.MatrixRoom, event: nio.Event) -> None:
        if event.sender == self._client.user_id:
            return
        if isinstance(event, nio.ReactionEvent):
            where = Conversation(self._reader.interface, room.room_id)
            await self._reacted(where, self._reader.user(room, event.sender), event.reacts_to, event.key)
            return
        if isinstance(event, nio.MegolmEvent) and not await self._asked_for(room, event):
            return
        try:
            message = await self._reader.read(room, event)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("An event of Matrix could not be read (%s) and is left out.", type(error).__name__)
            return
        while message is not None:
            try:
                await self._take(message)
                return
            except StoreError as error:
                log.warning("A message from Matrix waits for the database: %s", error)
                await self._clock.sleep(AWAY)

    async def _asked_for(self, room: nio.MatrixRoom, event: nio.MegolmEvent) -> bool:
        """Ask for the key of a message that cannot be read; False if there can be none."""
        if not ENCRYPTION_ENABLED:
            if room.room_id not in self._complained:
                self._complained.add(room.room_id)
                await self._tell_trainer(NO_KEYS.format(room=room.display_name))
            return False
        try:
            await self._client.request_room_key(event)
        except nio.LocalProtocolError:
            log.debug("The key of a message was asked for already.")
        return True

    async def _invites(self, told: nio.SyncResponse) -> None:
        for room_id, invite in told.rooms.invite.items():
            inviters = [e.sender for e in invite.invite_state if isinstance(e, nio.InviteMemberEvent)]
            host = next((sender for sender in inviters if sender != self._client.user_id), "")
            if await self._welcome(room_id, host):
                await self._client.join(room_id)
            else:
                await self._client.room_leave(room_id)

    async def _seen(self, room_id: str, event_id: str) -> None:
        try:
            await self._client.room_read_markers(room_id, event_id, event_id)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.debug("It could not be shown that Rekku has read: %r", error)


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.exists() else None


def _write(file: Path, place: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(place, encoding="utf-8")
    new.replace(file)
