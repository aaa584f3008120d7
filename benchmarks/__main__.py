"""Every figure of Rekku's own cost, as the tables of README.md.

    make bench                    # some four minutes
    make bench ARGS=--quick       # about a minute, coarser

MariaDB is measured on a private server if `mariadbd` is installed.
"""

import argparse
import dataclasses
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.servers.mariadb import PrivateMariaDB, mariadbd, private_server

from benchmarks.messages import CORE_PLUGINS, Case, Figures
from benchmarks.start import help_in, slowest_imports, starts
from benchmarks.whole import INSTANT, REPLY

ROOT = Path(__file__).parents[1]
OPENAI = "openai_chatgpt"
ENGINES = {INSTANT: "in process", OPENAI: "HTTP"}
TURNS = (0, 50)
MEMORIES = ("ai_diary", "bio_manager")
MANY = 10_000
PAST = 2
"""Lines of history per turn."""

HEAD = (
    "| database | model | history | streams | CPU p50 | CPU p95 | wall p50 | wall p95 | 50 chats: CPU | messages/s |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


def main() -> None:
    """Measure, and print Markdown."""
    parser = argparse.ArgumentParser(description="What Rekku costs.", prog="python -m benchmarks")
    parser.add_argument("--quick", action="store_true", help="fewer messages and starts")
    parser.add_argument("--all-plugins", action="store_true", help="with every built-in plugin, not only the core's")
    arguments = parser.parse_args()
    quick, everything = arguments.quick, arguments.all_plugins
    print(_machine())
    with ExitStack() as closing:
        model = {"OPENAI_BASE_URL": closing.enter_context(model_server()), "OPENAI_API_KEY": "none"}
        maria = closing.enter_context(private_server()) if mariadbd() else None
        _print_messages(model, maria, quick, everything)
        _print_memory(model, quick, everything)
        if everything:
            _print_memories(maria, quick)
    _print_starts(model, quick)


def _print_messages(model: Mapping[str, str], maria: PrivateMariaDB | None, quick: bool, everything: bool) -> None:
    print("\nPer message, in milliseconds:\n", *HEAD, sep="\n")
    databases = ("sqlite", "mariadb") if maria else ("sqlite",)
    for number, (database, engine, turns, streams) in enumerate(
        itertools.product(databases, ENGINES, TURNS, (False, True))
    ):
        case = Case(
            database,
            engine,
            streams,
            turns * PAST,
            one_after_the_other=100 if quick else 500,
            rounds=1 if quick else 5,
            core=_core(),
            all_plugins=everything,
            given={**(model if engine == OPENAI else {}), **_where(maria, f"bench{number}", database)},
        )
        found = figures(case)
        past = f"{turns} turns" if turns else "empty"
        name = f"| {database} | {ENGINES[engine]} | {past} | {'yes' if streams else 'no'} |"
        alone = f" {found.cpu_p50:.2f} | {found.cpu_p95:.2f} | {found.wall_p50:.2f} | {found.wall_p95:.2f} |"
        print(f"{name}{alone} {found.cpu:.2f} | {found.rate:.0f} |", flush=True)


def _print_memories(maria: PrivateMariaDB | None, quick: bool) -> None:
    """What the diary and the bios add to a message, each against the same run without them."""
    print("\n| what it adds | database | CPU p50 | wall p50 | 50 chats: CPU |", "|---|---|---|---|---|", sep="\n")
    for number, database in enumerate(("sqlite", "mariadb") if maria else ("sqlite",)):
        found = []
        for more, plugins in enumerate((CORE_PLUGINS, *(f"{CORE_PLUGINS},{name}" for name in MEMORIES))):
            case = Case(
                database,
                one_after_the_other=100 if quick else 500,
                rounds=1 if quick else 5,
                core=_core(),
                plugins=plugins,
                given=_where(maria, f"memory{number}_{more}", database),
            )
            found.append(figures(case))
        bare = found[0]
        print(
            f"| (without both) | {database} | {bare.cpu_p50:.2f} | {bare.wall_p50:.2f} | {bare.cpu:.2f} |", flush=True
        )
        for name, some in zip(MEMORIES, found[1:], strict=True):
            added = (
                f"{some.cpu_p50 - bare.cpu_p50:.2f} | {some.wall_p50 - bare.wall_p50:.2f} | {some.cpu - bare.cpu:.2f}"
            )
            print(f"| {name} | {database} | {added} |", flush=True)


def _print_memory(model: Mapping[str, str], quick: bool, everything: bool) -> None:
    many = MANY // 10 if quick else MANY
    print(
        f"\n| memory in MB, SQLite | at first | {many // 2} messages | {many} messages |", "|---|---|---|---|", sep="\n"
    )
    for engine, name in ENGINES.items():
        given = model if engine == OPENAI else {}
        found = figures(Case(engine=engine, rows=10, many=many, core=_core(), all_plugins=everything, given=given))
        print(f"| {name} | {found.idle:.1f} | {found.half:.1f} | {found.full:.1f} |", flush=True)


def _print_starts(model: Mapping[str, str], quick: bool) -> None:
    times = 2 if quick else 9
    print("\n| start | ready, new home | ready, again | idle |", "|---|---|---|---|", sep="\n")
    for name, given in (("no model", {}), ("a model server", model)):
        new, again, idle = starts(given, times)
        print(f"| {name} | {new:.2f} s | {again:.2f} s | {idle:.0f} MB |", flush=True)
    print(f"\n`rekku --help`: {help_in(times):.3f} s.")
    imports = ", ".join(f"{package} {milliseconds:.0f}" for package, milliseconds in slowest_imports())
    print(f"Imports of a start, in ms (measuring slows them down): {imports}.")


def figures(case: Case) -> Figures:
    """Measure a case in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.messages", json.dumps(dataclasses.asdict(case))]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return Figures(**json.loads(done.stdout))


@contextmanager
def model_server() -> Iterator[str]:
    """The address of a model server on loopback, in a process of its own."""
    command = [sys.executable, str(ROOT / "tests" / "servers" / "openai_server.py"), "0", REPLY]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().split()[1]
    finally:
        server.terminate()
        server.communicate()


def _where(maria: PrivateMariaDB | None, name: str, database: str) -> dict[str, str]:
    if maria is None or database != "mariadb":
        return {}
    server = maria.server(name)
    return {
        "DB_HOST": server.host,
        "DB_PORT": str(server.port),
        "DB_USER": server.user,
        "DB_PASS": server.password,
        "DB_NAME": server.name,
    }


def _core() -> int:
    """The core that is measured: the last one; servers run on the others, as far as there are any."""
    return max(os.sched_getaffinity(0))


def _machine() -> str:
    known = Path("/proc/cpuinfo").read_text().splitlines()
    cpu = next((line.partition(": ")[2] for line in known if line.startswith("model name")), platform.machine())
    return (
        f"{cpu}, {os.cpu_count()} cores; Linux {platform.release()}; Python {platform.python_version()}; "
        f"4 KB written and synced to disk in {_sync():.2f} ms."
    )


def _sync(times: int = 200) -> float:
    """Milliseconds that the disk takes for 4 KB, the median."""
    took = []
    with tempfile.NamedTemporaryFile() as file:
        for _ in range(times):
            file.write(b"x" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - began) * 1e3)
    return statistics.median(took)


if __name__ == "__main__":
    main()
