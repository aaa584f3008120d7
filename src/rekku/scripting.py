"""For scripts: Rekku's components and database, brought up for one piece of work and not started.

from rekku.plugins import ai_diary
from rekku.scripting import call

for entry in call(lambda: ai_diary.get_recent_entries(days=7)):
    print(entry["timestamp"], entry["content"])
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rekku.app import Rekku

Result = TypeVar("Result")


def call(work: Callable[[], Awaitable[Result]], home: Path | str | None = None) -> Result:
    """What `work` gives, run with the components of a home (default: REKKU_HOME, or ~/.rekku). Raises ConfigError.

    It may be done while Rekku runs. Nothing is received or sent; no engine is asked.
    """
    from rekku import home as home_folder

    folder = home_folder.locate(os.environ, str(home) if home is not None else None)
    home_folder.prepare(folder)

    async def brought_up() -> Result:
        async with at_hand(folder, os.environ):
            return await work()

    return asyncio.run(brought_up())


@asynccontextmanager
async def at_hand(home: Path, environ: Mapping[str, str]) -> "AsyncIterator[Rekku]":
    """Rekku with its components and their tables, not started."""
    from rekku.app import running
    from rekku.core.database import Schema
    from rekku.store.migrations import migrate

    async with running(home, environ, start=False) as rekku:
        for component in rekku.registry:
            schema = component.members.value("tables")
            if isinstance(schema, Schema):
                await migrate(rekku.database, schema, backups=home / "data" / "backups")
        yield rekku
