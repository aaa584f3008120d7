"""The road, put together: every part of the way of a message, and what ties them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rekku.chain import words
from rekku.chain.afterwards import Afterwards
from rekku.chain.approvals import Approvals, Asking
from rekku.chain.catalogue import MESSAGE, OWN_MESSAGE, Catalogue
from rekku.chain.choices import engine_settings, pairs, trainers, turn_limits
from rekku.chain.dispatcher import Dispatcher
from rekku.chain.draft import Draft
from rekku.chain.engine import Engines
from rekku.chain.gate import Gate
from rekku.chain.inbox import Inbox
from rekku.chain.ledger import Ledger
from rekku.chain.manners import Manners
from rekku.chain.outbox import Sender
from rekku.chain.permission import Rules
from rekku.chain.presence import Presence
from rekku.chain.prompt import PromptBuilder
from rekku.chain.runner import Runner
from rekku.chain.secrets import Secrets
from rekku.chain.thinker import Thinker
from rekku.chain.turn import OpenTurn
from rekku.chain.voice import Voice
from rekku.core.clock import Clock
from rekku.core.database import Database, Write
from rekku.core.errors import EngineError, StoreError
from rekku.core.message import Attachment, Message
from rekku.core.principal import Principal
from rekku.core.registry import Kind, Registry
from rekku.core.settings import Settings
from rekku.lifecycle import Supervisor
from rekku.store import history
from rekku.store.ids import Ids
from rekku.store.inbox import Entry, InboxStore, ended
from rekku.store.outbox import OutboxStore
from rekku.store.people import People
from rekku.store.state import State, place_of

log = logging.getLogger(__name__)

RENEW_EVERY = 20.0
LEAVING = 2.0
CONTEXT = "context:"


@dataclass(frozen=True, slots=True)
class CommandDesk:
    """How the gate recognises and runs slash commands; `read` gives None for a text that is none, and `heard_by` the
    command that listens to a person's plain messages in a conversation."""

    read: Callable[[str], Any]
    heard_by: Callable[[Message, Principal], Any]
    run: Callable[[Any, Principal, Message], Awaitable[str]]


