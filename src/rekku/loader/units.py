"""What the files gave: loads each for the first time, swaps it for its next version, unloads it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from pathlib import Path

from rekku.core.members import in_thread
from rekku.loader import imports
from rekku.loader.build import Builder, Live, Unit
from rekku.loader.files import Listing, Source
from rekku.loader.report import FileReport, failure, report, sentence, write_down
from rekku.loader.running import START_ORDER, Clash, Running
from rekku.loader.wanted import Wanted, orphans, outdated

log = logging.getLogger(__name__)

KEPT = "; the version before it goes on working"
OWNERS_BUSINESS = ("failed", "missing", "unconfigured")


class Units:
    """Files in use, by `Wanted.key`, and a report about each file that was tried."""

    def __init__(self, builder: Builder, running: Running, notify: Callable[[str], Awaitable[None]]) -> None:
        self.reports: dict[Path, FileReport] = {}
        self.starting = True
        """Whether components are migrated and started; `rekku doctor` only looks."""
        self.declared: dict[str, set[str]] = {}
        """The settings that each tried file declares, by key."""
        self.clashed: set[str] = set()
        """Those that were refused because of another file: when files change, they are tried again."""
        self._builder = builder
        self._running = running
        self._notify = notify
        self._units: dict[str, Unit] = {}

    def __iter__(self) -> Iterator[Unit]:
        return iter(tuple(self._units.values()))

    def get(self, key: str) -> Unit | None:
        """The file in use under that key."""
        return self._units.get(key)

    def not_among(self, keys: Collection[str]) -> list[str]:
        """The keys of the files in use that are none of these."""
        return [key for key in self._units if key not in keys]

    async def first(self, wanted: Wanted) -> None:
        """Build what a file holds; `enter_all` puts it into use."""
        unit, told = await self._build(wanted)
        self.reports[told.file] = told
        if unit is None:
            write_down(told)
        else:
            self._units[wanted.key] = unit

    async def enter_all(self) -> None:
        """Make everything known at once, then start it; what fails is taken out again.

        If some clash, they enter one after the other, so that only the later ones are refused.
        """
        try:
            self._running.enter([live for unit in self for live in unit.live])
        except Clash:
            await self._enter_singly()
        if self.starting:
            for kind in START_ORDER:
                lives = [live for unit in self for live in unit.live if live.component.kind is kind]
                await asyncio.gather(*(self._start(live) for live in lives))
        for unit in self:
            write_down(self.reports[unit.source.file])

    async def swap(self, listing: Listing, wanted: Wanted, others: Collection[Wanted]) -> FileReport:
        """Load a file's new version beside the old one, then put it in its place; if it fails, the old one stays."""
        old = self._units.get(wanted.key)
        before = imports.modules_in_use()
        loaded = old is not None
        imports.set_aside(await in_thread(lambda: outdated(listing, wanted, others, loaded=loaded)))
        unit, told = await self._build(wanted)
        if unit is not None:
            try:
                await self._running.swap(old.live if old else [], unit.live)
            except Exception as error:  # noqa: BLE001 - a door: the author's own code; it is reported
                told = await self._failed(wanted, unit, error)
                unit = None
        if unit is not None:
            self._units[wanted.key] = unit
            self.clashed.discard(wanted.key)
        else:
            imports.put_back(before)
            if old is not None and old.live:
                told.reason += KEPT
        return told

    async def unload(self, key: str, listing: Listing, wanted: Collection[Wanted]) -> None:
        """Take a file's components out of use and forget its modules."""
        unit = self._units.pop(key, None)
        if unit is None:
            return
        names = unit.names
        await self._running.take_out(unit.live)
        imports.set_aside(await in_thread(orphans, listing, wanted, unit.source))
        if names:
            log.info("Unloaded %s (%s).", names, unit.source.file)

    async def take_out_all(self, more: Sequence[Live]) -> None:
        """End all components."""
        await self._running.take_out([*more, *(live for unit in self for live in unit.live)])
        self._units.clear()
        self.declared.clear()
        self.clashed.clear()

    async def tell(self, told: FileReport) -> None:
        """Log what became of a file; what has newly failed, the owner hears too."""
        before = self.reports.get(told.file)
        self.reports[told.file] = told
        write_down(told)
        if told.state in OWNERS_BUSINESS and (before is None or before.reason != told.reason):
            try:
                await self._notify(sentence(told))
            except Exception:  # a door: a notice that cannot be sent must not end the watching
                log.exception("The owner could not be told about %s.", told.file)

    def keep_reports(self, listing: Listing, wanted: Collection[Wanted]) -> None:
        """Drop the reports of files that are gone, and say which files have another in front of them."""
        in_use = {unit.source.file for unit in self}
        there = {one.source.file for one in wanted} | {source.file for source in listing.sources.values()}
        self.reports = {file: told for file, told in self.reports.items() if file in there or file in in_use}
        keys = {one.key for one in wanted}
        self.declared = {key: names for key, names in self.declared.items() if key in keys}
        self.clashed &= keys
        for source, front in listing.shadowed:
            if source.file not in in_use:
                self._report_shadowed(source, front)

    def _report_shadowed(self, source: Source, front: Source) -> None:
        if source.builtin and not front.builtin:
            told = report(source, "replaced", f"{front.file} stands in front of it")
            log.info("%s replaces the built-in %s %s.", front.file, source.kind, source.name)
        else:
            told = report(source, "failed", f"rename it: {front.file} has the same name")
            log.error("%s", sentence(told))
        self.reports[source.file] = told

    async def _build(self, wanted: Wanted) -> tuple[Unit | None, FileReport]:
        """Build a file's components and bring their tables up to date; leaves no trace if it fails."""
        unit = Unit(wanted.source)
        before = imports.modules_in_use()
        try:
            await self._builder.unit(unit, wanted.engine)
            if self.starting:
                await self._running.prepare(unit.live)
        except Exception as error:  # noqa: BLE001 - a door: the author's own code; it is reported
            imports.put_back(before)
            return None, await self._failed(wanted, unit, error)
        finally:
            self.declared[wanted.key] = unit.declared
        waiting = f"the rest of it waits for its settings: {', '.join(unit.lacking)}" if unit.lacking else ""
        return unit, report(wanted.source, "loaded" if unit.live else "helper", waiting, unit.names)

    async def _failed(self, wanted: Wanted, unit: Unit, error: Exception) -> FileReport:
        if isinstance(error, Clash):
            self.clashed.add(wanted.key)
        for live in unit.live:
            await live.supervisor.close()
        told: FileReport = await in_thread(failure, wanted.source, error, unit.cls)
        told.name = wanted.engine or told.name
        return told

    async def _enter_singly(self) -> None:
        for key, unit in tuple(self._units.items()):
            try:
                self._running.enter(unit.live)
            except Clash as error:
                await self._refuse(key, error)

    async def _start(self, live: Live) -> None:
        try:
            await self._running.start(live)
        except Exception as error:  # noqa: BLE001 - a door: the author's own code; it is reported
            key = next((key for key, unit in self._units.items() if live in unit.live), None)
            if key is not None:
                await self._refuse(key, error)

    async def _refuse(self, key: str, error: Exception) -> None:
        """Take out what a file gave, and say why."""
        unit = self._units.pop(key)
        await self._running.take_out(unit.live)
        told = await self._failed(Wanted(unit.source, key.partition(" as ")[2]), unit, error)
        self.reports[told.file] = told
        write_down(told)
