"""Builds components out of a file: import, construct, ask, check. Nothing that it does is visible to others yet."""

import asyncio
import inspect
import logging
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from rekku.core.actions import CAPABILITY_MARKERS, Action, parse_actions
from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.engine_base import EngineBase
from rekku.core.errors import PluginError
from rekku.core.host import Host
from rekku.core.interface_base import InterfaceBase
from rekku.core.members import Members, in_thread
from rekku.core.registry import Component, Kind, Registry, Staged
from rekku.core.settings import Setting, Settings, missing, read
from rekku.lifecycle import Supervisor
from rekku.loader.files import Source
from rekku.loader.imports import contained, import_source
from rekku.loader.report import Unconfigured

log = logging.getLogger(__name__)

MakeHost = Callable[[Kind, str, Settings, Supervisor], Host]

BASES: Mapping[Kind, type] = {
    Kind.PLUGIN: AIPluginBase,
    Kind.ENGINE: EngineBase,
    Kind.INTERFACE: InterfaceBase,
}
SOURCE_OF_SETTINGS = "the environment or .env"


@dataclass(eq=False, slots=True)
class Live:
    """A component with the supervisor of its tasks."""

    component: Component
    supervisor: Supervisor
    started: bool = False


@dataclass(slots=True)
class Unit:
    """What one file gave: components, the names of the settings that it reads, and what they lack."""

    source: Source
    live: list[Live] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)
    lacking: list[str] = field(default_factory=list)
    cls: type | None = None
    """The class that is being built, to say where an error comes from."""

    @property
    def names(self) -> str:
        """The names of its components."""
        return ", ".join(dict.fromkeys(live.component.name for live in self.live))


class Builder:
    """Builds components; `limit` is in seconds, for each import, construction and question."""

    def __init__(
        self,
        registry: Registry,
        supervisor: Supervisor,
        make_host: MakeHost,
        given: Callable[[], Mapping[str, str]],
        limit: float,
    ) -> None:
        self._registry = registry
        self._supervisor = supervisor
        self._make_host = make_host
        self._given = given
        self._limit = limit

    async def unit(self, unit: Unit, name: str = "") -> None:
        """Fill in a file's components; `name` is given to its engine. Raises whatever is wrong with the file."""
        with self._registry.staging() as staged:
            module = await self._in_thread("the import", import_source, unit.source)
            for kind, cls in _exposed(module, unit.source.kind):
                unit.cls = cls if isinstance(cls, type) else None
                await self._class(unit, kind, cls, staged, name)
            for kind, own_name, instance in _others(unit, staged):
                unit.cls = type(instance)
                unit.live.append(await self.component(kind, own_name, instance, unit.source))
        if unit.lacking and not unit.live:
            raise Unconfigured(unit.lacking)

    async def _class(self, unit: Unit, kind: Kind, cls: Any, staged: Staged, name: str) -> None:
        if not callable(cls):
            raise PluginError(f"{_EXPOSED[kind]} must be a class, not {type(cls).__name__}")
        declared = declared_settings(cls)
        unit.declared.update(setting.name for setting in declared)
        lacking = _missing(cls, declared, self._given())
        if lacking:
            unit.lacking.extend(lacking)
            return
        read(declared, self._given(), SOURCE_OF_SETTINGS)  # what is malformed is told before anything is made of it
        said = (*staged.plugins.values(), *staged.interfaces.values())
        instance = next((made for made in said if type(made) is cls), None)
        if instance is None:
            instance = await self._in_thread(f"{getattr(cls, '__name__', 'the class')}()", cls)
        name = name or _registered_name(kind, instance, staged) or unit.source.name
        unit.live.append(await self.component(kind, name, instance, unit.source))

    def _settings(self, cls: object, declared: Sequence[Setting]) -> Settings:
        given = self._given()
        lacking = _missing(cls, declared, given)
        if lacking:
            raise Unconfigured(lacking)
        return read(declared, given, SOURCE_OF_SETTINGS)

    async def component(self, kind: Kind, name: str, instance: Any, source: Source | None = None) -> Live:
        """Give an object its host and ask it what it offers.

        Raises Unconfigured, ConfigError, PluginError, or what the object's methods raise.
        """
        declared = declared_settings(instance)
        settings = self._settings(type(instance), declared)
        members = Members(instance, BASES[kind])
        if kind is Kind.INTERFACE:
            name = await self._interface_id(members, name)
        if kind is Kind.ENGINE and not (members.has("generate_response") or members.has("handle_incoming_message")):
            raise PluginError("an engine needs a method generate_response(messages)")
        supervisor = self._supervisor.child(f"{kind} {name}")
        try:
            self._give_host(instance, self._make_host(kind, name, settings, supervisor))
            component = Component(
                kind=kind,
                name=name,
                members=members,
                actions=await self._actions(members),
                reply_fields=await self._reply_fields(members),
                settings=declared,
                file=source.file if source else None,
                builtin=source.builtin if source else False,
            )
        except BaseException:
            await supervisor.close()
            raise
        return Live(component, supervisor)

    async def _interface_id(self, members: Members, name: str) -> str:
        """What the author says, else `name`; the base class's methods get the same answer."""
        if members.has("get_interface_id"):
            said = await self._ask(members, "get_interface_id")
            if not isinstance(said, str) or not said:
                raise PluginError("get_interface_id() must return a name")
            if not inspect.iscoroutinefunction(members.instance.get_interface_id):
                return said
            name = said
        members.instance.get_interface_id = lambda: name
        return name

    def _give_host(self, instance: Any, host: Host) -> None:
        try:
            instance.host = host
        except AttributeError:
            log.info("%s has no room for an attribute `host`; it goes without.", type(instance).__name__)

    async def _actions(self, members: Members) -> tuple[Action, ...]:
        supported = await self._ask(members, "get_supported_actions") or {}
        if not isinstance(supported, Mapping) or not all(isinstance(name, str) for name in supported):
            raise PluginError("get_supported_actions() must return a dict of dicts by action name")
        types: Any = ()
        if members.has("get_supported_action_types"):
            types = await self._ask(members, "get_supported_action_types") or ()
        if not isinstance(types, list | tuple | Set) or not all(isinstance(name, str) for name in types):
            raise PluginError("get_supported_action_types() must return a list of names")
        told: dict[str, Any] = {}
        for name in dict.fromkeys((*supported, *types)):
            if name not in CAPABILITY_MARKERS:
                told[name] = await self._ask(members, "get_prompt_instructions", name) or {}
        try:
            return parse_actions(list(types), supported, told)
        except (TypeError, AttributeError, ValueError) as error:
            raise PluginError(f"get_supported_actions() gives what cannot be understood: {error}") from error

    async def _reply_fields(self, members: Members) -> dict[str, Any]:
        fields = await self._ask(members, "get_reply_fields") or {}
        if not isinstance(fields, Mapping):
            raise PluginError(f"get_reply_fields() must return a dict, not {type(fields).__name__}")
        return dict(fields)

    async def _ask(self, members: Members, name: str, *args: Any) -> Any:
        try:
            return await members.call(name, *args, limit=self._limit)
        except TimeoutError as error:
            raise PluginError(f"{name}() took more than {self._limit:g} s; it was given up") from error

    async def _in_thread(self, what: str, function: Callable[..., Any], *args: Any) -> Any:
        try:
            async with asyncio.timeout(self._limit):
                return await in_thread(contained, function, *args)
        except TimeoutError as error:
            raise PluginError(f"{what} took more than {self._limit:g} s; it was given up") from error


