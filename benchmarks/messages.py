"""What one message costs: CPU time of the whole process and wall time, against a model that answers at once.

    python -m benchmarks.messages CASE      # one case, described by a JSON object; prints its figures as JSON

`python -m benchmarks` runs all cases, each in a process of its own.
"""

import asyncio
import dataclasses
import gc
import json
import logging
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.whole import INSTANT, Whole, chats_at_once, whole

CHATS, EACH = 50, 20
WARM = 3
"""Messages in each chat before anything is measured."""

CORE_PLUGINS = "message_plugin,time_plugin"
"""What the road needs; what other plugins add is measured apart."""


@dataclass(frozen=True)
class Case:
    """What is measured. `given` are settings (DB_HOST…, OPENAI_BASE_URL); `rows` lines of history in each prompt;
    `plugins` those that are loaded, unless it is `all_plugins`."""

    database: str = "sqlite"
    engine: str = INSTANT
    streams: bool = False
    rows: int = 0
    one_after_the_other: int = 300
    rounds: int = 3
    many: int = 0
    core: int = -1
    all_plugins: bool = False
    plugins: str = CORE_PLUGINS
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Figures:
    """Milliseconds, messages per second on one core, and MB."""

    cpu_p50: float = 0.0
    cpu_p95: float = 0.0
    wall_p50: float = 0.0
    wall_p95: float = 0.0
    cpu: float = 0.0
    rate: float = 0.0
    idle: float = 0.0
    half: float = 0.0
    full: float = 0.0


async def measure(case: Case, home: Path) -> Figures:
    """All figures of a case."""
    given = {
        "ACTIVE_LLM": case.engine,
        "HISTORY_MESSAGES": str(case.rows),
        "OPENAI_STREAM": "on" if case.streams else "off",
        **({} if case.all_plugins else {"REKKU_PLUGINS": case.plugins}),
        **case.given,
    }
    figures = Figures()
    async with whole(home, given, streams=case.streams, chats=CHATS) as rekku:
        await rekku.remember(CHATS, case.rows)
        await chats_at_once(rekku, CHATS, WARM)
        if case.many:
            await _memory(rekku, case.many, figures)
        else:
            await _one_after_the_other(rekku, case.one_after_the_other, figures)
            await _at_once(rekku, case.rounds, figures)
        assert rekku.interface.arrived
    return figures


async def _one_after_the_other(rekku: Whole, count: int, figures: Figures) -> None:
    cpu, wall = [], []
    for _ in range(count):
        began_cpu, began = time.process_time(), time.perf_counter()
        await rekku.exchange(0)
        cpu.append((time.process_time() - began_cpu) * 1e3)
        wall.append((time.perf_counter() - began) * 1e3)
    figures.cpu_p50, figures.cpu_p95 = _percentiles(cpu)
    figures.wall_p50, figures.wall_p95 = _percentiles(wall)


async def _at_once(rekku: Whole, rounds: int, figures: Figures) -> None:
    """The median of some rounds of CHATS × EACH messages."""
    cpu, rate = [], []
    for _ in range(rounds):
        began_cpu, began = time.process_time(), time.perf_counter()
        await chats_at_once(rekku, CHATS, EACH)
        rate.append(CHATS * EACH / (time.perf_counter() - began))
        cpu.append((time.process_time() - began_cpu) / (CHATS * EACH) * 1e3)
    figures.cpu, figures.rate = statistics.median(cpu), statistics.median(rate)


async def _memory(rekku: Whole, many: int, figures: Figures) -> None:
    """Resident memory after the first messages, after half of `many`, and after all: what grows shows between these."""
    figures.idle = resident(os.getpid())
    for half in ("half", "full"):
        await chats_at_once(rekku, CHATS, many // 2 // CHATS)
        gc.collect()
        setattr(figures, half, resident(os.getpid()))


def resident(process: int) -> float:
    """The resident memory of a process, in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    kilobytes = next(line.split()[1] for line in lines if line.startswith("VmRSS:"))
    return int(kilobytes) / 1024


def _percentiles(values: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return statistics.median(values), cuts[18]


def main() -> None:
    """Measure the case that stands in the first argument."""
    case = Case(**json.loads(sys.argv[1]))
    logging.basicConfig(level=logging.WARNING)
    if case.core >= 0:
        os.sched_setaffinity(0, {case.core})
    with tempfile.TemporaryDirectory(prefix="rekku-bench-") as folder:
        figures = asyncio.run(measure(case, Path(folder)))
    print(json.dumps(dataclasses.asdict(figures)))


if __name__ == "__main__":
    main()
