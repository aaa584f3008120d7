"""`rekku diary recreate`: throw the diary away and make its tables anew; refused while Rekku runs."""

import argparse
import asyncio
import logging
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rekku import home as home_folder
from rekku.cli_commands import backup
from rekku.cli_commands.ground import Ground, begin
from rekku.core.errors import ConfigError
from rekku.scripting import at_hand

if TYPE_CHECKING:
    from rekku.app import Rekku
    from rekku.core.members import Members

NAME = "ai_diary"


def run(arguments: argparse.Namespace) -> int:
    """0 if the diary is empty and new, 1 if the owner said no. Raises ConfigError."""
    ground = begin(arguments)
    ground.log_to(None)
    logging.getLogger().setLevel(logging.ERROR)
    file = Path(arguments.backup).absolute() if arguments.backup else None
    with home_folder.lock(ground.home):
        count = asyncio.run(_count(ground))
        print(f"This erases all {count} entries of the diary in {ground.home} for good.")
        if not arguments.yes:
            if not sys.stdin.isatty():
                raise ConfigError("Nobody is there to ask. If you are sure, add --yes (and --backup FILE for a copy).")
            file = file or _wanted(
                input("Write a backup first? yes, its file, or Enter for none: ").strip(), ground.home
            )
            if input("Write yes to erase the diary: ").strip().casefold() != "yes":
                print("Nothing was changed.")
                return 1
        if file is not None:
            rows = backup.write_new(ground, file, secrets=False)
            print(f"{file}: {rows} rows; `rekku restore` brings them back.")
        asyncio.run(_recreate(ground))
        print(f"Erased: {count} entries. The diary is new and empty.")
    return 0


def _wanted(answer: str, home: Path) -> Path | None:
    """The file that an answer means: `yes` one in the home, a name that file, nothing or `no` none."""
    match answer.casefold():
        case "" | "n" | "no":
            return None
        case "y" | "yes":
            return home / time.strftime("before-the-new-diary-%Y%m%dT%H%M%S.zip")
    return Path(answer).expanduser().absolute()


async def _count(ground: Ground) -> int:
    async with at_hand(ground.home, ground.environ) as rekku:
        return int(await _diary(rekku).call("count_entries"))


async def _recreate(ground: Ground) -> None:
    async with at_hand(ground.home, ground.environ) as rekku:
        await _diary(rekku).call("recreate_diary_table", limit=None)


def _diary(rekku: "Rekku") -> "Members":
    for component in rekku.registry:
        if component.name == NAME:
            return component.members
    raise ConfigError(f"The plugin {NAME} is not loaded; `rekku doctor` says why.")
