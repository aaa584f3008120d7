"""Where and when the process under test dies, and the trace that survives it."""

import json
import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Death:
    """What this process writes down, and the point at which it kills itself: the `nth` one of that name, or of all."""

    trace: int = -1
    run: int = 0
    name: str = ""
    nth: int = 0
    reached: Counter[str] = field(default_factory=Counter)


_mine = Death()


def arm(trace: Path, run: int, name: str, nth: int) -> None:
    """Begin run number `run`; with `nth` 0 it does not kill itself."""
    _mine.trace = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    _mine.run, _mine.name, _mine.nth = run, name, nth


def point(name: str) -> None:
    """A place on the road; it is the last one if the plan says so."""
    _mine.reached[name] += 1
    count = _mine.reached[name] if _mine.name else _mine.reached.total()
    if _mine.nth and count == _mine.nth and _mine.name in ("", name):
        note("died", at=name)
        os.kill(os.getpid(), signal.SIGKILL)


def note(what: str, **facts: Any) -> None:
    """Add a line to the trace: it is in the kernel's hands when this returns, whatever becomes of the process."""
    line = json.dumps({"run": _mine.run, "what": what, **facts})
    os.write(_mine.trace, line.encode() + b"\n")


def note_on_disk(what: str, **facts: Any) -> None:
    """The same, and on the disk: for what stands for the world outside."""
    note(what, **facts)
    os.fsync(_mine.trace)


def number() -> int:
    """Of this run."""
    return _mine.run


def told() -> None:
    """Write down which points were reached."""
    note("reached", points=dict(_mine.reached))
