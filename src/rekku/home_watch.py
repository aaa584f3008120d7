"""Watches the home's settings while Rekku runs: a changed one reloads the components that declare it."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from rekku.core.errors import ConfigError
from rekku.house_settings import SETTINGS
from rekku.loader import Loader

log = logging.getLogger(__name__)

HOUSE = frozenset(setting.name for setting in SETTINGS)
OFF = next(setting for setting in SETTINGS if setting.name == "REKKU_OFF")


async def watch_settings(home: Path, loader: Loader, given: Callable[[], Mapping[str, str]]) -> None:
    """Follow `.env` in the home for ever."""
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
        if OFF.name in changed:
            await _switch_off(loader, now)
        for name in sorted((changed & HOUSE) - {OFF.name}):
            log.warning("%s has changed; Rekku reads it at its next start.", name)
        if changed - HOUSE:
            await loader.settings_changed(changed - HOUSE)


async def _switch_off(loader: Loader, given: Mapping[str, str]) -> None:
    """Have the components that are switched off now, and no others, out of use."""
    await loader.switch_off(OFF.parse(given.get(OFF.name, "")))
