"""The local socket: a file in the home that only its owner may open."""

import contextlib
import os
import socket
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rekku.core.errors import ConfigError

NAME = "rekku.sock"
BACKLOG = 16
LONGEST = 100
"""Bytes of a path that every system takes; the kernel's own limit is 104 to 108."""


def listen(home: Path) -> socket.socket:
    """A listening socket in the home, mode 0600. Replaces what a killed process left; raises ConfigError if a live
    one listens there. Blocks for a moment: call it in a thread."""
    _remove_stale(home / NAME)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with short(home) as path:
            mask = os.umask(0o177)
            try:
                listener.bind(str(path))
            finally:
                os.umask(mask)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ConfigError(f"Rekku cannot listen on {home / NAME}: {error.strerror}. Choose another home.") from error
    listener.setblocking(False)
    return listener


def remove(home: Path) -> None:
    """Take the socket's file away."""
    (home / NAME).unlink(missing_ok=True)


def from_same_user(connection: socket.socket) -> bool:
    """Whether the process at the other end runs as our user; where the system cannot tell, the file's mode decides."""
    if not (option := getattr(socket, "SO_PEERCRED", None)):
        return True
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i")))
    return bool(user == os.getuid())


@contextlib.contextmanager
def short(home: Path) -> Iterator[Path]:
    """The socket's path, through a link if it is too long for the kernel."""
    path = home / NAME
    if len(os.fsencode(path)) <= LONGEST:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="rekku-", dir="/tmp") as folder:
        link = Path(folder) / "home"
        link.symlink_to(home, target_is_directory=True)
        yield link / NAME


def _remove_stale(path: Path) -> None:
    if not os.path.lexists(path):
        return
    if not path.is_socket():
        raise ConfigError(f"{path} is in the way: Rekku's local socket belongs there. Move it elsewhere.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            with short(path.parent) as reachable:
                probe.connect(str(reachable))
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    raise ConfigError(f"Another Rekku listens on {path}. Stop it first.")
