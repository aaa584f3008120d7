"""Watches the component folders, so that a plugin works as soon as its file is saved."""

import asyncio
import importlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rekku.core.members import in_thread
from rekku.loader.files import KINDS
from rekku.loader.loader import Loader

log = logging.getLogger(__name__)

NOISE = (".pyc", ".swp", ".swx", ".tmp", "~")
"""Endings of files that editors and Python leave beside a source."""


async def watch(loader: Loader, *, ready: asyncio.Event | None = None) -> None:
    """Have the loader follow every change, for ever; `ready` is set once changes are noticed. New folders count too."""
    watchfiles = await in_thread(importlib.import_module, "watchfiles")
    while True:
        folders = await in_thread(_folders, loader)
        changed = asyncio.Event()
        listener = loader.supervisor.spawn(_listen(watchfiles, folders, changed), "notice changed files")
        try:
            await asyncio.sleep(0)  # the listener's first step: from now on it hears of everything
            while not listener.done() and await in_thread(_all_there, folders):
                changed.clear()
                await loader.sync()
                if ready is not None:
                    ready.set()
                await changed.wait()
        finally:
            listener.cancel()
        if listener.done():
            log.error("Files are not watched any more; restart Rekku to have changed plugins loaded.")
            return


async def _listen(watchfiles: Any, folders: Sequence[Path], changed: asyncio.Event) -> None:
    try:
        async for _ in watchfiles.awatch(*folders, watch_filter=_matters, step=50, debounce=500):
            changed.set()
    finally:
        changed.set()


def _matters(_change: object, path: str) -> bool:
    return not path.endswith(NOISE) and "__pycache__" not in path


def _folders(loader: Loader) -> list[Path]:
    """What there is to watch; the home's folders are made if they are not there."""
    for folder in KINDS:
        (loader.home / folder).mkdir(parents=True, exist_ok=True)
    folders = [root / folder for root in (loader.home, loader.builtin) for folder in KINDS]
    return [folder for folder in folders if folder.is_dir()]


def _all_there(folders: Sequence[Path]) -> bool:
    return all(folder.is_dir() for folder in folders)
