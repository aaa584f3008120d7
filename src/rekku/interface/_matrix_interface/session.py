"""Who Rekku is on its homeserver: logged in once, and the same device ever after."""

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nio import AsyncClient, AsyncClientConfig, LoginResponse, WhoamiResponse
from nio.crypto import ENCRYPTION_ENABLED

from rekku.core.members import in_thread

log = logging.getLogger(__name__)

DEVICE = "Rekku"
REFUSED = "the homeserver does not accept MATRIX_USER with MATRIX_PASSWORD"
TOKEN_REFUSED = "the homeserver does not accept MATRIX_TOKEN"


class NotLoggedInError(Exception):
    """The homeserver does not let Rekku in; the message says why."""


@dataclass(frozen=True, slots=True)
class Login:
    """What the owner has set: a password or a token."""

    homeserver: str
    user: str
    password: str
    token: str


async def logged_in(login: Login, folder: Path) -> AsyncClient:
    """A client that is logged in. Raises NotLoggedInError, or what the network raises."""
    config = AsyncClientConfig(
        encryption_enabled=ENCRYPTION_ENABLED, store_sync_tokens=False, max_limit_exceeded=0, max_timeouts=0
    )
    store = folder / "keys"
    await in_thread(_make, store)
    client = AsyncClient(login.homeserver, login.user, store_path=str(store), config=config)
    try:
        await _let_in(client, login, folder / "session.json")
    except BaseException:
        await client.close()
        raise
    return client


async def forget(folder: Path) -> None:
    """The homeserver has ended the session: the next login makes a new one."""
    await in_thread((folder / "session.json").unlink, True)


async def _let_in(client: AsyncClient, login: Login, file: Path) -> None:
    kept = await in_thread(_read, file)
    if login.token:
        client.access_token = login.token
        told = await client.whoami()
        if not isinstance(told, WhoamiResponse):
            raise NotLoggedInError(_why(told, TOKEN_REFUSED))
        await in_thread(client.restore_login, told.user_id, told.device_id or DEVICE, login.token)
    elif kept and (kept["homeserver"], kept["user"]) == (login.homeserver, login.user):
        await in_thread(client.restore_login, kept["user_id"], kept["device_id"], kept["access_token"])
    else:
        told = await client.login(login.password, device_name=DEVICE)
        if not isinstance(told, LoginResponse):
            raise NotLoggedInError(_why(told, REFUSED))
        session = {"user_id": told.user_id, "device_id": told.device_id, "access_token": told.access_token}
        await in_thread(_write, file, {"homeserver": login.homeserver, "user": login.user, **session})


def _why(told: Any, words: str) -> str:
    known = ("M_FORBIDDEN", "M_UNKNOWN_TOKEN", "M_MISSING_TOKEN", "M_USER_DEACTIVATED")
    return words if told.status_code in known else f"the homeserver does not let Rekku in: {told.message}"


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)


def _read(file: Path) -> dict[str, str] | None:
    try:
        found: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _write(file: Path, session: dict[str, str]) -> None:
    new = file.with_suffix(".new")
    with open(new, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as handle:
        json.dump(session, handle)
    new.replace(file)
