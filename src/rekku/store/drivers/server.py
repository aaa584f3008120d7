"""Where a MariaDB is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class MariaServer:
    """Where a MariaDB is, and how to get in (`DB_HOST`, `DB_PORT`, `DB_USER`, `DB_PASS`, `DB_NAME`)."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str


def server_of(settings: Mapping[str, Any]) -> MariaServer | None:
    """The MariaDB that is set, or None for the file in the home."""
    if not settings["DB_HOST"]:
        return None
    return MariaServer(
        settings["DB_HOST"], settings["DB_PORT"], settings["DB_USER"], settings["DB_PASS"] or "", settings["DB_NAME"]
    )
