"""What Rekku offers a component: one object, `self.host`, set before `start`."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol

from rekku.core.clock import Clock
from rekku.core.database import Database
from rekku.core.desk import Desk
from rekku.core.house import House
from rekku.core.message import Attachment, Conversation, Message, User
from rekku.core.model_call import ChatMessages
from rekku.core.people import Person
from rekku.core.principal import Principal
from rekku.core.settings import Settings
from rekku.core.turn import Fate, Outcome


class Receipt(Protocol):
    """What an interface gets for a message; by then the message is kept, so the platform may be told."""

    @property
    def turn_id(self) -> int:
        """The message's number; 0 if it was not kept (a command, a redelivery, a blocked person)."""
        ...

    @property
    def delivered(self) -> bool:
        """After `outcome`: whether there were replies and all are with their platforms; they may still be on the way
        (a chat that is not there now)."""
        ...

    async def outcome(self) -> Outcome:
        """Wait until the message is dealt with, replies delivered included, and say how it ended."""
        ...


class Host(Protocol):
    """Rekku, as a component sees it."""

    @property
    def name(self) -> str:
        """The component's own name."""
        ...

    @property
    def settings(self) -> Settings:
        """The values of the settings that the component declares."""
        ...

    @property
    def home(self) -> Path:
        """The owner's folder (`REKKU_HOME`)."""
        ...

    @property
    def folder(self) -> Path:
        """A folder for the component's own files; made when first asked for."""
        ...

    @property
    def files(self) -> Path:
        """The folder of files that the owner and Rekku share: the shell works in it, messages take files from it."""
        ...

    @property
    def database(self) -> Database:
        """The database, with the component's tables in place."""
        ...

    @property
    def clock(self) -> Clock:
        """The time. Use this, never `datetime.now()`, so that tests can move it."""
        ...

    @property
    def desk(self) -> Desk:
        """Prompts that wait for the owner's words."""
        ...

    @property
    def house(self) -> House:
        """Rekku as a whole, for a control panel that only the owner sees."""
        ...

    @property
    def log(self) -> logging.Logger:
        """A logger under the component's name."""
        ...

    @property
    def character_budget(self) -> int:
        """How many characters a prompt may have with the engine that is in use."""
        ...

    @property
    def principal(self) -> Principal | None:
        """Whose turn is running right now, or whose prompt is being built; None outside of both."""
        ...

    @property
    def sends_left(self) -> int | None:
        """How many messages the running action may still send; None outside of one."""
        ...

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        """Run something in the background; it ends with the component, and its errors are logged."""
        ...

    async def receive(self, message: Message) -> Receipt:
        """Hand over a message that arrived. Returns when it is committed."""
        ...

    async def fate(self, message: Message) -> Fate | None:
        """What became of a message that was handed over, by this process or another, known by its conversation and
        its `message_id`; None if nothing is known of it (any more)."""
        ...

    async def reacted(self, where: Conversation, user: User, message_id: str, emoji: str) -> None:
        """An interface says that a person reacted to a message of Rekku's; it becomes part of the chat's history."""
        ...

    async def react(self, emoji: str) -> None:
        """Inside an action: put a reaction under the message that is being answered. Raises ActionError if the
        interface cannot."""
        ...

    async def send(
        self,
        text: str,
        to: Conversation | None = None,
        *,
        attachments: Sequence[Attachment] = (),
        reply_to: str = "",
        words: str = "",
    ) -> None:
        """Send words, durably. Inside an action the default is the turn's conversation, other targets need
        permission (ActionError), and it goes out when the action is done; outside, `to` is required.

        `words` are what the attachments say, if there is no text: history remembers them, nobody sees them.
        """
        ...

    async def resolve(self, interface: str | None, target: str | None, thread_id: str | None) -> Conversation:
        """The one conversation that these three mean, seen from the running turn. Raises ActionError that says
        what is ambiguous or unknown, or that the turn's person may not write there."""
        ...

    async def people(self, text: str = "") -> list[Person]:
        """Everybody whom Rekku has met, or those whom `interface:id`, an id, an @tag or a name may mean.

        Who may be named to whom is for the caller to decide.
        """
        ...

    async def ask(self, prompt: str | ChatMessages) -> str:
        """Ask the model outside of any turn; nothing in its reply runs. Raises EngineError if none answers."""
        ...

    async def tell_trainer(self, text: str, attachments: Sequence[Attachment] = ()) -> None:
        """Send the owner a notice, durably, wherever the owner was last seen."""
        ...

    def reachable(self, chat_id: str | None = None) -> None:
        """An interface says that messages which waited for it (or for one chat) can be delivered again."""
        ...
