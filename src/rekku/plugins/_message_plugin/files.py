"""The folder of files that Rekku may send: what is in it, and nothing that a name or a link leads to elsewhere."""

import mimetypes
import os
import stat
from pathlib import Path

from rekku.core.errors import ActionError
from rekku.core.message import Attachment

LARGEST = 20_000_000
"""Bytes of one file."""
SHOWN = 10


def read(folder: Path, name: str) -> Attachment | None:
    """The file of that name in the folder; None if there is none. Raises ActionError for one that may not be sent."""
    root = folder.resolve()
    try:
        path = (root / name).resolve(strict=True)
        if not path.is_relative_to(root):
            return None
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode) or not _still_inside(handle, root):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as file:
        if found.st_size > LARGEST:
            raise ActionError(f"payload.files: {name!r} is larger than {LARGEST // 1_000_000} MB")
        data = file.read(LARGEST)
    mime = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    kind = mime.split("/", 1)[0]
    return Attachment(kind if kind in ("image", "audio", "video") else "file", path.name, mime, data)


def listed(folder: Path) -> str:
    """The names of the newest files, in words."""
    found = sorted((f for f in folder.glob("*") if f.is_file()), key=lambda f: f.stat().st_mtime, reverse=True)
    names = ", ".join(repr(file.name) for file in found[:SHOWN])
    return f"{names} and {len(found) - SHOWN} more" if len(found) > SHOWN else names or "nothing"


def _still_inside(handle: int, root: Path) -> bool:
    """Whether what was opened is in the folder: the shell that works there may swap links meanwhile."""
    try:
        return Path(os.readlink(f"/proc/self/fd/{handle}")).is_relative_to(root)
    except OSError:  # no such folder here (macOS): the check by name has to do
        return True
