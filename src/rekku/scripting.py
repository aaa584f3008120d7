"""For scripts: Rekku's components and database, brought up for one piece of work and not started.

from rekku.plugins import ai_diary
from rekku.scripting import call

for entry in call(lambda: ai_diary.get_recent_entries(days=7)):
    print(entry["timestamp"], entry["content"])
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")


def call(work: Callable[[], Awaitable[Result]], home: Path | str | None = None) -> Result:
    """What `work` gives, run with the components of a home (default: REKKU_HOME, or ~/.rekku). Raises ConfigError.

    It may be done while Rekku runs. Nothing is received or sent; no engine is asked.
    """
    from rekku import home as home_folder
    from rekku.app import running

    folder = home_folder.locate(os.environ, str(home) if home is not None else None)
    home_folder.prepare(folder)

    async def brought_up() -> Result:
        async with running(folder, os.environ, start=False):
            return await work()

    return asyncio.run(brought_up())
