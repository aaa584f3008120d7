"""Whole Rekku in a process that gets killed.

A nursery: it has only imported the code, and forks a child for each line that it reads, which brings up Rekku on
a home of its own. So a start costs no import, and each run is a process of its own that ends with it.
"""

import asyncio
import json
import logging
import os
import signal
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp  # noqa: F401 - a built-in engine imports it; here it is imported once for all children
import asyncmy  # noqa: F401 - likewise

from rekku.app import Rekku, running
from rekku.core.database import Write
from rekku.core.errors import StoreError
from rekku.plugins._event import tables as events
from rekku.store import outbox
from rekku.store.drivers import mariadb, sqlite  # noqa: F401 - likewise
from rekku.store.drivers.base import StoredDatabase
from tests.crash import death
from tests.crash.transitions import transition

QUIET, DEFERRED_LEFT, BROKEN = 0, 3, 4
LOOK = 0.02
"""Seconds between two looks whether all is quiet: what other processes see is the only sign of it."""

SOON = timedelta(seconds=70)
"""An event that is due so soon is waited for; a claim ends within that time too."""

_write = StoredDatabase.write


async def _watched_write(self: StoredDatabase, *writes: Write) -> list[int]:
    """The real thing, with a chance to die on both sides of it."""
    name = transition(writes)
    if name == "other":
        return await _write(self, *writes)
    death.point(f"before: {name}")
    rows = await _write(self, *writes)
    for write in writes:
        if write.statement is outbox.SENT:
            death.note("recorded", key=str(write.values["row"]), id=write.values["platform"], status=write.values["to"])
    death.point(f"after: {name}")
    return rows


async def _until_quiet(rekku: Rekku, tape: Any) -> int:
    """Wait until nothing is open: 0; DEFERRED_LEFT if only messages are left that wait for another try."""
    road = rekku.road
    quiet = 0
    while quiet < 2:
        await asyncio.sleep(LOOK)
        try:
            idle = tape.read_to_the_end and not road.inbox.running and not await road.outbox_store.waiting()
            idle = idle and not await rekku.database.fetch(events.DUE, now=datetime.now(UTC) + SOON, most=1)
            idle = idle and not await rekku.database.fetch(events.UNSETTLED, after="", most=1)
            waiting = await road.inbox_store.waiting()
        except StoreError:
            continue
        if idle and waiting and len(road.inbox._later) == waiting:
            return DEFERRED_LEFT
        quiet = quiet + 1 if idle and not waiting else 0
    return QUIET


async def _live(home: Path, environ: dict[str, str]) -> int:
    async with running(home, environ, edges=frozenset({"tape"})) as rekku:
        tape = next(component for component in rekku.registry if component.name == "tape")
        code = await _until_quiet(rekku, tape.members.instance)
        death.told()
        return code


def _be_a_child(plan: dict[str, Any]) -> int:
    home = Path(plan["home"])
    log = os.open(home / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for own, given in ((0, nothing), (1, log), (2, log)):
        os.dup2(given, own)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True)
    death.arm(home / "trace.jsonl", plan["run"], plan["point"], plan["nth"])
    StoredDatabase.write = _watched_write  # type: ignore[method-assign]
    logging.info("Run %d begins: %s", plan["run"], plan)
    try:
        return asyncio.run(_live(home, plan["environ"]))
    except BaseException:  # the last door of the process
        logging.exception("The run broke.")
        return BROKEN


def _run(plan: dict[str, Any]) -> int:
    """One life; how the process ended, as in `subprocess.Popen.returncode`."""
    pid = os.fork()
    if pid == 0:
        code = BROKEN
        try:
            code = _be_a_child(plan)
        finally:
            os._exit(code)
    killer = threading.Timer(plan["seconds"], os.kill, (pid, signal.SIGKILL))
    killer.start()
    _, status = os.waitpid(pid, 0)
    killer.cancel()
    killer.join()
    return os.waitstatus_to_exitcode(status)


def main() -> None:
    for line in sys.stdin:
        print(_run(json.loads(line)), flush=True)


if __name__ == "__main__":
    main()
