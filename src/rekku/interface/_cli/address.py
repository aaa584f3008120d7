"""The local socket: a file in the home that only its owner may open."""

import os
import socket
import struct
from pathlib import Path

from rekku.core.errors import ConfigError
from rekku.platforms.local_socket import NAME, reachable

BACKLOG = 16


def listen(home: Path) -> socket.socket:
    """A listening socket in the home, mode 0600. Replaces what a killed process left; raises ConfigError if a live
    one listens there. Blocks for a moment: call it in a thread."""
    _remove_stale(home / NAME)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with reachable(home) as path:
            mask = os.umask(0o177)
            try:
                listener.bind(path)
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


def _remove_stale(path: Path) -> None:
    if not os.path.lexists(path):
        return
    if not path.is_socket():
        raise ConfigError(f"{path} is in the way: Rekku's local socket belongs there. Move it elsewhere.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            with reachable(path.parent) as short:
                probe.connect(short)
        except (ConnectionRefusedError, FileNotFoundError):
            path.unlink(missing_ok=True)
            return
    raise ConfigError(f"Another Rekku listens on {path}. Stop it first.")
