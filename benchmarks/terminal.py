"""What a command in the terminal costs beyond bash's own time: 1,000 commands over 8 shells, every tenth of them hangs.

    python -m benchmarks.terminal

Overhead is the time from the call to the answer of a command that takes no time itself (`:`), in milliseconds. The
hanging ones are killed; afterwards no process of theirs may be left.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from rekku.plugins._terminal import processes
from rekku.plugins._terminal.sandbox import Room, why_no_sandbox
from rekku.plugins._terminal.shell import Shell

SHELLS = 8
HANGS = 10
"""One command of so many hangs."""


async def use(room: Room, count: int, spent: list[float], starts: list[float], dead: list[Shell]) -> None:
    """One user, who runs so many commands one after the other, and notes how long each took in seconds."""
    shell = await _open(room, starts)
    for number in range(count):
        if number % HANGS == HANGS - 1:
            await shell.run("trap '' TERM INT HUP; sleep 1000 & setsid sleep 1000", 0.2)
            dead.append(shell)
            shell = await _open(room, starts)
            continue
        begun = time.perf_counter()
        await shell.run(":", 30)
        spent.append(time.perf_counter() - begun)
    await shell.kill()
    dead.append(shell)


async def _open(room: Room, starts: list[float]) -> Shell:
    begun = time.perf_counter()
    shell = Shell(room)
    await shell.run(":", 30)
    starts.append(time.perf_counter() - begun)
    return shell


async def measure(commands: int, sandbox: bool) -> str:
    """One line of figures."""
    spent: list[float] = []
    starts: list[float] = []
    dead: list[Shell] = []
    with tempfile.TemporaryDirectory() as folder:
        room = Room(Path(folder), sandbox, network=False)
        users = (use(room, commands // SHELLS, spent, starts, dead) for _ in range(SHELLS))
        await asyncio.gather(*users)
    orphans = sum(len(processes.leftovers(shell.pid, shell.token)) for shell in dead)
    per_cent = statistics.quantiles(spent, n=100)
    figures = (statistics.median(spent), per_cent[98], max(spent), statistics.median(starts))
    median, late, worst, start = (f"{1000 * seconds:.2f}" for seconds in figures)
    kind = "bubblewrap" if sandbox else "bare"
    return f"| {kind} | {len(spent)} | {len(dead) - SHELLS} | {median} | {late} | {worst} | {start} | {orphans} |"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--commands", type=int, default=1000)
    commands = parser.parse_args().commands
    print("| shell | commands | hanging | median ms | p99 ms | worst ms | a new shell, median ms | orphans |")
    print("|---|---|---|---|---|---|---|---|")
    for sandbox in (False, True):
        if sandbox and why_no_sandbox():
            print(f"| bubblewrap | – | – | – | – | – | – | {why_no_sandbox()} |")
        else:
            print(asyncio.run(measure(commands, sandbox)))


if __name__ == "__main__":
    main()
