"""The local socket of a running Rekku: a file in the home, which both of its ends have to find."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

NAME = "rekku.sock"
LONGEST = 100
"""Bytes of a path that every system takes; the kernel's own limit is 104 to 108."""


@contextlib.contextmanager
def reachable(home: Path) -> Iterator[str]:
    """The socket's path, through a link if it is too long for the kernel."""
    path = home / NAME
    if len(os.fsencode(path)) <= LONGEST:
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="rekku-", dir="/tmp") as folder:
        link = Path(folder) / "home"
        link.symlink_to(home, target_is_directory=True)
        yield str(link / NAME)
