"""The real terminal interface on a host that is a fake, and `rekku` as a process."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rekku.chat.connection import Connection, connect
from rekku.core.clock import SystemClock
from rekku.core.desk import Desk
from rekku.core.errors import RekkuError
from rekku.core.message import Message
from rekku.core.turn import Outcome
from rekku.interface.cli import CliInterface

Script = Callable[[CliInterface, Message], Coroutine[Any, Any, Outcome]]


async def echo(interface: CliInterface, message: Message) -> Outcome:
    """Say back what was said."""
    await interface.send_message({"target": "local", "text": f"you said {message.text}"}, message)
    return Outcome.ANSWERED


class FakeReceipt:
    """A message that is dealt with by the script."""

    turn_id = 1

    def __init__(self, work: "asyncio.Task[Outcome]") -> None:
        self._work = work

    async def outcome(self) -> Outcome:
        return await self._work


class FakeHost:
    """As much of Rekku as the terminal interface needs."""

    name = "cli"

    def __init__(self, home: Path, script: Script = echo) -> None:
        self.home = home
        self.clock = SystemClock()
        self.desk = Desk()
        self.script = script
        self.heard: list[Message] = []
        self.reachable_calls = 0
        self.greetings = asyncio.Semaphore(0)
        self.refusal: RekkuError | None = None
        self.interface = CliInterface()
        self.interface.host = self  # type: ignore[assignment]
        self.tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        task = asyncio.create_task(work, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def receive(self, message: Message) -> FakeReceipt:
        if self.refusal:
            raise self.refusal
        self.heard.append(message)
        return FakeReceipt(self.spawn(self.script(self.interface, message), "turn"))

    def reachable(self, chat_id: str | None = None) -> None:
        self.reachable_calls += 1
        self.greetings.release()

    async def end(self) -> None:
        for task in tuple(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.interface.stop()


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[FakeHost]:
    """A started terminal interface in a home of its own."""
    fake = FakeHost(tmp_path)
    await fake.interface.start()
    yield fake
    await fake.end()


class Peer:
    """A client that keeps what it got."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.got: list[dict[str, Any]] = []

    async def until(self, kind: str) -> dict[str, Any]:
        """The next record of that kind; those before it are kept in `got`."""
        async with asyncio.timeout(10):
            async for record in self.connection.records():
                self.got.append(record)
                if record["type"] == kind:
                    return record
        raise AssertionError(f"hung up before a {kind}: {self.got}")


@pytest.fixture
async def peer(host: FakeHost) -> AsyncIterator[Peer]:
    """A client that has said hello."""
    connection = await connect(host.home)
    await connection.hello(tty=False)
    async with asyncio.timeout(10):
        await host.greetings.acquire()
    yield Peer(connection)
    connection.close()


class Shell:
    """Runs `rekku` in a home of its own, with nothing of ours in its environment."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(home.parent),
            "REKKU_HOME": str(home),
            "PYTHONUNBUFFERED": "1",
            "LANG": "C.UTF-8",
            "WEBUI": "off",
        }

    def __call__(self, *arguments: str, given: str = "", **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run it to its end, with `given` on standard input."""
        return subprocess.run(
            self.command(*arguments),
            input=given,
            env=self.environ | environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "rekku", *arguments]

    @contextmanager
    def running(self, *arguments: str, **environ: str) -> "Iterator[subprocess.Popen[str]]":
        """`rekku run` for the block, ready when it begins; killed if it is still there at the end."""
        process = subprocess.Popen(
            self.command("run", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environ | environ,
            text=True,
        )
        try:
            assert process.stderr is not None
            seen = []
            for line in process.stderr:
                seen.append(line)
                if line.strip() == "Rekku is ready.":
                    break
            else:
                raise AssertionError(f"it did not come up: {''.join(seen)}")
            yield process
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def rekku(tmp_path: Path) -> Shell:
    """The `rekku` command with a fresh home."""
    return Shell(tmp_path / "home")
