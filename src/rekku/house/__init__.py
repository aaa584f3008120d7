"""Rekku as a whole, as a control panel sees it: `core.house.House`, put together of what the parts know."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rekku import __version__
from rekku.core.commands import Command
from rekku.core.errors import EngineError, RekkuError
from rekku.core.house import Because, Condition, Engine, Joining, Part, Record, Talk, Tally, Usage, Value
from rekku.core.members import in_thread
from rekku.core.message import Conversation
from rekku.core.principal import TRAINER_PERSON, Role
from rekku.core.registry import Kind
from rekku.home_watch import OFF
from rekku.house import joining
from rekku.house.because import because
from rekku.house.env_file import rewrite
from rekku.house.parts import models_of, parts, with_name
from rekku.house.records import Records
from rekku.house.tally import tally
from rekku.house.usage import usage
from rekku.house.values import check, values
from rekku.housekeeping import forget

if TYPE_CHECKING:
    from rekku.app import Rekku

__all__ = ["RekkuHouse"]

PANEL_LIMIT = 30.0
"""Seconds that a plugin may take to do something for a control panel."""


class RekkuHouse:
    """What the owner may look at and change. `rekku` is known once everything is put together."""

    rekku: "Rekku"

    def __init__(self) -> None:
        self.log = Records()
        self._writing = asyncio.Lock()

    async def commands(self) -> Sequence[Command]:
        """All slash commands, by name."""
        return sorted((await self.rekku.commands.known()).values(), key=lambda command: command.name)

    def persona(self) -> str:
        """What the persona is called."""
        return self.rekku.road.prompts.name

    async def condition(self) -> Condition:
        """How Rekku is right now."""
        road = self.rekku.road
        name = model = ""
        down = road.engines.down
        try:
            engine = road.engines.active()
            name, model = engine.name, road.engines.model(engine)
        except EngineError as error:
            down = str(error)
        return Condition(
            version=__version__,
            database=road.database.kind,
            engine=name,
            model=model,
            down=down,
            open=await road.inbox_store.waiting(),
            to_deliver=await road.outbox_store.waiting(),
            running=road.inbox.running,
            actions=len(road.catalogue.actions),
        )

    async def parts(self) -> Sequence[Part]:
        """Every component, those included that are not in use."""
        return await parts(self.rekku, self.log.redaction.clean)

    async def reload(self, kind: str, name: str) -> Part:
        """Load a component's file again."""
        report = with_name(self.rekku, kind, name)
        await asyncio.shield(self.rekku.supervisor.spawn(self.rekku.loader.reload(report.file), f"reload {name}"))
        return next(part for part in await self.parts() if part.file == str(report.file))

    async def switch(self, kind: str, name: str, on: bool) -> Part:
        """Take a component out of use, or put it back."""
        report = with_name(self.rekku, kind, name, off=True)
        before = OFF.parse(self.rekku.given().get(OFF.name, ""))
        names = [*(one for one in before if one != report.name), *([] if on else [report.name])]
        await self.set_values({OFF.name: ",".join(names)})
        await asyncio.shield(self.rekku.supervisor.spawn(self.rekku.loader.switch_off(names), f"switch {name}"))
        return next(part for part in await self.parts() if part.file == str(report.file))

    def panels(self) -> Sequence[str]:
        """The names of the plugins that have something for a control panel."""
        return sorted(c.name for c in self.rekku.registry.of(Kind.PLUGIN) if c.members.has("panel"))

    async def panel(self, plugin: str, deed: str, given: Mapping[str, Any]) -> Any:
        """Have a plugin do something for the control panel."""
        component = self.rekku.registry.get(Kind.PLUGIN, plugin)
        if component is None or not component.members.has("panel"):
            raise RekkuError(f"The plugin {plugin!r} is not there, or shows nothing.")
        try:
            return await component.members.call("panel", deed, given, limit=PANEL_LIMIT)
        except TimeoutError:
            raise RekkuError(f"{plugin} did not answer in time.") from None

    async def engines(self) -> Sequence[Engine]:
        """The engines that can be chosen."""
        engines = self.rekku.road.engines
        try:
            active = engines.active().name
        except EngineError:
            active = ""
        found = []
        for component in self.rekku.registry.of(Kind.ENGINE):
            model, models = await models_of(component)
            found.append(Engine(component.name, component.name == active, engines.model(component) or model, models))
        return found

    async def choose_engine(self, name: str, model: str = "") -> None:
        """Think with this engine, and this model of it, from now on."""
        component = self.rekku.registry.get(Kind.ENGINE, name)
        if component is None:
            raise RekkuError(f"There is no engine {name!r}.")
        if model:
            await self.rekku.road.engines.choose_model(component, model)
        await self.rekku.road.engines.choose(name)

    async def talks(self, most: int) -> Sequence[Talk]:
        """The conversations that were last active."""
        taken = self.rekku.road.engines.is_taken
        chats = await self.rekku.road.people.chats(most)
        return [Talk(c.where, c.name, c.direct, c.active_at, taken(c.where)) for c in chats]

    async def take_over(self, where: Conversation, taken: bool) -> None:
        """Let the owner answer a conversation by hand, or no longer."""
        engines = self.rekku.road.engines
        if not any(c.members.value("waits_for_a_person") for c in self.rekku.registry.of(Kind.ENGINE)):
            raise RekkuError("The engine manual is not there, so nobody can answer by hand.")
        await engines.take(where, taken)
        if not taken and not engines.active().members.value("waits_for_a_person"):
            self.rekku.desk.give_back(where)

    async def values(self) -> Sequence[Value]:
        """All declared settings, Rekku's own first."""
        return values(self.rekku)

    async def set_values(self, changes: Mapping[str, str]) -> None:
        """Write settings to `.env` of the home."""
        async with self._writing:
            check(changes, values(self.rekku))
            await in_thread(rewrite, self.rekku.home / ".env", changes)

    async def because(self, where: Conversation, message_id: str) -> Because | None:
        """What led to a reply."""
        return await because(self.rekku.road, where, message_id)

    async def set_role(self, person_id: str, role: Role) -> None:
        """Make a person known, unknown or blocked."""
        if person_id == TRAINER_PERSON or role is Role.TRAINER:
            raise RekkuError("The trainer's accounts stand in TRAINER_IDS.")
        people = self.rekku.road.people
        account = next((a for a in await people.accounts() if a.person_id == person_id), None)
        if account is None:
            raise RekkuError("I know nobody with that number (any more).")
        await people.set_role(account, role)

    async def give_account(self, person_id: str, interface: str, user_id: str) -> None:
        """Let a new account be this person's."""
        people = self.rekku.road.people
        if person_id == TRAINER_PERSON:
            raise RekkuError("The trainer's accounts stand in TRAINER_IDS.")
        if all(account.person_id != person_id for account in await people.accounts()):
            raise RekkuError("I know nobody with that number (any more).")
        await people.give_account(person_id, interface, user_id)

    async def join(self, gone: str, kept: str, *, sure: bool, trusts: Sequence[str] = ()) -> Joining:
        """Make two persons one, or only say what that means."""
        async with self.rekku.road.people.moving:
            return await joining.join(self.rekku, gone, kept, sure=sure, trusts=trusts)

    async def part(self, interface: str, user_id: str) -> None:
        """Take an account off its person."""
        async with self.rekku.road.people.moving:
            await joining.part(self.rekku, interface, user_id)

    async def trust(self, accounts: Sequence[str]) -> None:
        """Make accounts the trainer's."""
        await joining.trust(self.rekku, accounts)

    async def forget(self, person_id: str, dry_run: bool) -> Mapping[str, int]:
        """Erase a person everywhere, or only count."""
        road = self.rekku.road
        async with road.people.moving:
            if not dry_run and not road.inbox.forget(person_id):
                raise RekkuError("I am still busy with a message of that person. Try again when it is answered.")
            counts, failed = await forget(road.registry, road.people, person_id, dry_run)
        if failed:
            raise RekkuError(f"These could not forget the person and must be asked again: {', '.join(failed)}.")
        return counts

    async def usage(self, days: int) -> Sequence[Usage]:
        """The last days, oldest first."""
        return await usage(self.rekku.road.database, self.rekku.road.clock.now(), days)

    def tally(self) -> Tally:
        """What this process has counted since it started."""
        return tally(self.rekku.road)

    def records(self) -> Sequence[Record]:
        """The last lines of the log."""
        return self.log.last()

    def watch_records(self, watcher: Callable[[Record], None]) -> Callable[[], None]:
        """Call `watcher` with every new line of the log; returns the undo."""
        return self.log.watch(watcher)
