"""Puts components into use, starts them, swaps them and takes them out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from rekku.core.database import Schema
from rekku.core.errors import PluginError
from rekku.core.registry import Kind, Registry
from rekku.loader.build import Live

log = logging.getLogger(__name__)

STOP_LIMIT = 10.0
"""Seconds that `stop`, `export_state` and `import_state` may take."""

START_ORDER = (Kind.PLUGIN, Kind.ENGINE, Kind.INTERFACE)

Migrate = Callable[[Schema], Awaitable[None]]


class Clash(PluginError):
    """Two components want the same name or the same action."""


class Running:
    """The way of components into the registry and out of it; `start_limit` is in seconds."""

    def __init__(self, registry: Registry, migrate: Migrate, start_limit: float) -> None:
        self._registry = registry
        self._migrate = migrate
        self._start_limit = start_limit

    async def prepare(self, lives: Sequence[Live]) -> None:
        """Bring the components' tables up to date. Raises PluginError or what the database raises."""
        for live in lives:
            tables = live.component.members.value("tables")
            if tables is None:
                continue
            if not isinstance(tables, Schema):
                raise PluginError(f"tables must be a core.database.Schema, not {type(tables).__name__}")
            await self._migrate(tables)

    def enter(self, lives: Sequence[Live]) -> None:
        """Make components known, at once. Raises Clash, and changes nothing, if two would clash."""
        self._change([], lives)

    def leave(self, lives: Sequence[Live]) -> None:
        """Make components unknown, at once."""
        self._change(lives, [])

    async def start(self, live: Live) -> None:
        """Start a component. Raises PluginError if it takes too long, or what its `start` raises."""
        try:
            await live.component.members.call("start", limit=self._start_limit)
        except TimeoutError as error:
            raise PluginError(f"start() took more than {self._start_limit:g} s; it was given up") from error
        except asyncio.CancelledError as error:
            if _is_ending():
                raise
            raise PluginError("start() was cancelled by itself") from error
        live.started = True

    async def swap(self, old: Sequence[Live], new: Sequence[Live]) -> None:
        """Put new versions in the place of old ones. If it raises (Clash, or what `start` raises), the old ones
        are in use again."""
        states = [(live, await self._export(live)) for live in old]
        self._change(old, new)
        for live in old:
            await self.halt(live)
        try:
            for live in new:
                await self._import(live, states)
                await self.start(live)
        except Exception:
            for live in new:
                await self.halt(live)
            self._change(new, old)
            await self._restart(old)
            raise
        for live in old:
            await live.supervisor.close()

    async def take_out(self, lives: Sequence[Live]) -> None:
        """End components for good, interfaces first."""
        for kind in reversed(START_ORDER):
            await asyncio.gather(*(self._end(live) for live in lives if live.component.kind is kind))
        self.leave(lives)

    async def halt(self, live: Live) -> None:
        """End a component's tasks, then let it stop; what it raises is logged."""
        await live.supervisor.clear()
        if not live.started:
            return
        live.started = False
        await self._call(live, "stop")
        await live.supervisor.clear()

    def _change(self, remove: Sequence[Live], add: Sequence[Live]) -> None:
        try:
            self._registry.change(remove=[r.component for r in remove], add=[a.component for a in add])
        except PluginError as error:
            raise Clash(str(error)) from None

    async def _end(self, live: Live) -> None:
        await self.halt(live)
        await live.supervisor.close()

    async def _restart(self, old: Sequence[Live]) -> None:
        for live in old:
            try:
                await self.start(live)
            except Exception:  # a door: the author's own code
                log.exception("The old version of %s does not start again.", live.component.name)

    async def _export(self, live: Live) -> Any:
        if not live.component.members.has("export_state"):
            return None
        return await self._call(live, "export_state")

    async def _import(self, live: Live, states: Sequence[tuple[Live, Any]]) -> None:
        new = live.component
        for before, state in states:
            old = before.component
            if state is not None and (old.kind, old.name) == (new.kind, new.name):
                await self._call(live, "import_state", state)

    async def _call(self, live: Live, name: str, *args: Any) -> Any:
        try:
            return await live.component.members.call(name, *args, limit=STOP_LIMIT)
        except asyncio.CancelledError:
            if _is_ending():
                raise
            log.warning("%s() of %s was cancelled by itself.", name, live.component.name)
        except TimeoutError:
            log.error("%s() of %s took more than %g s; it was given up.", name, live.component.name, STOP_LIMIT)
        except Exception:  # a door: the author's own code
            log.exception("%s() of %s failed.", name, live.component.name)
        return None


def _is_ending() -> bool:
    """Whether it is us who are being cancelled, not something that a component awaited."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
