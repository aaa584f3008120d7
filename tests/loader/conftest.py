"""A home and a folder of built-in components, both empty, and a loader for them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any, cast

import pytest

from rekku import aliases
from rekku.core.database import Schema
from rekku.core.host import Host
from rekku.core.llm_registry import get_llm_registry
from rekku.core.registry import Kind, registry
from rekku.core.settings import Settings
from rekku.lifecycle import Supervisor
from rekku.loader import FileReport, Loader
from rekku.loader.imports import modules_in_use, put_back

HERE = Path(__file__).parent
SAMPLE = (HERE / "sample_plugin.py.txt").read_text()
DICE = (HERE / "dice_plugin.py.txt").read_text()


@dataclass
class FakeHost:
    """What components get here: their name, their settings and tasks."""

    kind: Kind
    name: str
    settings: Settings
    supervisor: Supervisor

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        return self.supervisor.spawn(work, name)


@dataclass
class World:
    """A loader with its two folders, and what it told others."""

    home: Path
    builtin: Path
    supervisor: Supervisor
    values: dict[str, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    migrated: list[str] = field(default_factory=list)
    loaders: list[Loader] = field(default_factory=list)

    @property
    def loader(self) -> Loader:
        """The loader of this test; made when first asked for."""
        return self.loaders[-1] if self.loaders else self.make()

    def make(self, *, only: frozenset[str] | None = None, import_limit: float = 5, start_limit: float = 5) -> Loader:
        """A loader with limits of its own."""
        loader = Loader(
            home=self.home,
            registry=registry,
            supervisor=self.supervisor,
            make_host=lambda *args: cast(Host, FakeHost(*args)),
            given=lambda: self.values,
            migrate=self._migrate,
            notify=self._notify,
            only=only,
            builtin=self.builtin,
            import_limit=import_limit,
            start_limit=start_limit,
        )
        self.loaders.append(loader)
        return loader

    def write(self, path: str, text: str, *, builtin: bool = False) -> Path:
        """Save a file in the home (or among the built-in ones)."""
        file = (self.builtin if builtin else self.home) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text))
        return file

    def report(self, path: str) -> FileReport:
        """What became of a file in the home."""
        return self.loader.reports[self.home / path]

    def plugin(self, name: str) -> Any:
        """The object of a plugin in use."""
        component = registry.get(Kind.PLUGIN, name)
        assert component is not None, f"{name} is not in use"
        return component.instance

    async def _migrate(self, schema: Schema) -> None:
        self.migrated.append(schema.component)

    async def _notify(self, text: str) -> None:
        self.notices.append(text)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Everything, taken down again to the last module."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)  # stale bytecode is one of the things to guard against
    before, finders = modules_in_use(), list(sys.meta_path)
    aliases.install()
    undo = [aliases.put_home_in_front(tmp_path / "builtin"), aliases.put_home_in_front(tmp_path / "home")]
    async with Supervisor("test") as supervisor:
        world = World(tmp_path / "home", tmp_path / "builtin", supervisor)
        yield world
        for loader in world.loaders:
            await loader.stop_all()
    for step in undo:
        step()
    put_back(before)
    aliases.uninstall()
    registry.clear()
    get_llm_registry().clear()
    assert sys.meta_path == finders
