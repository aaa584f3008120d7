"""Where log records go: to standard error, or to a file while somebody chats on this terminal."""

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

from rekku.redaction import Redaction

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
FILE_BYTES = 5_000_000
FILES_KEPT = 3
CHATTY = ("aiohttp.access", "asyncio", "httpcore", "httpx", "sqlalchemy", "telegram", "urllib3", "watchfiles")
"""Libraries that log every step, or URLs with tokens in them."""


def set_up(level: str, redaction: Redaction, file: Path | None = None) -> None:
    """Send all records of `level` and above to `file`, or to standard error; replaces what was set up before."""
    handler: logging.Handler
    if file is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        handler = RotatingFileHandler(file, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(FORMAT))
    handler.addFilter(redaction)
    root = logging.getLogger()
    for old in tuple(root.handlers):
        if isinstance(old, logging.StreamHandler) and any(isinstance(f, Redaction) for f in old.filters):
            root.removeHandler(old)
            old.close()
    root.addHandler(handler)
    root.setLevel(level)
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.captureWarnings(True)
