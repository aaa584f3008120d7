"""The loader: keeps the registry true to the component folders, from the start and while Rekku runs."""

import asyncio
import importlib
import logging
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from rekku.core.errors import PluginError
from rekku.core.llm_registry import get_llm_registry
from rekku.core.members import in_thread
from rekku.core.registry import Component, Kind, Registry
from rekku.lifecycle import Supervisor
from rekku.loader import imports
from rekku.loader.build import Builder, Live, MakeHost
from rekku.loader.files import Listing, scan
from rekku.loader.report import FileReport, report
from rekku.loader.running import Migrate, Running
from rekku.loader.units import Units
from rekku.loader.wanted import Wanted, is_part, named_engine, real_name, touched

log = logging.getLogger(__name__)

PACKAGE = Path(__file__).parents[1]


class Loader:
    """Loads, reloads and unloads the files of components. `reports` says what became of each.

    `import_limit` (for each import, construction and question) and `start_limit` are in seconds. `given` tells the
    texts of all settings, `migrate` brings tables up to date, `notify` tells the owner; `only` names the files in
    `plugins/` that are loaded, if not all, and `interfaces` those in `interface/`; those in `off` are not.
    """

    def __init__(
        self,
        *,
        home: Path,
        registry: Registry,
        supervisor: Supervisor,
        make_host: MakeHost,
        given: Callable[[], Mapping[str, str]],
        migrate: Migrate,
        notify: Callable[[str], Awaitable[None]],
        only: frozenset[str] | None = None,
        interfaces: frozenset[str] | None = None,
        off: Collection[str] = (),
        builtin: Path = PACKAGE,
        import_limit: float = 10.0,
        start_limit: float = 30.0,
    ) -> None:
        self.home = home
        self.builtin = builtin
        self.supervisor = supervisor
        self._registry = registry
        self._only = only
        self._interfaces = interfaces
        self._off = frozenset(off)
        self._builder = Builder(registry, supervisor, make_host, given, import_limit)
        self._running = Running(registry, migrate, start_limit)
        self._units = Units(self._builder, self._running, notify)
        self._finder = imports.SourceFinder(builtin)
        self._lock = asyncio.Lock()
        self._listing = Listing()
        self._adopted: list[Live] = []
        self._late: deque[tuple[Kind, str, Any]] = deque()
        self._undo: list[Callable[[], None]] = []

    @property
    def reports(self) -> dict[Path, FileReport]:
        """What became of each file; for a package the path of its `__init__.py`."""
        return self._units.reports

    async def load_all(self, *, start: bool = True) -> None:
        """Load every file. Without `start` nothing is started or migrated: that is how `rekku doctor` looks."""
        async with self._lock:
            self._units.starting = start
            self._begin()
            self._listing = await in_thread(scan, self.home, self.builtin)
            imports.forget_strangers(self._listing.sources)
            files = self._wanted_files()
            for wanted in files:
                await self._units.first(wanted)
            engines = self._wanted_engines()
            for wanted in engines:
                await self._units.first(wanted)
            await self._units.enter_all()
            self._units.keep_reports(self._listing, [*files, *engines])
            self._finder.live = True
            await self._take_in_late()

    async def adopt(self, kind: Kind, name: str, instance: Any) -> Component:
        """Put an object into use as if its class had come from a file. Raises what is wrong with it."""
        async with self._lock:
            return await self._adopt(kind, name, instance)

    def bring_up(self, name: str) -> None:
        """Load the interface of that file name, too, from the next `sync` on."""
        if self._interfaces is not None:
            self._interfaces |= {name}

    async def switch_off(self, names: Collection[str]) -> None:
        """Have the files of these names, and no others, out of use from now on."""
        async with self._lock:
            before, self._off = self._off, frozenset(names)
            wanted = self._wanted()
            for key in self._units.not_among(wanted):
                await self._units.unload(key, self._listing, wanted.values())
            for one in wanted.values():
                if one.source.name in before - self._off:
                    await self._swap(one)

    async def sync(self) -> None:
        """Compare the folders with what is loaded: load what is new, reload what changed, unload what is gone."""
        async with self._lock:
            before = self._listing
            now: Listing = await in_thread(scan, self.home, self.builtin)
            if now.sources == before.sources and now.shadowed == before.shadowed:
                return
            importlib.invalidate_caches()
            names = before.sources.keys() | now.sources.keys()
            changed = {name for name in names if before.sources.get(name) != now.sources.get(name)}
            self._listing = now
            wanted = self._wanted()
            for key in self._units.not_among(wanted):
                await self._units.unload(key, before, wanted.values())
            again = self._units.clashed | (wanted.keys() - self._units.declared.keys())
            for one in await in_thread(touched, now, wanted, changed, again):
                await self._swap(one)
            self._units.keep_reports(now, self._wanted().values())

    async def reload(self, file: Path) -> FileReport:
        """Load a file again. Raises PluginError if it is none of the components' files."""
        async with self._lock:
            for one in self._wanted().values():
                if one.source.file in (file, file / "__init__.py"):
                    return await self._swap(one)
        raise PluginError(f"{file} is not a component's file; `rekku doctor` lists them")

    async def settings_changed(self, names: Collection[str]) -> None:
        """Reload the components that declare one of these settings; one that now lacks a required one ends."""
        async with self._lock:
            wanted = self._wanted()
            for one in wanted.values():
                if not self._units.declared.get(one.key, set()).isdisjoint(names):
                    told = await self._swap(one)
                    if told.state == "unconfigured":
                        await self._units.unload(one.key, self._listing, [w for w in wanted.values() if w is not one])
                        told.reason = told.reason.partition(";")[0]

    async def remove(self, component: Component) -> None:
        """Take a component out of use."""
        async with self._lock:
            for lives in (self._adopted, *(unit.live for unit in self._units)):
                for live in [live for live in lives if live.component is component]:
                    await self._running.take_out([live])
                    lives.remove(live)

    async def stop_all(self) -> None:
        """End all components, interfaces first, and forget the modules of the home's files."""
        async with self._lock:
            self._forget_engines()
            await self._units.take_out_all(self._adopted)
            for undo in self._undo:
                undo()
            self._undo.clear()
            self._adopted.clear()
            self._late.clear()
            imports.forget_home(self.home)

    def _begin(self) -> None:
        if self._undo:
            return
        loop = asyncio.get_running_loop()

        def wake() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._take_in_soon)

        def hear(kind: Kind, name: str, instance: Any) -> None:
            self._late.append((kind, name, instance))
            wake()

        sys.meta_path.insert(0, self._finder)
        importlib.invalidate_caches()
        self._undo = [
            self._registry.on_late(hear),
            get_llm_registry().on_register(lambda _name, _path: wake()),
            lambda: sys.meta_path.remove(self._finder),
        ]

    def _wanted(self) -> dict[str, Wanted]:
        return {one.key: one for one in (*self._wanted_files(), *self._wanted_engines())}

    def _wanted_files(self) -> list[Wanted]:
        wanted = []
        for source in self._listing.components():
            if self._only is not None and source.kind is Kind.PLUGIN and source.name not in self._only:
                self.reports[source.file] = report(source, "off", "REKKU_PLUGINS does not name it")
            elif source.name in self._off:
                self.reports[source.file] = report(source, "off", "REKKU_OFF names it")
            elif self._interfaces is not None and source.kind is Kind.INTERFACE and source.name not in self._interfaces:
                self.reports[source.file] = report(source, "off", "this command does not bring it up")
            else:
                wanted.append(Wanted(source))
        return wanted

    def _wanted_engines(self) -> list[Wanted]:
        """The engines that somebody registered by name, unless their file is a component of that name anyway."""
        wanted = []
        for name, dotted in get_llm_registry().modules.items():
            unit = self._units.get(real_name(dotted))
            if unit is None or all(live.component.name != name for live in unit.live):
                wanted.append(named_engine(self._listing, name, dotted))
        return wanted

    async def _swap(self, wanted: Wanted) -> FileReport:
        told = await self._units.swap(self._listing, wanted, self._wanted().values())
        await self._units.tell(told)
        return told

    def _forget_engines(self) -> None:
        """What the home's files registered by name goes with them."""
        for wanted in self._wanted_engines():
            if not wanted.source.builtin:
                get_llm_registry().modules.pop(wanted.engine, None)

    def _take_in_soon(self) -> None:
        if self._undo:
            self.supervisor.spawn(self._take_in(), "take in what registered itself")

    async def _take_in(self) -> None:
        async with self._lock:
            await self._take_in_late()

    async def _take_in_late(self) -> None:
        """Put into use what registered itself outside of the loading of its file."""
        while self._late:
            kind, name, instance = self._late.popleft()
            try:
                await self._adopt(kind, name, instance)
            except Exception:  # a door: the author's own code
                log.exception("What registered itself as %r cannot be used.", name)
        for one in self._wanted_engines():
            if one.key not in self._units.declared:
                await self._swap(one)

    async def _adopt(self, kind: Kind, name: str, instance: Any) -> Component:
        known = next((component for component in self._registry if component.instance is instance), None)
        if known is not None:
            return known
        module = type(instance).__module__
        unit = next((unit for unit in self._units if is_part(module, unit.source.module)), None)
        lives = unit.live if unit else self._adopted
        live = await self._builder.component(kind, name, instance, unit.source if unit else None)
        same = [old for old in lives if _is_earlier(old.component, live.component)]
        try:
            await self._running.prepare([live])
            await self._running.swap(same, [live])
        except BaseException:
            await live.supervisor.close()
            raise
        lives[:] = [*(old for old in lives if old not in same), live]
        return live.component


def _is_earlier(old: Component, new: Component) -> bool:
    """Whether a component is another object of the same class under the same name."""
    classes = type(old.instance), type(new.instance)
    return (old.kind, old.name) == (new.kind, new.name) and classes[0] is classes[1]