class Road:
    """Everything between an interface that hears and an interface that speaks."""

    def __init__(
        self,
        *,
        database: Database,
        registry: Registry,
        supervisor: Supervisor,
        clock: Clock,
        settings: Settings,
        persona: Path,
        me: str,
        commands: CommandDesk,
    ) -> None:
        self.database, self.registry, self.clock = database, registry, clock
        self._supervisor = supervisor
        self.ids = Ids(now=lambda: clock.now().timestamp())
        self._me = me
        self._began = 0
        self.secrets = Secrets()
        self.state = State(database)
        self.people = People(database, clock, trainers(settings), pairs(settings["KNOWN_IDS"]))
        self.inbox_store = InboxStore(database, clock, me)
        self.outbox_store = OutboxStore(database, clock, me)
        self.rules = Rules.from_setting(settings["RESTRICT_ACTIONS"], settings["HIGH_RISK_CHATS"])
        self.catalogue = Catalogue(registry, self.rules)
        self.engines = Engines(
            registry=registry,
            database=database,
            state=self.state,
            clock=clock,
            settings=engine_settings(settings),
            secrets=self.secrets,
        )
        self.prompts = PromptBuilder(
            database=database,
            registry=registry,
            catalogue=self.catalogue,
            persona=persona,
            clock=clock,
            history=settings["HISTORY_MESSAGES"],
            patience=settings["INJECTION_TIMEOUT"],
        )
        self.sender = Sender(
            database=database,
            store=self.outbox_store,
            registry=registry,
            clock=clock,
            spawn=supervisor.spawn,
            people=self.people,
            complain=self._complain,
        )
        self.voice = Voice(
            database=database,
            outbox=self.outbox_store,
            sender=self.sender,
            people=self.people,
            rules=self.rules,
            registry=registry,
            clock=clock,
            next_id=self.ids,
            secrets=self.secrets,
            most_sends=settings["MAX_SENDS"],
        )
        self.ledger = Ledger(
            database=database,
            outbox=self.outbox_store,
            clock=clock,
            next_id=self.ids,
            secrets=self.secrets,
            release=lambda messages, turn: self.sender.queue(messages, turn.message),
        )
        self.approvals = Approvals(
            asking=Asking(settings["APPROVALS"]),
            clock=clock,
            spawn=supervisor.spawn,
            say=self.voice.answer,
            tell_trainer=self.voice.tell_trainer,
        )
        self.runner = self._runner(settings)
        self.inbox = Inbox(
            runner=self.runner,
            clock=clock,
            spawn=supervisor.spawn,
            claim=lambda first: self.inbox_store.claim(first=first),
            patience=self._patience,
            who=self._who,
            settled=lambda turn: self.sender.settled(turn.sent),
        )
        self.gate = Gate(
            database=database,
            people=self.people,
            store=self.inbox_store,
            inbox=self.inbox,
            clock=clock,
            next_id=self.ids,
            read_command=commands.read,
            heard_by=commands.heard_by,
            run_command=commands.run,
            say=self.voice.answer,
            manners=Manners(settings["GROUP_ANSWERS"], lambda: self.prompts.name),
            afterwards=Afterwards(
                database=database,
                store=self.inbox_store,
                outbox=self.outbox_store,
                inbox=self.inbox,
                clock=clock,
                next_id=self.ids,
            ),
            per_minute=settings["UNKNOWN_PER_MINUTE"],
            spawn=supervisor.spawn,
        )
        self.engines.on_answer(self.inbox.retry_deferred)

    def _runner(self, settings: Settings) -> Runner:
        thinker = Thinker(
            catalogue=self.catalogue,
            prompts=self.prompts,
            engines=self.engines,
            ledger=self.ledger,
            outbox=self.outbox_store,
            clock=self.clock,
            presence=Presence(self.registry, self._supervisor.spawn),
            most_actions=settings["MAX_ACTIONS"],
            new_draft=self._new_draft,
            context_wanted=lambda turn: self.context_wanted(turn.conversation),
        )
        dispatcher = Dispatcher(
            catalogue=self.catalogue,
            rules=self.rules,
            approvals=self.approvals,
            action_limit=settings["ACTION_TIMEOUT"],
            clock=self.clock,
            next_id=self.ids,
            save=self.ledger.commit,
            send=lambda text: self.voice.send(text, None),
        )
        return Runner(
            database=self.database,
            registry=self.registry,
            catalogue=self.catalogue,
            engines=self.engines,
            thinker=thinker,
            dispatcher=dispatcher,
            ledger=self.ledger,
            outbox=self.outbox_store,
            clock=self.clock,
            next_id=self.ids,
            limits=turn_limits(settings),
            tell_trainer=self.tell_trainer,
        )

    async def prepare(self) -> None:
        """Read what the parts must know before anything comes in."""
        await self.state.load()
        self.ids.settle_at(await place_of(self.database, self._me))
        last = (
            await self.inbox_store.last_id(),
            await self.outbox_store.last_id(),
            await history.last_id(self.database),
        )
        self.ids.raise_to(max(last))
        self._began = self.ids()

    async def resume(self) -> None:
        """Go on with everything that was left behind, and watch for what other processes leave."""
        await self.sender.resume()
        for command in await self.inbox_store.interrupted(self._began):
            text = words.INTERRUPTED.format(command=words.shorten(command.message.text, 100))
            await self.voice.answer(command.conversation, text, also=ended([command], "done"))
        await self.inbox.resume(first=True)
        self._supervisor.spawn(self.inbox.keep_time(), "inbox clock")
        self._supervisor.spawn(self._keep_leases(), "leases")

    async def leave(self) -> None:
        """The process is about to end as it should: turns and deliveries end first, and go on at the next start."""
        await self._supervisor.close()
        self.sender.end()
        try:
            async with asyncio.timeout(LEAVING):
                await self.inbox_store.forgive()
        except (StoreError, TimeoutError) as error:
            log.warning("The database could not be told that Rekku ends: %s", error)

    async def tell_trainer(self, text: str, attachments: Sequence[Attachment] = ()) -> None:
        """Send the owner a notice."""
        await self.voice.tell_trainer(text, attachments=attachments)

    async def _complain(self, text: str, end: Write) -> None:
        await self.voice.tell_trainer(text, [end])

    def context_wanted(self, where: object) -> bool:
        """Whether prompts of a conversation hold its recent messages."""
        return self.state.get(f"{CONTEXT}{where}") != "off"

    async def _keep_leases(self) -> None:
        while True:
            await self.clock.sleep(RENEW_EVERY)
            try:
                await self.sender.keep()
                if await self.inbox_store.renew():
                    await self.inbox.resume()
            except ConnectionError as error:
                log.warning("The leases could not be renewed: %s", error)

    def _patience(self, entry: Entry) -> float:
        """Seconds that an errand may wait for the turn before it: none if that turn may be waiting for a person."""
        errand = entry.message.errand
        try:
            by_hand = bool(self.engines.active(entry.conversation).members.value("waits_for_a_person"))
        except EngineError:
            return 0.0
        return 0.0 if errand is None or by_hand else errand.patience

    async def _who(self, entry: Entry) -> Principal:
        if entry.message.errand is not None:
            return await self.people.person(entry.person_id, entry.conversation.interface)
        principal, _ = await self.people.principal(entry.conversation.interface, entry.message.user)
        return principal

    def _new_draft(self, turn: OpenTurn) -> Draft | None:
        interface = self.registry.get(Kind.INTERFACE, turn.conversation.interface)
        if interface is None or not interface.members.value("can_edit"):
            return None
        return Draft(
            turn_id=turn.id,
            to=turn.conversation,
            interface=interface,
            own_types=(MESSAGE, OWN_MESSAGE + interface.name),
            database=self.database,
            outbox=self.outbox_store,
            clock=self.clock,
            spawn=self._supervisor.spawn,
            next_id=self.ids,
            secrets=self.secrets,
            original=turn.message,
        )
