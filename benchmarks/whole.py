"""Whole Rekku for a measurement: an interface in memory, a model that answers at once, the real database."""

import asyncio
import gc
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from rekku.app import Rekku, running
from rekku.core.database import Statement
from rekku.core.message import Conversation, Message, User
from rekku.core.model_call import ChatMessages, ModelCall
from rekku.core.registry import Kind
from rekku.core.turn import Outcome
from rekku.store.schema import HISTORY

TEXT = "How was your day? I have been to the market, and it rained from the first stall to the last."
ANSWER = "It was a quiet one. I hope that you had an umbrella with you, and that the tomatoes were worth it!"
REPLY = f'{{"actions": [{{"type": "message", "payload": {{"text": "{ANSWER}"}}}}]}}'
PIECE = 12
"""Characters in a piece of a streamed reply."""

MEMORY = "memory"
INSTANT = "instant"
ADD_HISTORY = Statement(insert(HISTORY))


class InstantEngine:
    """A model inside the process that answers at once, whole or in pieces."""

    def __init__(self, streams: bool) -> None:
        size = PIECE if streams else len(REPLY)
        self._pieces = [REPLY[at : at + size] for at in range(0, len(REPLY), size)]

    async def generate_response(self, messages: ChatMessages, call: ModelCall) -> AsyncIterator[str]:
        """The one reply."""
        call.used(1000, 30, "instant-1")
        for piece in self._pieces:
            yield piece


class MemoryInterface:
    """Counts what arrives."""

    def __init__(self, can_edit: bool) -> None:
        self.can_edit = can_edit
        self.arrived = 0
        self.edited = 0

    def get_interface_id(self) -> str:
        """Its name."""
        return MEMORY

    async def send_message(self, payload: Mapping[str, Any], original_message: object = None) -> str:
        """Count a message."""
        self.arrived += 1
        return f"m{self.arrived}"

    async def edit_message(self, payload: Mapping[str, Any]) -> None:
        """Count an edit."""
        self.edited += 1

    async def delete_message(self, payload: Mapping[str, Any]) -> None:
        """Nothing to take back."""


@dataclass
class Whole:
    """A running Rekku with its interface."""

    rekku: Rekku
    interface: MemoryInterface

    def __post_init__(self) -> None:
        self._numbers = itertools.count(1)

    async def exchange(self, chat: int) -> None:
        """One message of the person of a chat, until the answer has been delivered and that has been recorded."""
        message = Message(
            conversation=Conversation(MEMORY, f"chat{chat}"),
            user=User(f"user{chat}", f"Person {chat}"),
            text=TEXT,
            at=self.rekku.road.clock.now(),
            message_id=str(next(self._numbers)),
        )
        receipt = await self.rekku.road.gate.receive(message)
        outcome = await receipt.outcome()
        if outcome is not Outcome.ANSWERED:
            raise RuntimeError(f"a message was not answered: {outcome}")

    async def remember(self, chats: int, rows: int) -> None:
        """Give each chat a past of so many lines."""
        road = self.rekku.road
        for chat in range(chats):
            begun = road.clock.now() - timedelta(days=1)
            lines = [
                ADD_HISTORY(
                    id=road.ids(),
                    interface=MEMORY,
                    chat_id=f"chat{chat}",
                    thread_id="",
                    person_id="" if row % 2 else f"person{chat}",
                    name="" if row % 2 else f"Person {chat}",
                    text=ANSWER if row % 2 else TEXT,
                    at=begun + timedelta(seconds=row),
                )
                for row in range(rows)
            ]
            if lines:
                await road.database.write(*lines)


@asynccontextmanager
async def whole(home: Path, given: Mapping[str, str], *, streams: bool, chats: int) -> AsyncIterator[Whole]:
    """Rekku on a home, with the engine that `given` names in ACTIVE_LLM; people of `chats` chats are known to it."""
    interface = MemoryInterface(can_edit=streams)
    environ = {"KNOWN_IDS": ",".join(f"{MEMORY}:user{chat}" for chat in range(chats)), **given}

    async def add(rekku: Rekku) -> None:
        await rekku.loader.adopt(Kind.INTERFACE, MEMORY, interface)
        if given["ACTIVE_LLM"] == INSTANT:
            await rekku.loader.adopt(Kind.ENGINE, INSTANT, InstantEngine(streams))

    async with running(home, environ, edges=frozenset(), added=add) as rekku:
        gc.freeze()  # as `rekku run` does
        yield Whole(rekku, interface)


async def chats_at_once(rekku: Whole, chats: int, each: int) -> None:
    """So many chats at the same time, in each one message after the other."""

    async def one(chat: int) -> None:
        for _ in range(each):
            await rekku.exchange(chat)

    await asyncio.gather(*(one(chat) for chat in range(chats)))
