"""A real MariaDB for tests: the one that DB_HOST names, or a private one out of an installed mariadbd."""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rekku.store.database import MariaServer

BINARIES = ("mariadbd", "/usr/sbin/mariadbd", "/usr/local/sbin/mariadbd", "/opt/homebrew/bin/mariadbd")
SMALL = (
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=16M",
    "--key-buffer-size=1M",
    "--performance-schema=OFF",
    "--skip-log-bin",
    "--max-connections=200",
)
"""Little memory; how it flushes to disk is left as it is in earnest."""

STARTING = 60.0
WATCHDOG = """
import fcntl, os, shutil, signal, subprocess, sys
if os.fork():
    os._exit(0)
folder = sys.argv[1]
with open(folder + "/in-use") as in_use:
    fcntl.flock(in_use, fcntl.LOCK_EX)
    for line in subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True).stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        if "--datadir=" + folder + "/data" in command:
            os.kill(int(pid), signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)
"""
"""Waits until nobody holds the folder's lock any more, however they ended (a killed test run too), and cleans up."""

_started: list["PrivateMariaDB"] = []


class PrivateMariaDB:
    """A server of our own: data in a temporary folder, a free port on 127.0.0.1. `start`, `kill`, `stop` block."""

    def __init__(self, folder: Path, options: Sequence[str] = SMALL) -> None:
        self.folder = folder
        self._options = options
        self.user = "rekku"
        self.password = "only for tests"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running server."""
        assert self._process is not None
        return self._process.pid

    def server(self, name: str) -> MariaServer:
        """How to reach a database on it."""
        return MariaServer("127.0.0.1", self.port, self.user, self.password, name)

    def install(self) -> None:
        """Make the system tables and our user. Raises RuntimeError with what went wrong."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        installer = shutil.which("mariadb-install-db")
        if installer is None:
            raise RuntimeError("mariadb-install-db is not installed")
        command = [
            installer,
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self._temporary()}",
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
            *_as_user(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=STARTING, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"mariadb-install-db failed: {done.stdout[-500:]}{done.stderr[-500:]}")
        (self.folder / "init.sql").write_text(
            f"CREATE USER IF NOT EXISTS '{self.user}'@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL ON *.* TO '{self.user}'@'127.0.0.1' WITH GRANT OPTION;\n"
        )

    def _temporary(self) -> Path:
        """A folder of its own for temporary tables: in /tmp two servers take each other's away."""
        folder = self.folder / "tmp"
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def start(self) -> None:
        """Start, and return when it takes connections."""
        command = [
            mariadbd() or "mariadbd",
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self._temporary()}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            f"--socket={self.folder / 's'}",
            f"--pid-file={self.folder / 'pid'}",
            f"--init-file={self.folder / 'init.sql'}",
            *self._options,
            *_as_user(),
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        give_up = time.monotonic() + STARTING
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
                    if probe.recv(5):  # its greeting
                        return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > give_up:
                    raise RuntimeError(f"mariadbd did not start: {self.log()[-800:]}") from None
                time.sleep(0.02)  # nothing to wait on but the port itself

    def log(self) -> str:
        """What the server has said."""
        return (self.folder / "log").read_text(errors="replace")

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait until it is gone."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            self._process.wait(STARTING)


def mariadbd() -> str | None:
    """The installed server program."""
    return next((found for name in BINARIES if (found := shutil.which(name))), None)


def given_server() -> MariaServer | None:
    """The server that the environment names."""
    host = os.environ.get("DB_HOST", "")
    if not host:
        return None
    return MariaServer(
        host,
        int(os.environ.get("DB_PORT") or 3306),
        os.environ.get("DB_USER", "root"),
        os.environ.get("DB_PASS", ""),
        os.environ.get("DB_NAME", "rekku"),
    )


def absent(reason: str) -> None:
    """Skip the test, or fail it in CI, where MariaDB must be there."""
    if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
        pytest.fail(f"needs MariaDB: {reason}", pytrace=False)
    pytest.skip(f"needs MariaDB: {reason}")


@contextlib.contextmanager
def private_server(options: Sequence[str] = SMALL) -> Iterator[PrivateMariaDB]:
    """A server for one test that wants to hurt it."""
    if mariadbd() is None:
        absent("no mariadbd is installed")
    private = PrivateMariaDB(_watched_folder(), options)
    with _used(private.folder):
        private.install()
        private.start()
        try:
            yield private
        finally:
            private.kill()


@contextlib.contextmanager
def shared_server(common: Path) -> Iterator[MariaServer]:
    """One server for all workers of a test run; it ends when the last of them has. `common` is their folder."""
    given = given_server()
    if given is not None:
        yield given
        return
    if mariadbd() is None:
        absent("DB_HOST is not set and no mariadbd is installed")
    note = common / "mariadb.json"
    with contextlib.ExitStack() as stack:
        with _locked(common):
            known = _still_there(note, stack)
            if known is None:
                known = _start_shared(stack)
                note.write_text(json.dumps(known))
        yield MariaServer("127.0.0.1", known["port"], known["user"], known["password"], "rekku")


def _still_there(note: Path, stack: contextlib.ExitStack) -> dict[str, Any] | None:
    """The server of another worker, kept from ending while we use it."""
    if not note.exists():
        return None
    known: dict[str, Any] = json.loads(note.read_text())
    try:
        stack.enter_context(_used(Path(known["folder"])))
    except OSError:  # its last user has left, and it is being cleaned up
        return None
    return known


def _start_shared(stack: contextlib.ExitStack) -> dict[str, Any]:
    private = PrivateMariaDB(_watched_folder())
    stack.enter_context(_used(private.folder))
    private.install()
    private.start()
    _started.append(private)
    return {
        "port": private.port,
        "user": private.user,
        "password": private.password,
        "folder": str(private.folder),
    }


def _watched_folder() -> Path:
    """A folder (its path short enough for a socket in it) that the watchdog removes, with the server in it."""
    folder = Path(tempfile.mkdtemp(prefix="rekku-db-"))
    (folder / "in-use").touch()
    return folder


@contextlib.contextmanager
def _used(folder: Path) -> Iterator[None]:
    with (folder / "in-use").open() as in_use:
        fcntl.flock(in_use, fcntl.LOCK_SH | fcntl.LOCK_NB)
        subprocess.run(
            [sys.executable, "-c", WATCHDOG, str(folder)],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        yield


@contextlib.contextmanager
def _locked(common: Path) -> Iterator[None]:
    with (common / "mariadb.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _as_user() -> tuple[str, ...]:
    return ("--user=root",) if os.geteuid() == 0 else ()
