"""Watches the home's settings while Rekku runs: a changed one reloads the components that declare it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from rekku.core.errors import ConfigError
from rekku.loader import Loader, watch

log = logging.getLogger(__name__)


async def watch_home(home: Path, loader: Loader, given: Callable[[], Mapping[str, str]]) -> None:
    """Follow the component folders and `.env` for ever."""
    async with asyncio.TaskGroup() as both:
        both.create_task(watch(loader), name="component watch")
        both.create_task(_watch_settings(home, loader, given), name="settings watch")


async def _watch_settings(home: Path, loader: Loader, given: Callable[[], Mapping[str, str]]) -> None:
    from watchfiles import awatch

    before = dict(given())
    async for changes in awatch(home, recursive=False):
        if not any(Path(path).name == ".env" for _, path in changes):
            continue
        try:
            now = dict(given())
        except ConfigError as error:
            log.error("The changed settings are not used: %s", error)
            continue
        changed = {name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}
        before = now
        if changed:
            await loader.settings_changed(changed)
