"""Real shells for tests, bare and in the sandbox."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from rekku.plugins._terminal import processes
from rekku.plugins._terminal.sandbox import Room, why_no_sandbox
from rekku.plugins._terminal.shell import Shell, State

KINDS = [
    "bare",
    pytest.param("sandboxed", marks=pytest.mark.skipif(bool(why_no_sandbox()), reason=why_no_sandbox())),
]
Open = Callable[[], Shell]

linux_only = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="these tests look into /proc")


@pytest.fixture(params=KINDS)
async def opened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    """Opens shells, with and without the sandbox; afterwards nothing of them may be left."""
    room = Room(tmp_path, request.param == "sandboxed", network=False)
    shells: list[Shell] = []

    def open_one() -> Shell:
        shells.append(Shell(room))
        return shells[-1]

    yield open_one
    for shell in shells:
        await shell.kill()
    assert not orphans(shells)


def orphans(shells: list[Shell]) -> list[int]:
    """What lives of shells that should be gone."""
    return [pid for shell in shells for pid in processes.leftovers(shell.pid, shell.token)]


def running(shell: Shell) -> set[str]:
    """The names of the programs that run in a shell."""
    names = set()
    for pid in processes.descendants(shell.pid):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            names.add(Path(f"/proc/{pid}/comm").read_text().strip())
    return names


async def until(fact: Callable[[], bool]) -> None:
    """Wait for something that tells nobody."""
    async with asyncio.timeout(10):
        while not fact():  # noqa: ASYNC110 - what is looked at tells nobody
            await asyncio.sleep(0.001)


async def done(shell: Shell, command: str, typed: str | None = None) -> tuple[str, int | None]:
    """Output and exit status of a command that ends by itself."""
    ran = await shell.run(command, 10, typed)
    assert ran.state is State.DONE
    return ran.output, ran.status
