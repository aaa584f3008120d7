"""The database goes away for a while, and reminders are due meanwhile."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass

from tests.crash.life import QUIET, Life
from tests.crash.reminders import Reminders
from tests.crash.verdict import Verdict
from tests.servers.mariadb import PrivateMariaDB

BEFORE, STEP = 5, 5
"""Seconds until it goes away, and between two lots of reminders that are due."""


@dataclass
class Away:
    """What an outage did: the verdict, and how many seconds late a reminder was at most, the outage left out."""

    verdict: Verdict
    latest: float


def gone_for(life: Life, seconds: int, server: PrivateMariaDB | None) -> Away:
    """Take the database away from a running Rekku: kill the server, or (None) lock the SQLite file."""
    reminders = Reminders(life)
    for ahead in range(BEFORE, BEFORE + seconds + 2 * STEP, STEP):
        reminders.ask(life, ahead=ahead)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(life.run, seconds=seconds + 120)
        time.sleep(BEFORE)
        with _locked(life) if server is None else _down(server):
            time.sleep(seconds)
        back = time.time()
        code = run.result()
    verdict = reminders.judge()
    if code != QUIET:
        verdict.problems.append(f"it ended with {code}")
    away = back - seconds
    latest = max(said - (due if not away < due < back else back) for due, said in reminders.times())
    return Away(verdict, latest)


@contextmanager
def _down(server: PrivateMariaDB) -> Iterator[None]:
    server.kill()
    try:
        yield
    finally:
        server.start()


@contextmanager
def _locked(life: Life) -> Iterator[None]:
    with closing(sqlite3.connect(life.home / "data" / "rekku.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
