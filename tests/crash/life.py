"""A Rekku that is killed and started again: its home, what people write to it, and its runs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rekku.store.database import MariaServer

ROOT = Path(__file__).parents[2]
PARTS = Path(__file__).parent / "parts"
LIMIT = 60.0
"""Seconds after which a run that does not end counts as hung."""

KILLED, QUIET, DEFERRED_LEFT = -9, 0, 3
MOST_KILLS = 4
"""A message that five runs in a row could not finish is given up as poison; so many kills are allowed in a row."""

BATCH = (
    ("ann-2", "", True, "ann", "plain"),
    ("hall", "", False, "ann", "deed"),
    ("bob-1", "", True, "bob", "plain"),
    ("hall", "t", False, "ann", "early_deed"),
    ("bob-1", "", True, "bob", "plain"),
    ("loft", "", False, "bob", "late_deed"),
    ("cyd-1", "", True, "cyd", "deferred"),
    ("hall", "", False, "bob", "slow"),
    ("ann-1", "", True, "ann", "elsewhere"),
    ("hall", "t", False, "cyd", "late_note"),
    ("loft", "", False, "ann", "corrected"),
    ("bob-1", "", True, "bob", "command"),
    ("bob-1", "", True, "bob", "plain"),
    ("hall", "", False, "cyd", "plain"),
)
"""What is written before a run: chat, thread, whether direct, who, kind (see the scripted engine)."""


class Nursery:
    """The process that forks the runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def run(self, plan: dict[str, Any]) -> int:
        """One run; its return code, negative for a signal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(plan) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the process that starts Rekku has ended")
        return int(line)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery that lives as long as the block."""
    command = [sys.executable, "-m", "tests.crash.child"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Nursery(process)
        assert process.stdin is not None
        process.stdin.close()


@dataclass
class Life:
    """One home with its database, through all its runs."""

    home: Path
    server: MariaServer | None
    nursery: Nursery
    runs: int = 0
    kills: int = 0
    given: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder, part in (("interface", "tape"), ("llm_engines", "scripted"), ("plugins", "deeds")):
            (self.home / folder).mkdir(parents=True)
            shutil.copy(PARTS / f"{part}.py", self.home / folder)
        for name in ("in.jsonl", "trace.jsonl"):
            (self.home / name).touch()

    def write(self, batch: Sequence[tuple[str, str, bool, str, str]] = BATCH) -> None:
        """People write one of each kind of message (or what else is in the batch)."""
        first = len(self.given) + 1
        for number, (chat, thread, direct, user, kind) in enumerate(batch, first):
            self.given.append(
                {"number": number, "chat": chat, "thread": thread, "direct": direct, "user": user, "kind": kind}
            )
        with (self.home / "in.jsonl").open("a") as out:
            out.writelines(json.dumps(line) + "\n" for line in self.given[first - 1 :])

    def run(self, point: str = "", nth: int = 0, seconds: float = LIMIT) -> int:
        """Start Rekku; it dies at the `nth` point (of that name), or after so many seconds; else it ends when quiet."""
        self.runs += 1
        code = self.nursery.run(
            {
                "home": str(self.home),
                "environ": self._environ(),
                "run": self.runs,
                "point": point,
                "nth": nth,
                "seconds": seconds,
            }
        )
        if code == KILLED and (seconds < LIMIT or self._died()):
            self.kills += 1
        elif code not in (QUIET, DEFERRED_LEFT):
            raise RuntimeError(f"run {self.runs} ended with {code}; {self.home / 'log.txt'}:\n{self.log()}")
        return code

    def until_quiet(self) -> None:
        """Start Rekku until nothing is open any more."""
        for _ in range(3):
            if self.run() == QUIET:
                return
        raise RuntimeError(f"messages stay deferred; {self.home / 'log.txt'}:\n{self.log()}")

    def trace(self) -> list[dict[str, Any]]:
        """What the runs have written down."""
        return [json.loads(line) for line in (self.home / "trace.jsonl").read_text().splitlines()]

    def log(self) -> str:
        """The end of the log."""
        return (self.home / "log.txt").read_text(errors="replace")[-6000:]

    def _died(self) -> bool:
        return any(line["run"] == self.runs and line["what"] == "died" for line in self.trace())

    def _environ(self) -> dict[str, str]:
        environ = {
            "PATH": os.environ.get("PATH", ""),
            "KNOWN_IDS": "tape:ann,tape:bob,tape:cyd",
            "ACTIVE_LLM": "scripted",
            "TZ": "UTC",
            **self.settings,
        }
        if self.server is not None:
            environ |= {
                "DB_HOST": self.server.host,
                "DB_PORT": str(self.server.port),
                "DB_USER": self.server.user,
                "DB_PASS": self.server.password,
                "DB_NAME": self.server.name,
            }
        return environ
