"""The bare drivers: SQLite in a thread of its own, MariaDB over asyncmy."""
