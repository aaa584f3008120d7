"""`rekku backup`: everything in one file, also while Rekku runs."""

import argparse
import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rekku.cli_commands.ground import Ground, begin
from rekku.core.errors import ConfigError

if TYPE_CHECKING:
    from rekku.store.database import MariaServer

FOLDERS = ("plugins", "llm_engines", "interface")
SINGLE = ("persona.md",)
SECRETS = ".env"


def run(arguments: argparse.Namespace) -> int:
    """0; write the backup. Raises ConfigError, also if there is such a file already."""
    ground = begin(arguments)
    ground.log_to(None)
    file = Path(arguments.file).absolute()
    rows = write_new(ground, file, secrets=arguments.with_secrets)
    kept = "with the secrets of .env" if arguments.with_secrets else "without .env; add it with --with-secrets"
    print(f"{file}: {rows} rows, persona and components ({kept}).")
    return 0


def write_new(ground: Ground, file: Path, *, secrets: bool) -> int:
    """Write a backup to a file that is not there yet; how many rows it has. Raises ConfigError."""
    if file.exists():
        raise ConfigError(f"{file} is there already. Give the backup another name.")
    if not file.parent.is_dir():
        raise ConfigError(f"There is no folder {file.parent} to write the backup into.")
    try:
        return asyncio.run(_write(ground, file, secrets=secrets))
    except OSError as error:
        raise ConfigError(f"The backup {file} cannot be written: {error.strerror or error}.") from error


async def _write(ground: Ground, file: Path, *, secrets: bool) -> int:
    from rekku.store.backup import write_backup
    from rekku.store.database import open_database

    extra = dict(extra_files(ground.home))
    if secrets:
        extra[SECRETS] = ground.home / SECRETS
    database = await open_database(ground.home, server(ground.given))
    try:
        manifest = await write_backup(database, file, extra)
    finally:
        await database.close()
    return sum(manifest.rows.values())


def extra_files(home: Path) -> Iterator[tuple[str, Path]]:
    """The owner's own files, by the names that they have inside a backup."""
    for name in SINGLE:
        yield name, home / name
    for folder in FOLDERS:
        for file in sorted((home / folder).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file.relative_to(home).as_posix(), file


def server(given: Mapping[str, str]) -> "MariaServer | None":
    """The MariaDB that is set; None for a file in the home. Raises ConfigError."""
    from rekku.core.settings import read
    from rekku.house_settings import SETTINGS
    from rekku.store.database import server_of

    values = read([s for s in SETTINGS if s.name.startswith("DB_")], given, "the environment or .env")
    return server_of(values)
