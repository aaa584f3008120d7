"""`rekku restore`: bring everything back from a backup; refused while Rekku runs."""

import argparse
import asyncio
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from rekku import home as home_folder
from rekku.cli_commands import declared
from rekku.cli_commands.backup import FOLDERS, SECRETS, SINGLE, server
from rekku.cli_commands.ground import Ground, begin
from rekku.core.errors import ConfigError

if TYPE_CHECKING:
    from rekku.core.database import Schema
    from rekku.store.archive import Backup


def run(arguments: argparse.Namespace) -> int:
    """0; everything is as in the backup. Raises ConfigError, and then nothing has changed."""
    ground = begin(arguments)
    ground.log_to(None)
    logging.getLogger().setLevel(logging.ERROR)
    file = Path(arguments.file).absolute()
    with home_folder.lock(ground.home):
        try:
            rows = asyncio.run(_restore(ground, file))
        except OSError as error:
            raise ConfigError(f"{ground.home} cannot be restored: {error.strerror or error}.") from error
    print(f"{ground.home}: {rows} rows, persona and components are back.")
    return 0


async def _restore(ground: Ground, file: Path) -> int:
    from rekku.store.archive import opened
    from rekku.store.restore import restore_backup

    async with opened(file) as backup:
        names = [_checked(name, file) for name in backup.manifest.files]
        schemas = await _schemas(ground, backup)
    targets = {name: ground.home / name for name in names}
    for target in targets.values():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    manifest = await restore_backup(ground.home, server(ground.given), file, schemas=schemas, extra_files=targets)
    return sum(manifest.rows.values())


async def _schemas(ground: Ground, backup: "Backup") -> Sequence["Schema"]:
    """The tables of Rekku and of all components, those in the backup included.

    The components are tried in a folder beside, so that the home stays as it is if something does not fit.
    """
    from rekku.app import running
    from rekku.core.database import Schema
    from rekku.store.schema import SCHEMA

    given = {name: text for name, text in ground.given.items() if name not in ("DB_HOST", "REKKU_PLUGINS")}
    with tempfile.TemporaryDirectory(prefix="rekku-restore-") as folder:
        home = Path(folder)
        home_folder.prepare(home)
        for name in backup.manifest.files:
            if name != SECRETS:
                (home / name).parent.mkdir(parents=True, exist_ok=True)
                (home / name).write_bytes(backup.extra(name))
        async with running(home, given, start=False) as rekku:
            found = [component.members.value("tables") for component in rekku.registry]
            for report in rekku.loader.reports.values():
                if report.state == "unconfigured":
                    found += [getattr(cls, "tables", None) for cls in declared.classes_in(report.file, home)]
    schemas = {schema.component: schema for schema in found if isinstance(schema, Schema)}
    return [SCHEMA, *schemas.values()]


def _checked(name: str, file: Path) -> str:
    """A name inside a backup that may be written into the home; a forged one could lead out of it."""
    path = PurePosixPath(name)
    inside = ".." not in path.parts and not path.is_absolute() and "\\" not in name
    if inside and (name in (*SINGLE, SECRETS) or (len(path.parts) > 1 and path.parts[0] in FOLDERS)):
        return name
    raise ConfigError(f"{file} holds a file {name!r} that no backup of Rekku has. Do not trust it.")
