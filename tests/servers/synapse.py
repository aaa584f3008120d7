"""A real homeserver on loopback, with accounts for tests; one for all tests of a session."""

import asyncio
import contextlib
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp

NAME = "localhost"
SECRET = "only for tests"
PASSWORD = "a-password-that-stands-in-no-log"
STARTING = 60.0


running: list["Synapse"] = []
"""The homeserver of this session's tests, once it is there."""


class Synapse:
    """The server: data in a folder, a free port on 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and return when it takes connections. Blocks."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "homeserver.yaml"
        config.write_text(json.dumps(self._config()))
        command = [sys.executable, "-m", "synapse.app.homeserver", "--config-path", str(config)]
        generate = [*command, "--generate-keys"]
        subprocess.run(generate, check=True, capture_output=True, timeout=STARTING)
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, env=environ, start_new_session=True)
        give_up = time.monotonic() + STARTING
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > give_up:
                    raise RuntimeError(f"Synapse did not start: {self.log()[-2000:]}") from None
                time.sleep(0.05)  # nothing to wait on but the port itself

    def stop(self) -> None:
        """End it. Blocks for a moment."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(STARTING)

    def log(self) -> str:
        """What it has said."""
        return (self.folder / "log").read_text(errors="replace")

    async def register(self, user: str) -> str:
        """Make an account; its access token."""
        path = f"{self.url}/_synapse/admin/v1/register"
        async with aiohttp.ClientSession() as session:
            async with session.get(path) as answer:
                nonce = (await answer.json())["nonce"]
            mac = hmac.new(SECRET.encode(), "\0".join((nonce, user, PASSWORD, "notadmin")).encode(), hashlib.sha1)
            body = {"nonce": nonce, "username": user, "password": PASSWORD, "admin": False, "mac": mac.hexdigest()}
            async with session.post(path, json=body) as answer:
                told = await answer.json()
                assert answer.status == 200, told
        return str(told["access_token"])

    def _config(self) -> dict[str, Any]:
        free = {"per_second": 10_000, "burst_count": 10_000}
        return {
            "server_name": NAME,
            "pid_file": str(self.folder / "pid"),
            "listeners": [
                {"port": self.port, "type": "http", "tls": False, "bind_addresses": ["127.0.0.1"],
                 "resources": [{"names": ["client"]}]}
            ],
            "database": {"name": "sqlite3", "args": {"database": str(self.folder / "homeserver.db")}},
            "log_config": str(self._log_config()),
            "media_store_path": str(self.folder / "media"),
            "signing_key_path": str(self.folder / "signing.key"),
            "registration_shared_secret": SECRET,
            "macaroon_secret_key": SECRET,
            "form_secret": SECRET,
            "report_stats": False,
            "trusted_key_servers": [],
            "federation_domain_whitelist": [],
            "presence": {"enabled": False},
            "caches": {"sync_response_cache_duration": "0s"},  # else a first question gets an answer of minutes ago
            "url_preview_enabled": False,
            "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), free),
            "rc_invites": dict.fromkeys(("per_room", "per_user", "per_issuer"), free),
            "rc_message": free, "rc_registration": free, "rc_joins": {"local": free, "remote": free},
            "rc_joins_per_room": free, "rc_admin_redaction": free, "rc_room_creation": free,
            "bcrypt_rounds": 4,
        }  # fmt: skip

    def _log_config(self) -> Path:
        file = self.folder / "log.yaml"
        handler = {"class": "logging.StreamHandler"}
        config = {"version": 1, "handlers": {"out": handler}, "root": {"level": "WARNING", "handlers": ["out"]}}
        file.write_text(json.dumps(config))
        return file


@contextlib.contextmanager
def synapse(folder: Path) -> Iterator[Synapse]:
    """A running homeserver for the block. Blocks while it starts."""
    server = Synapse(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as made, synapse(Path(made)) as server:
        print(asyncio.run(server.register("ann")))
