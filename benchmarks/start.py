"""How long Rekku takes to start, what it weighs then, and what the imports of a start cost.

    python -m benchmarks.start

Each start is a process of its own, from the command until it says that it is ready.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.messages import resident

READY = "Rekku is ready."
TIMES = 7
SETTLING = 1.0
"""Seconds after the start at which idle memory is read: what is imported in the background is there by then."""

_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|( +)(\S+)")


def ready_in(home: Path, given: Mapping[str, str]) -> tuple[float, float]:
    """Start `rekku run`, wait until it says that it is ready, and end it: seconds until then, idle MB afterwards."""
    began = time.perf_counter()
    process = subprocess.Popen(_rekku("run"), env=_environ(home, given), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith(READY):
                seconds = time.perf_counter() - began
                time.sleep(SETTLING)
                return seconds, resident(process.pid)
        raise RuntimeError("rekku run ended: " + "".join(said))
    finally:
        process.terminate()
        process.communicate()


def starts(given: Mapping[str, str], times: int = TIMES) -> tuple[float, float, float]:
    """Seconds until ready on a new home, then on one that is there (the median of each), and idle MB."""
    new, again, idle = [], [], []
    for _ in range(times):
        with tempfile.TemporaryDirectory(prefix="rekku-bench-") as folder:
            new.append(ready_in(Path(folder), given)[0])
            seconds, megabytes = ready_in(Path(folder), given)
            again.append(seconds)
            idle.append(megabytes)
    return statistics.median(new), statistics.median(again), statistics.median(idle)


def help_in(times: int = TIMES) -> float:
    """Seconds that `rekku --help` takes, the median."""
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run(_rekku("--help"), check=True, capture_output=True)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def slowest_imports(most: int = 10) -> list[tuple[str, float]]:
    """What is imported until Rekku is ready: the packages with the most time of their own, in milliseconds."""
    with tempfile.TemporaryDirectory(prefix="rekku-bench-") as folder:
        command = [sys.executable, "-X", "importtime", "-m", "rekku", "run"]
        process = subprocess.Popen(command, env=_environ(Path(folder), {}), stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        own: dict[str, float] = {}
        for line in process.stderr:
            if line.startswith(READY):
                break
            if found := _IMPORT.match(line):
                package = found[4].partition(".")[0]
                own[package] = own.get(package, 0.0) + int(found[1]) / 1e3
        process.terminate()
        process.communicate()
    return sorted(own.items(), key=lambda item: -item[1])[:most]


def _rekku(*arguments: str) -> Sequence[str]:
    return [sys.executable, "-m", "rekku", *arguments]


def _environ(home: Path, given: Mapping[str, str]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "REKKU_HOME": str(home), **given}


def main() -> None:
    """Print all of it."""
    new, again, idle = starts({})
    print(f"ready: {new:.2f} s on a new home, {again:.2f} s again; idle: {idle:.0f} MB; --help: {help_in():.3f} s")
    for package, milliseconds in slowest_imports():
        print(f"  {package:20} {milliseconds:6.1f} ms")


if __name__ == "__main__":
    main()
