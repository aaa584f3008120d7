"""Rekku, put together: settings, database, components, road. It opens in order and closes in reverse."""

import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rekku import aliases, housekeeping
from rekku import home as home_folder
from rekku.chain.road import CommandDesk, Road
from rekku.commands import Commands, read
from rekku.core.clock import Clock, SystemClock
from rekku.core.database import Schema
from rekku.core.desk import Desk
from rekku.core.errors import ConfigError, EngineError
from rekku.core.host import Host
from rekku.core.llm_registry import get_llm_registry
from rekku.core.registry import Kind, Registry, registry
from rekku.core.settings import Settings
from rekku.core.settings import read as read_settings
from rekku.home_watch import watch_settings
from rekku.hosting import ComponentHost
from rekku.house import RekkuHouse
from rekku.house_commands import house_commands
from rekku.house_commands.linking import finish_all
from rekku.house_settings import SETTINGS
from rekku.lifecycle import Supervisor
from rekku.loader import Loader, watch
from rekku.menus import Menus
from rekku.redaction import secret_values
from rekku.store.database import open_database, server_of
from rekku.store.drivers.base import StoredDatabase
from rekku.store.migrations import migrate
from rekku.store.schema import SCHEMA

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).parent


@dataclass(slots=True)
class Rekku:
    """A running Rekku."""

    home: Path
    settings: Settings
    registry: Registry
    database: StoredDatabase
    desk: Desk
    supervisor: Supervisor
    road: Road
    loader: Loader
    commands: Commands
    house: RekkuHouse
    given: Callable[[], Mapping[str, str]] = field(repr=False)

    async def doctor_engine(self) -> tuple[str, str]:
        """The engine that would be asked, and what does not work about it ("" if all is well)."""
        try:
            engine = self.road.engines.active()
        except EngineError as error:
            return "none", str(error)
        return engine.name, str(await engine.members.call("health"))


@asynccontextmanager
async def running(
    home: Path,
    environ: Mapping[str, str],
    *,
    edges: frozenset[str] | None = None,
    start: bool = True,
    clock: Clock | None = None,
    builtin: Path | None = None,
    added: Callable[[Rekku], Awaitable[None]] | None = None,
) -> AsyncIterator[Rekku]:
    """Rekku for the length of a block. Raises ConfigError with a sentence for the operator.

    `edges` are the only interfaces to bring up; with `start` False nothing is started, resumed or migrated (for
    `rekku doctor`). `added` is called before anything is resumed, for components that are no files.
    """
    home_folder.prepare(home)

    def given() -> Mapping[str, str]:
        return home_folder.given(home, environ)

    settings = read_settings(SETTINGS, given())
    async with AsyncExitStack() as closing:
        aliases.install()
        closing.callback(aliases.uninstall)
        closing.callback(aliases.put_home_in_front(home))
        closing.callback(registry.clear)
        closing.callback(get_llm_registry().clear)
        database = await open_database(home, server_of(settings))
        closing.push_async_callback(database.close)
        if start:
            await migrate(database, SCHEMA, backups=home / "data" / "backups")
        supervisor = Supervisor()
        closing.push_async_callback(supervisor.close)
        rekku = _assemble(home, settings, database, supervisor, clock or SystemClock(), given, edges, builtin)
        if start:
            rekku.house.log.open()
            closing.callback(rekku.house.log.close)
            await rekku.road.prepare()
        closing.push_async_callback(rekku.loader.stop_all)
        if start:
            closing.push_async_callback(rekku.road.leave)  # turns end before what they use is taken away
        rekku.commands.add(house_commands(rekku.road, rekku.commands))
        await rekku.loader.load_all(start=start)
        _trust_own_users(rekku)
        if added is not None:
            await added(rekku)
        if start:
            await finish_all(rekku.road, rekku.house.trust)
            await rekku.road.resume()
            supervisor.spawn(watch(rekku.loader), "component watch")
            supervisor.spawn(watch_settings(home, rekku.loader, given), "settings watch")
            supervisor.spawn(Menus(registry, rekku.commands).keep(), "command menus")
            supervisor.spawn(housekeeping.keep_house(database, rekku.road.clock, settings), "housekeeping")
        yield rekku


def _assemble(
    home: Path,
    settings: Settings,
    database: StoredDatabase,
    supervisor: Supervisor,
    clock: Clock,
    given: Callable[[], Mapping[str, str]],
    edges: frozenset[str] | None,
    builtin: Path | None,
) -> Rekku:
    commands = Commands(registry)
    desk = Desk()
    house = RekkuHouse()
    road = Road(
        database=database,
        registry=registry,
        supervisor=supervisor.child("road"),
        clock=clock,
        settings=settings,
        persona=home / home_folder.PERSONA,
        me=installation(home),
        commands=CommandDesk(read, commands.heard_by, commands.run),
    )

    def make_host(kind: Kind, name: str, values: Settings, scope: Supervisor) -> Host:
        return ComponentHost(kind, name, values, home, desk, scope, road, house)

    async def bring_up_to_date(schema: Schema) -> None:
        await migrate(database, schema, backups=home / "data" / "backups")

    only = frozenset(settings["REKKU_PLUGINS"]) or None
    loader = Loader(
        home=home,
        registry=registry,
        supervisor=supervisor,
        make_host=make_host,
        given=given,
        migrate=bring_up_to_date,
        notify=road.tell_trainer,
        only=only,
        interfaces=edges,
        off=settings["REKKU_OFF"],
        builtin=builtin or PACKAGE,
    )
    rekku = Rekku(home, settings, registry, database, desk, supervisor, road, loader, commands, house, given)
    house.rekku = rekku
    registry.on_change(lambda: _trust_own_users(rekku))
    registry.on_change(lambda: _keep_secrets(rekku))
    return rekku


def _keep_secrets(rekku: Rekku) -> None:
    """What the settings of Rekku and of its components hold as secret leaves neither to a model nor to a chat."""
    declared = [*SETTINGS, *(setting for component in rekku.registry for setting in component.settings)]
    try:
        secrets = secret_values(rekku.given(), declared)
        rekku.road.secrets.keep(secrets)
        rekku.house.log.redaction.learn(secrets)
    except ConfigError as error:
        log.warning("The settings cannot be read now, so the secrets known before are kept: %s", error)


def _trust_own_users(rekku: Rekku) -> None:
    """Users that an interface itself vouches for (the local terminal) are the trainer."""
    for interface in rekku.registry.of(Kind.INTERFACE):
        for user in interface.members.value("trainer_user_ids") or ():
            rekku.road.people.trainers.add((interface.name, user))


def installation(home: Path) -> str:
    """The id of this home, made at the first start; it says which rows of a shared database are its own."""
    file = home / "data" / "installation"
    if not file.exists():
        file.write_text(uuid.uuid4().hex, encoding="ascii")
    return file.read_text(encoding="ascii").strip()
