"""The thread that owns a SQLite connection: what waits together is committed together."""

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rekku.core.errors import StoreError
from rekku.store.drivers.base import refused
from rekku.store.drivers.sqlite_connection import BROKEN, broken, code_of, open_connection, opening_failed
from rekku.store.drivers.statements import Call, Rows

log = logging.getLogger(__name__)

TRANSIENT = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
"""Errors of the file or the disk, not of the statement; they may pass."""


@dataclass(eq=False, slots=True)
class Job:
    """Work for the thread. `calls` are made in one transaction if `writes`; else there is one, and it reads."""

    calls: Sequence[Call]
    writes: bool
    future: "asyncio.Future[Any]"


@dataclass(eq=False, slots=True)
class Exclusive:
    """A transaction that has the thread to itself until it ends or its time is over."""

    opened: "asyncio.Future[None]"
    limit: float
    jobs: "queue.SimpleQueue[Job | End]" = field(default_factory=queue.SimpleQueue)
    waiting: "set[asyncio.Future[Any]]" = field(default_factory=set)
    over: str = ""

    def end(self, why: str) -> None:
        """On the loop: nothing more will be answered."""
        self.over = why
        for future in self.waiting:
            if not future.done():
                future.set_exception(StoreError(why))


@dataclass(eq=False, slots=True)
class End:
    """The end of a transaction."""

    commit: bool
    future: "asyncio.Future[None] | None"


_Answer = tuple["asyncio.Future[Any]", Any, BaseException | None]


def _resolve(answers: Sequence[_Answer]) -> None:
    for future, result, error in answers:
        if future.done():
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


