"""Files that come and go with messages: kept in the component's folder, known by what they are, not by their names."""

import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select

from rekku.core.clock import Clock
from rekku.core.database import Database, Statement
from rekku.core.members import in_thread
from rekku.core.message import Attachment
from rekku.interface.webui.tables import FILES

MOST_BYTES = 20 * 2**20
MOST_IN_MESSAGE = 10
LONGEST_NAME = 100
ID = re.compile(r"[0-9a-f]{32}")

SIGNS: Sequence[tuple[int, bytes, str, str]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image", "image/png"),
    (0, b"\xff\xd8\xff", "image", "image/jpeg"),
    (0, b"GIF8", "image", "image/gif"),
    (8, b"WEBP", "image", "image/webp"),
    (0, b"OggS", "audio", "audio/ogg"),
    (0, b"ID3", "audio", "audio/mpeg"),
    (0, b"\xff\xfb", "audio", "audio/mpeg"),
    (0, b"fLaC", "audio", "audio/flac"),
    (8, b"WAVE", "audio", "audio/wav"),
    (0, b"\x1aE\xdf\xa3", "video", "video/webm"),
    (4, b"ftypM4A", "audio", "audio/mp4"),
    (4, b"ftyp", "video", "video/mp4"),
)
"""Where in a file which bytes stand, and what it is then. What has none of them is shown by no browser, only saved."""
OTHER = ("file", "application/octet-stream")

_row = FILES.c
ADD = Statement(insert(FILES))
ONE = Statement(select(FILES).where(_row.chat_id == bindparam("chat"), _row.id == bindparam("file")))
ALL = Statement(select(_row.id).where(_row.chat_id == bindparam("chat")))
SIZE = Statement(select(func.sum(_row.size).label("size")).where(_row.chat_id == bindparam("chat")))
COUNT = Statement(select(func.count().label("count")).where(_row.chat_id == bindparam("chat")))
ERASE = Statement(delete(FILES).where(_row.chat_id == bindparam("chat")))


class TooBig(ValueError):
    """A file is larger than it may be."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that is there."""

    id: str
    name: str
    kind: str
    mime: str
    size: int

    def shown(self) -> Mapping[str, Any]:
        """What a page gets."""
        return {"id": self.id, "name": self.name, "kind": self.kind, "mime": self.mime, "size": self.size}


class Files:
    """The files of the chats; whoever may see the chat may see its files."""

    def __init__(self, database: Database, clock: Clock, folder: Path) -> None:
        self._db = database
        self._clock = clock
        self._folder = folder

    async def take(self, chat_id: str, name: str, pieces: AsyncIterator[bytes]) -> Kept:
        """Keep what comes in pieces. Raises TooBig, and keeps nothing."""
        file_id = secrets.token_hex(16)
        path = self._folder / file_id
        size, head = 0, b""
        try:
            handle = await in_thread(path.open, "xb")
            try:
                async for piece in pieces:
                    size += len(piece)
                    if size > MOST_BYTES:
                        raise TooBig(f"A file may have {MOST_BYTES // 2**20} MB.")
                    head += piece[: 64 - len(head)] if len(head) < 64 else b""
                    await in_thread(handle.write, piece)
            finally:
                await in_thread(handle.close)
            kind, mime = sniff(head)
            kept = Kept(file_id, plain_name(name), kind, mime, size)
            await self._db.write(self._row(chat_id, kept))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return kept

    async def keep(self, chat_id: str, file: Attachment) -> Kept:
        """Keep what Rekku sends."""
        kept_id = secrets.token_hex(16)
        kind, mime = sniff(file.data[:64])
        kept = Kept(kept_id, plain_name(file.name), kind, mime, len(file.data))
        await in_thread((self._folder / kept_id).write_bytes, file.data)
        await self._db.write(self._row(chat_id, kept))
        return kept

    async def find(self, chat_id: str, file_id: str) -> Kept | None:
        """A file of a chat."""
        if not ID.fullmatch(file_id):
            return None
        rows = await self._db.fetch(ONE, chat=chat_id, file=file_id)
        return Kept(rows[0].id, rows[0].name, rows[0].kind, rows[0].mime, rows[0].size) if rows else None

    async def path(self, kept: Kept) -> Path:
        """Where a file is. Raises FileNotFoundError."""
        path = self._folder / kept.id
        await in_thread(path.stat)
        return path

    async def data(self, kept: Kept) -> bytes:
        """What is in a file. Raises FileNotFoundError."""
        data: bytes = await in_thread((self._folder / kept.id).read_bytes)
        return data

    async def attachment(self, kept: Kept) -> Attachment:
        """A file as it goes to Rekku."""
        return Attachment(kept.kind, kept.name, kept.mime, await self.data(kept))

    async def size(self, chat_id: str) -> int:
        """How many bytes the files of a chat have."""
        return int((await self._db.fetch(SIZE, chat=chat_id))[0].size or 0)

    async def count(self, chat_id: str) -> int:
        """How many files a chat has."""
        return int((await self._db.fetch(COUNT, chat=chat_id))[0].count)

    async def erase(self, chat_id: str) -> None:
        """Erase the files of a chat."""
        for row in await self._db.fetch(ALL, chat=chat_id):
            await in_thread(lambda name: (self._folder / name).unlink(missing_ok=True), row.id)
        await self._db.write(ERASE(chat=chat_id))

    def _row(self, chat_id: str, kept: Kept) -> Any:
        return ADD(**kept.shown(), chat_id=chat_id, at=self._clock.now())


def sniff(head: bytes) -> tuple[str, str]:
    """The kind and the type of a file, by its first bytes."""
    for at, sign, kind, mime in SIGNS:
        if head[at : at + len(sign)] == sign:
            return kind, mime
    return OTHER


def plain_name(name: str) -> str:
    """A name without a path and without characters that do not show."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable()).strip()[-LONGEST_NAME:] or "file"
