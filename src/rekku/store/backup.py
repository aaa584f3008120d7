"""A backup of everything, as it is at one instant, that either database can restore."""

import asyncio
import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path

from rekku.store.archive import Manifest, Target
from rekku.store.drivers.base import STEPS_TABLE, Snapshot, StoredDatabase

NEVER_COPIED = frozenset({STEPS_TABLE, "store_writers"})


async def write_backup(db: StoredDatabase, file: Path, extra_files: Mapping[str, Path]) -> Manifest:
    """Write everything as it is at one instant, while others go on writing; the file appears when it is whole.

    `extra_files` maps names inside the backup to files; those that do not exist are left out.
    """
    temporary = file.with_name(f".{file.name}.{os.getpid()}.part")
    target = await asyncio.to_thread(Target, temporary)
    try:
        async with db.snapshot() as snapshot:
            manifest = await _write_tables(snapshot, target)
        await asyncio.to_thread(target.finish, manifest, extra_files)
        await asyncio.to_thread(_put_in_place, temporary, file)
    except BaseException:
        await asyncio.to_thread(target.give_up)
        raise
    return manifest


async def _write_tables(snapshot: Snapshot, target: "Target") -> Manifest:
    columns: dict[str, tuple[str, ...]] = {}
    counts: dict[str, int] = {}
    steps: dict[str, int] = {}
    for name in await snapshot.tables():
        if name == STEPS_TABLE:
            steps = await _steps_of(snapshot)
        if name in NEVER_COPIED:
            continue
        counts[name] = 0
        await asyncio.to_thread(target.begin, name)
        async for rows, names in snapshot.rows(name):
            columns[name] = tuple(names)
            counts[name] += len(rows)
            if rows:
                await asyncio.to_thread(target.add, rows)
        await asyncio.to_thread(target.end)
    return Manifest(steps, columns, counts, made_at=dt.datetime.now(dt.UTC).isoformat())


async def _steps_of(snapshot: Snapshot) -> dict[str, int]:
    """The steps as the snapshot shows them, not as they are by now."""
    last: dict[str, int] = {}
    async for rows, names in snapshot.rows(STEPS_TABLE):
        component, number = names.index("component"), names.index("number")
        for row in rows:
            last[row[component]] = max(int(row[number]), last.get(row[component], 0))
    return last


def _put_in_place(temporary: Path, file: Path) -> None:
    temporary.replace(file)
    folder = os.open(file.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
