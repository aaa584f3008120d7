"""What the homeserver has for Rekku: synchronised again and again. The place is kept only when all of it was taken."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import nio

from rekku.core.clock import Clock
from rekku.core.errors import StoreError
from rekku.core.members import in_thread
from rekku.core.message import Conversation, Message, User
from rekku.interface._matrix_interface.reading import NETWORK, Reader

log = logging.getLogger(__name__)

LONG_POLL = 30_000
"""Milliseconds that the homeserver keeps a question open until there is something."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0
AWAY = 2.0
BEGINNING = 300.0
"""Seconds for the first question, which the homeserver answers with the state of every room."""
AGAIN = (1.0, 5.0, 20.0, 60.0)
"""Seconds between the tries to get what belongs to a message; then it is taken without."""
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
        since: str | None = await in_thread(_read, self._place, self._client.user_id)
        began, wait = since is not None, FIRST_WAIT
        first = True
        while True:
            try:
                async with asyncio.timeout(BEGINNING):
                    told = await self._client.sync(LONG_POLL if not first else 0, since=since, full_state=first)
            except NETWORK as error:
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
            await in_thread(_write, self._place, since, self._client.user_id)
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
        if client.olm is None:
            return
        try:
            await client.send_to_device_messages()
            if client.should_upload_keys:
                await client.keys_upload()
            if client.should_query_keys:
                await client.keys_query()
            if client.should_claim_keys:
                await client.keys_claim(client.get_users_for_key_claiming())
        except (*NETWORK, nio.LocalProtocolError) as error:
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
            if isinstance(event, nio.UnknownBadEvent):
                continue
            try:
                await self._event(room, event)
            except Exception:  # the door to what anybody sends: one odd event must not stop the others
                log.exception("The event %s of Matrix could not be taken and is left out.", event.event_id)
            last = event.event_id
        if last:
            await self._seen(room_id, last)

    async def _missed(self, room_id: str, start: str, since: str) -> AsyncIterator[nio.Event]:
        """What was said between two places, the newest first. Raises ConnectionError if it cannot be had now."""
        for _ in range(MOST_PAGES):
            told = await self._client.room_messages(room_id, start, since, limit=PAGE)
            if not isinstance(told, nio.RoomMessagesResponse):
                if told.status_code in ("M_FORBIDDEN", "M_NOT_FOUND"):
                    log.warning("What was said in a room meanwhile cannot be looked up: %s", told.message)
                    return
                raise ConnectionError(told.message)
            for event in told.chunk:
                yield event
            if not told.chunk or not told.end:
                return
            start = told.end
        log.warning("Of what was said in a room meanwhile, only the last %d events are looked at.", PAGE * MOST_PAGES)

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
            where, user = Conversation(self._reader.interface, room.room_id), self._reader.user(room, event.sender)
            await self._kept(lambda: self._reacted(where, user, event.reacts_to, event.key))
            return
        if isinstance(event, nio.MegolmEvent) and not await self._asked_for(room, event):
            return
        message = await self._read(room, event)
        if message is not None:
            await self._kept(lambda: self._take(message))

    async def _read(self, room: nio.MatrixRoom, event: nio.Event) -> Message | None:
        """What an event says, with all that belongs to it if that can be had in reasonable time."""
        for wait in AGAIN:
            try:
                return await self._reader.read(room, event)
            except NETWORK as error:
                log.warning("What belongs to a message of Matrix cannot be had yet (%s).", type(error).__name__)
                await self._clock.sleep(wait)
        return await self._reader.read(room, event, offline=True)

    async def _kept(self, take: Callable[[], Awaitable[object]]) -> None:
        """Hand something over, as soon as the database is there."""
        while True:
            try:
                await take()
                return
            except StoreError as error:
                log.warning("What came from Matrix waits for the database: %s", error)
                await self._clock.sleep(AWAY)

    async def _asked_for(self, room: nio.MatrixRoom, event: nio.MegolmEvent) -> bool:
        """Ask for the key of a message that cannot be read; False if there can be none."""
        if self._client.olm is None:
            if room.room_id not in self._complained:
                self._complained.add(room.room_id)
                await self._tell_trainer(NO_KEYS.format(room=room.display_name))
            return False
        try:
            await self._client.request_room_key(event)
        except nio.LocalProtocolError:
            log.debug("The key of a message was asked for already.")
        except NETWORK as error:
            log.warning("The key of a message could not be asked for (%s).", type(error).__name__)
        return True

    async def _invites(self, told: nio.SyncResponse) -> None:
        for room_id, invite in told.rooms.invite.items():
            inviters = [e.sender for e in invite.invite_state if isinstance(e, nio.InviteMemberEvent)]
            host = next((sender for sender in inviters if sender != self._client.user_id), "")
            if await self._welcome(room_id, host):
                await self._join(room_id)
            else:
                await self._client.room_leave(room_id)

    async def _join(self, room_id: str) -> None:
        while isinstance(told := await self._client.join(room_id), nio.ErrorResponse):
            if told.status_code != "M_LIMIT_EXCEEDED":
                log.warning("An invitation to %s could not be accepted: %s", room_id, told.message)
                return
            await self._clock.sleep((told.retry_after_ms or 5000) / 1000)

    async def _seen(self, room_id: str, event_id: str) -> None:
        try:
            await self._client.room_read_markers(room_id, event_id, event_id)
        except NETWORK as error:
            log.debug("It could not be shown that Rekku has read: %r", error)


def _read(file: Path, account: str) -> str | None:
    """The place that an account has come to; None if it has not begun."""
    if not file.exists():
        return None
    place, _, whose = file.read_text(encoding="utf-8").partition("\n")
    return place if place and whose == account else None


def _write(file: Path, place: str, account: str) -> None:
    new = file.with_suffix(".new")
    with new.open("w", encoding="utf-8") as handle:
        handle.write(f"{place}\n{account}")
        handle.flush()
        os.fsync(handle.fileno())
    new.replace(file)
