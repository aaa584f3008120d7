"""The file of a backup: a zip of JSON lines, written and read a few rows at a time.

manifest.json        version, steps done per component, columns and number of rows per table
tables/NAME.jsonl    one row per line, a list of values; bytes are {"b64": text}
files/NAME           persona.md and the like
"""

import asyncio
import base64
import datetime as dt
import json
import os
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from rekku.core.errors import ConfigError

FORMAT = 1
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup."""

    steps: Mapping[str, int]
    columns: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, int]
    files: tuple[str, ...] = ()
    made_at: str = ""
    version: int = field(default=FORMAT)


class Target:
    """The zip that is being written. All of it blocks: for use in threads."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._raw = os.fdopen(handle, "w+b")
        self._zip = zipfile.ZipFile(self._raw, "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        self._entry: Any = None

    def begin(self, table: str) -> None:
        self._entry = self._zip.open(f"tables/{table}.jsonl", "w", force_zip64=True)

    def add(self, rows: Iterable[Iterable[Any]]) -> None:
        self._entry.write(b"".join(orjson.dumps(list(row), default=_plain) + b"\n" for row in rows))

    def end(self) -> None:
        self._entry.close()

    def finish(self, manifest: Manifest, extra_files: Mapping[str, Path]) -> None:
        files = {name: file for name, file in extra_files.items() if file.is_file()}
        for name, file in files.items():
            self._zip.write(file, f"files/{name}")
        content = {
            "rekku_backup": FORMAT,
            "made_at": manifest.made_at,
            "steps": dict(manifest.steps),
            "columns": {name: list(columns) for name, columns in manifest.columns.items()},
            "rows": dict(manifest.rows),
            "files": list(files),
        }
        self._zip.writestr(MANIFEST, json.dumps(content, indent=1))
        self._zip.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._raw.close()

    def give_up(self) -> None:
        self._raw.close()
        self._file.unlink(missing_ok=True)


def _plain(value: Any) -> Any:
    match value:
        case bytes() | bytearray() | memoryview():
            return {"b64": base64.b64encode(value).decode()}
        case dt.datetime():
            return value.isoformat(" ")
        case Decimal() | dt.date() | dt.time():
            return str(value)
    raise TypeError(f"cannot back up a {type(value).__name__}")


class Backup:
    """A backup that is being read. Made by `opened`; `rows` and `extra` block."""

    def __init__(self, file: Path) -> None:
        self._file = file
        try:
            self._zip = zipfile.ZipFile(file)
            content = json.loads(self._zip.read(MANIFEST))
            if content["rekku_backup"] > FORMAT:
                raise ConfigError(f"{file} was made by a newer Rekku. Upgrade Rekku, then restore it.")
            self.manifest = Manifest(
                {name: int(number) for name, number in content["steps"].items()},
                {name: tuple(columns) for name, columns in content["columns"].items()},
                {name: int(count) for name, count in content["rows"].items()},
                tuple(content["files"]),
                str(content["made_at"]),
            )
            damaged = self._zip.testzip()
        except FileNotFoundError:
            raise ConfigError(f"There is no file {file}.") from None
        except OSError as error:
            raise ConfigError(f"{file} cannot be read ({error.strerror}).") from error
        except ConfigError:
            raise
        except (zipfile.BadZipFile, LookupError, ValueError, TypeError, AttributeError) as error:
            raise ConfigError(f"{file} is not a Rekku backup, or it is cut off. Take another one.") from error
        except (zlib.error, EOFError, RuntimeError) as error:
            raise ConfigError(f"{file} is damaged. Take another backup.") from error
        if damaged is not None:
            raise ConfigError(f"{file} is damaged (in {damaged}). Take another backup.")

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()

    def rows(self, table: str) -> Iterator[list[Any]]:
        """The rows of a table, in the order of the manifest's columns."""
        with self._zip.open(f"tables/{table}.jsonl") as lines:
            for line in lines:
                yield [_value(value) for value in orjson.loads(line)]

    def extra(self, name: str) -> bytes:
        """The content of one of the extra files."""
        return self._zip.read(f"files/{name}")


@asynccontextmanager
async def opened(file: Path) -> AsyncIterator[Backup]:
    """A backup to read from, checked. Raises ConfigError for what is not one, or is damaged."""
    backup = await asyncio.to_thread(Backup, file)
    try:
        yield backup
    finally:
        await asyncio.to_thread(backup.close)


def _value(value: Any) -> Any:
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value