class SqliteThread(threading.Thread):
    """Owns the connection. Jobs come in by `jobs`; answers go back to the loop, all of a round in one call."""

    def __init__(self, file: Path, patience: float, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name="sqlite", daemon=True)
        self.jobs: queue.SimpleQueue[Job | Exclusive | None] = queue.SimpleQueue()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._file = file
        self._patience = patience
        self._loop = loop
        self._hurry = threading.Event()
        self._db: sqlite3.Connection

    def hurry(self) -> None:
        """Rekku is stopping: try what is left once more, but wait no longer."""
        self._hurry.set()

    def run(self) -> None:
        try:
            self._db = open_connection(self._file)
        except Exception as error:  # noqa: BLE001 - carried to the caller of open_database
            self._tell([(self.opened, None, opening_failed(self._file, error))])
            return
        self._tell([(self.opened, None, None)])
        try:
            while self._round():
                pass
        finally:
            self._db.close()
            self._tell([(self.closed, None, None)])

    def _round(self) -> bool:
        """Do everything that waits; False when the thread has been asked to end."""
        batch: list[Job] = []
        last: Job | Exclusive | None = self.jobs.get()
        while isinstance(last, Job):
            batch.append(last)
            try:
                last = self.jobs.get_nowait()
            except queue.Empty:
                break
        if batch:
            self._tell(self._do(batch))
        if isinstance(last, Exclusive):
            self._serve(last)
        return last is not None

    def _do(self, batch: Sequence[Job]) -> list[_Answer]:
        answers: list[_Answer] = []
        writes = []
        for job in batch:
            if job.writes:
                writes.append(job)
            else:
                answers.append(self._answer(job, self._read, job.calls[0]))
        if len(writes) == 1:
            answers.append(self._answer(writes[0], self._commit, writes))
        elif writes:
            answers.extend(self._group(writes))
        return answers

    def _group(self, jobs: Sequence[Job]) -> list[_Answer]:
        """All of them in one commit; if one of them fails, each in its own."""
        try:
            counts = self._patiently(self._commit, jobs)
        except StoreError as error:
            return [(job.future, None, error) for job in jobs]
        except Exception:  # noqa: BLE001 - each job is tried again alone, and its own error goes to its caller
            return [self._answer(job, self._commit, [job]) for job in jobs]
        results = iter(counts)
        return [(job.future, [next(results) for _ in job.calls], None) for job in jobs]

    def _answer(self, job: Job, do: Callable[[Any], Any], argument: Any) -> _Answer:
        try:
            return job.future, self._patiently(do, argument), None
        except Exception as error:  # noqa: BLE001 - carried to the caller
            return job.future, None, error

    def _read(self, call: Call) -> Rows:
        cursor = self._execute(call)
        return cursor.fetchall(), [column[0] for column in cursor.description or ()]

    def _commit(self, jobs: Sequence[Job]) -> list[int]:
        calls = [call for job in jobs for call in job.calls]
        if len(calls) == 1:
            return [self._execute(calls[0]).rowcount]  # a single statement is its own transaction
        db = self._db
        try:
            db.execute("BEGIN IMMEDIATE")
            counts = [self._execute(call).rowcount for call in calls]
            db.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return counts

    def _execute(self, call: Call) -> sqlite3.Cursor:
        try:
            return self._db.execute(*call)
        except sqlite3.DatabaseError as error:
            if code_of(error) in TRANSIENT:
                raise
            if code_of(error) in BROKEN:
                raise StoreError(broken(self._file)) from error
            raise refused(error, call[0], integrity=isinstance(error, sqlite3.IntegrityError)) from error

    def _patiently(self, do: Callable[[Any], Any], argument: Any) -> Any:
        """Do it, again while the file is locked or the disk has a problem, within the patience."""
        give_up: float | None = None
        while True:
            try:
                return do(argument)
            except sqlite3.DatabaseError as error:
                if code_of(error) not in TRANSIENT:
                    raise StoreError(f"The database {self._file} failed: {error}") from error
                now = time.monotonic()
                if give_up is None:
                    log.warning("The database waits: %s", error)
                    give_up = now + self._patience
                if now >= give_up or self._hurry.is_set():
                    raise StoreError(
                        f"The database {self._file} cannot be used: {error}. Check that the disk has room, "
                        "that the file may be written, and that no other program has it locked."
                    ) from error
                self._hurry.wait(0.05)

    def _serve(self, turn: Exclusive) -> None:
        """Serve one transaction until it ends, or roll it back when its time is over."""
        try:
            self._patiently(self._db.execute, "BEGIN IMMEDIATE")
        except Exception as error:  # noqa: BLE001 - carried to the caller
            self._tell([(turn.opened, None, error)])
            return
        self._tell([(turn.opened, None, None)])
        deadline = time.monotonic() + turn.limit
        while True:
            try:
                job = turn.jobs.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                self._roll_back()
                why = f"A transaction was open for more than {turn.limit:g} s and was rolled back."
                self._loop.call_soon_threadsafe(turn.end, why)
                return
            if isinstance(job, End):
                self._finish(job)
                return
            do = (lambda calls: [self._execute(c).rowcount for c in calls]) if job.writes else self._read_first
            self._tell([self._answer(job, do, job.calls)])

    def _read_first(self, calls: Sequence[Call]) -> Rows:
        return self._read(calls[0])

    def _finish(self, end: End) -> None:
        error: BaseException | None = None
        if end.commit:
            try:
                self._patiently(self._db.execute, "COMMIT")
            except Exception as failed:  # noqa: BLE001 - carried to the caller
                error = failed
        if self._db.in_transaction:
            self._roll_back()
        if end.future is not None:
            self._tell([(end.future, None, error)])

    def _roll_back(self) -> None:
        if not self._db.in_transaction:
            return
        try:
            self._db.execute("ROLLBACK")
        except sqlite3.Error:
            log.exception("A transaction could not be rolled back; SQLite does it when the file is next opened")

    def _tell(self, answers: Sequence[_Answer]) -> None:
        if self._loop.is_closed():
            log.warning("The event loop ended before the database was closed")
            return
        self._loop.call_soon_threadsafe(_resolve, answers)
