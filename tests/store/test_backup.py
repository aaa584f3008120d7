"""Backups: whole while others write, restored by either database, refused when damaged."""

import asyncio
import json
import zipfile
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, Column

from rekku.core.database import Schema, Step, Steps, table
from rekku.core.errors import ConfigError, NewerSchema
from rekku.store.backup import write_backup
from rekku.store.database import MariaServer, StoredDatabase, open_database
from rekku.store.migrations import migrate
from rekku.store.restore import restore_backup
from tests.conftest import KINDS, drop, fresh
from tests.store.tables import ADD, ADD_NAME, ALL, NOW, SCHEMA


@pytest.fixture(params=KINDS)
def other_kind(request: pytest.FixtureRequest) -> MariaServer | None:
    """Where to restore: SQLite or a new database on MariaDB."""
    return fresh(request.getfixturevalue("mariadb")) if request.param == "mariadb" else None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.zip"


def mode_of(file: Path) -> int:
    return file.stat().st_mode & 0o777


def content_of(file: Path) -> bytes:
    return file.read_bytes()


def put(file: Path, content: bytes) -> None:
    file.write_bytes(content)


async def rows_of(home: Path, server: MariaServer | None) -> list[tuple[object, ...]]:
    db = await open_database(home, server)
    await migrate(db, SCHEMA)
    rows = [tuple(row) for row in await db.fetch(ALL)]
    await db.close()
    return rows


async def test_a_backup_of_either_kind_restores_on_either(
    store: StoredDatabase, file: Path, tmp_path: Path, other_kind: MariaServer | None
) -> None:
    await store.write(
        *(ADD(id=n, text=f"text {n} 👍\n", at=NOW, data=bytes(range(n % 256)), flag=True) for n in range(1200))
    )
    await store.write(ADD_NAME(name="a ", number=1))
    persona = tmp_path / "persona.md"
    persona.write_text("I am Rekku.")
    await write_backup(store, file, {"persona.md": persona, "absent.md": tmp_path / "absent.md"})
    assert mode_of(file) == 0o600
    persona.write_text("changed")

    home = tmp_path / "new"
    done = await restore_backup(home, other_kind, file, schemas=[SCHEMA], extra_files={"persona.md": persona})
    assert done.rows == {"notes": 1200, "names": 1}
    assert persona.read_text() == "I am Rekku."
    assert await rows_of(home, other_kind) == [tuple(row) for row in await store.fetch(ALL)]
    if other_kind is not None:
        await drop(other_kind)


async def test_a_restore_replaces_what_is_there(
    server_for_home: MariaServer | None, file: Path, tmp_path: Path
) -> None:
    db = await open_database(tmp_path, server_for_home)
    await migrate(db, SCHEMA)
    await db.write(ADD(id=1))
    await write_backup(db, file, {})
    await db.write(ADD(id=2))
    await db.close()

    await restore_backup(tmp_path, server_for_home, file, schemas=[SCHEMA])
    assert [row[0] for row in await rows_of(tmp_path, server_for_home)] == [1]


async def test_a_backup_is_one_instant_while_others_write(store: StoredDatabase, file: Path, tmp_path: Path) -> None:
    stop = asyncio.Event()
    some_are_in = asyncio.Event()

    async def write_pairs() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            await store.write(ADD(id=number, text="x" * 500), ADD_NAME(name=str(number), number=number))
            if number == 50:
                some_are_in.set()

    writer = asyncio.create_task(write_pairs())
    await some_are_in.wait()
    manifest = await write_backup(store, file, {})
    stop.set()
    await writer
    assert manifest.rows["notes"] == manifest.rows["names"] >= 50


async def test_what_is_not_a_backup_is_refused_with_one_sentence(tmp_path: Path, file: Path) -> None:
    with pytest.raises(ConfigError, match="There is no file"):
        await restore_backup(tmp_path, None, file, schemas=[])
    put(file, b"hello")
    with pytest.raises(ConfigError, match="not a Rekku backup"):
        await restore_backup(tmp_path, None, file, schemas=[])
    with zipfile.ZipFile(file, "w") as other:
        other.writestr("readme.txt", "hello")
    with pytest.raises(ConfigError, match="not a Rekku backup"):
        await restore_backup(tmp_path, None, file, schemas=[])


async def test_a_damaged_backup_leaves_the_old_data_as_it_was(
    server_for_home: MariaServer | None, file: Path, tmp_path: Path
) -> None:
    db = await open_database(tmp_path, server_for_home)
    await migrate(db, SCHEMA)
    await db.write(*(ADD(id=n, text=str(n) * 50) for n in range(500)))
    await write_backup(db, file, {})
    await db.close()
    before = await rows_of(tmp_path, server_for_home)
    whole = content_of(file)

    for damaged in (whole[: len(whole) // 2], whole[:200] + b"\0\0\0\0" + whole[204:]):
        put(file, damaged)
        with pytest.raises(ConfigError):
            await restore_backup(tmp_path, server_for_home, file, schemas=[SCHEMA])
    _remove_last_row(file, whole)
    with pytest.raises(ConfigError, match="499 rows"):
        await restore_backup(tmp_path, server_for_home, file, schemas=[SCHEMA])
    assert await rows_of(tmp_path, server_for_home) == before


def _remove_last_row(file: Path, whole: bytes) -> None:
    file.write_bytes(whole)
    with zipfile.ZipFile(file) as source:
        content = {name: source.read(name) for name in source.namelist()}
    content["tables/notes.jsonl"] = b"".join(content["tables/notes.jsonl"].splitlines(keepends=True)[:-1])
    with zipfile.ZipFile(file, "w") as target:
        for name, data in content.items():
            target.writestr(name, data)


async def test_tables_that_nobody_has_and_newer_ones_are_refused(
    store: StoredDatabase, file: Path, tmp_path: Path
) -> None:
    await write_backup(store, file, {})
    home = tmp_path / "new"
    with pytest.raises(ConfigError, match="'notes', which is not installed"):
        await restore_backup(home, None, file, schemas=[])
    with pytest.raises(NewerSchema):
        await restore_backup(home, None, file, schemas=[Schema("notes")])

    async def another(db: Steps) -> None:
        await db.create(table("another", Column("id", BigInteger, primary_key=True)))

    with pytest.raises(ConfigError, match="that no installed component has"):
        await restore_backup(home, None, file, schemas=[Schema("notes", Step(1, "another", another))])
    assert not (home / "data" / "rekku.db").exists()


async def test_the_manifest_tells_what_is_inside(store: StoredDatabase, file: Path) -> None:
    await write_backup(store, file, {})
    with zipfile.ZipFile(file) as backup:
        content = json.loads(backup.read("manifest.json"))
    assert content["steps"] == {"notes": 1}
    assert content["rows"] == {"names": 0, "notes": 0}
    assert content["columns"]["names"] == ["name", "number"]
