"""Where a MariaDB is."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class MariaServer:
    """Where a MariaDB is, and how to get in (`DB_HOST`, `DB_PORT`, `DB_USER`, `DB_PASS`, `DB_NAME`)."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    name: str