_EXPOSED = {Kind.PLUGIN: "PLUGIN_CLASS", Kind.ENGINE: "PLUGIN_CLASS", Kind.INTERFACE: "INTERFACE_CLASS"}


def declared_settings(declarer: Any) -> tuple[Setting, ...]:
    """The `settings` of a class or object. Raises PluginError if some are no settings."""
    declared = getattr(declarer, "settings", ())
    if not isinstance(declared, list | tuple):
        return ()
    if not all(isinstance(setting, Setting) for setting in declared):
        raise PluginError("settings must be a list of core.settings.Setting")
    return tuple(declared)


def _missing(cls: object, declared: Sequence[Setting], given: Mapping[str, str]) -> list[str]:
    """Required settings that are not set, and what the class itself says is missing (one of two, say)."""
    own = getattr(cls, "missing_settings", None)
    return [*missing(declared, given), *(own(given) if callable(own) else ())]


def _exposed(module: ModuleType, kind: Kind) -> list[tuple[Kind, Any]]:
    """The classes that a module exposes. PLUGIN_CLASS is an engine only in the engines' folder."""
    plugin = Kind.ENGINE if kind is Kind.ENGINE else Kind.PLUGIN
    found = ((plugin, "PLUGIN_CLASS"), (Kind.INTERFACE, "INTERFACE_CLASS"))
    return [(kind, vars(module)[name]) for kind, name in found if vars(module).get(name) is not None]


def _registered_name(kind: Kind, instance: Any, staged: Staged) -> str:
    """The name under which an object registered itself; "" if it did not."""
    tables = [staged.plugins, staged.interfaces]
    if kind is Kind.INTERFACE:
        tables.reverse()
    for table in tables:
        names = [name for name, made in table.items() if made is instance]
        if len(names) > 1:
            raise PluginError(f"{type(instance).__name__} registers itself as {' and as '.join(names)}; keep one")
        if names:
            return names[0]
    claimed = staged.plugins.keys() | staged.interfaces.keys()
    announced = [name for name in staged.announced if name not in claimed]
    if announced:
        staged.announced.remove(announced[0])
        return announced[0]
    return ""


def _others(unit: Unit, staged: Staged) -> list[tuple[Kind, str, Any]]:
    """Objects that the file registered beside those of its exposed classes; not those of files that it imports."""
    known = {id(live.component.instance) for live in unit.live}
    module = f"{unit.source.module}."
    plugin = Kind.ENGINE if unit.source.kind is Kind.ENGINE else Kind.PLUGIN
    said = [(plugin, *item) for item in staged.plugins.items()]
    said += [(Kind.INTERFACE, *item) for item in staged.interfaces.items()]
    return [
        (kind, name, made)
        for kind, name, made in said
        if id(made) not in known and f"{type(made).__module__}.".startswith(module)
    ]
