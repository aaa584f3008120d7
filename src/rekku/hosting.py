"""What each component is given as `self.host`."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rekku.chain.fate import fate_of
from rekku.chain.road import Road
from rekku.chain.turn import current, prompting
from rekku.core.clock import Clock
from rekku.core.database import Database
from rekku.core.desk import Desk
from rekku.core.host import Receipt
from rekku.core.house import House
from rekku.core.message import Attachment, Conversation, Message, User
from rekku.core.model_call import ChatMessages
from rekku.core.people import Person
from rekku.core.principal import Principal
from rekku.core.registry import Kind
from rekku.core.settings import Settings
from rekku.core.turn import Fate
from rekku.home import FILES
from rekku.lifecycle import Supervisor


@dataclass(slots=True)
class ComponentHost:
    """Rekku as one component sees it: see `core.host.Host`."""

    kind: Kind
    name: str
    settings: Settings
    home: Path
    desk: Desk
    supervisor: Supervisor
    road: Road
    house: House

    @property
    def folder(self) -> Path:
        """A folder for the component's own files."""
        folder = self.home / "data" / self.name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    @property
    def files(self) -> Path:
        """The folder of files that the owner and Rekku share."""
        return self.home / FILES

    @property
    def database(self) -> Database:
        """The database."""
        return self.road.database

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.road.clock

    @property
    def log(self) -> logging.Logger:
        """A logger under the component's name."""
        return logging.getLogger(f"rekku.{self.kind}.{self.name}")

    @property
    def character_budget(self) -> int:
        """How many characters a prompt may have with the engine that is in use."""
        return int(self.road.engines.active().members.value("character_budget"))

    @property
    def principal(self) -> Principal | None:
        """Whose turn is running right now."""
        doing = current.get()
        return prompting.get() if doing is None or doing.over else doing.turn.principal

    @property
    def sends_left(self) -> int | None:
        """How many messages the running action may still send."""
        return self.road.voice.sends_left

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        """Run something in the background; it ends with the component."""
        return self.supervisor.spawn(work, name)

    async def receive(self, message: Message) -> Receipt:
        """Hand over a message that arrived."""
        return await self.road.gate.receive(message)

    async def fate(self, message: Message) -> Fate | None:
        """What became of a message that was handed over."""
        return await fate_of(message, self.road.inbox_store, self.road.outbox_store)

    async def reacted(self, where: Conversation, user: User, message_id: str, emoji: str) -> None:
        """A person reacted to a message of Rekku's."""
        await self.road.gate.reacted(where, user, message_id, emoji)

    async def react(self, emoji: str) -> None:
        """Put a reaction under the message that is being answered."""
        await self.road.voice.react(emoji)

    async def send(
        self,
        text: str,
        to: Conversation | None = None,
        *,
        attachments: Sequence[Attachment] = (),
        reply_to: str = "",
        words: str = "",
    ) -> None:
        """Send words, durably."""
        await self.road.voice.send(text, to, attachments, reply_to, words)

    async def resolve(self, interface: str | None, target: str | None, thread_id: str | None) -> Conversation:
        """The one conversation that these three mean."""
        return await self.road.voice.resolve(interface, target, thread_id)

    async def people(self, text: str = "") -> list[Person]:
        """Everybody whom Rekku has met, or those whom a text may mean."""
        return await self.road.people.known(text)

    async def ask(self, prompt: str | ChatMessages) -> str:
        """Ask the model outside of any turn."""
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        return (await self.road.engines.ask(messages)).text

    async def tell_trainer(self, text: str, attachments: Sequence[Attachment] = ()) -> None:
        """Send the owner a notice."""
        await self.road.tell_trainer(text, attachments)

    def reachable(self, chat_id: str | None = None) -> None:
        """Messages that waited for this interface can be delivered again."""
        self.road.sender.reachable(self.name, chat_id)
