"""A terminal for tests: what a program shows on it, and typing."""

import asyncio
import contextlib
import os
import pty
import re

from tests.cli.conftest import Shell

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")


class Screen:
    """A pseudo-terminal with one `rekku` command on it; `text` is all that it wrote, without colours and moves."""

    def __init__(self, rekku: Shell) -> None:
        self.text = ""
        self._changed = asyncio.Event()
        self._master, self._slave = pty.openpty()
        self._rekku = rekku

    async def open(self, *arguments: str) -> "asyncio.subprocess.Process":
        """Start the command on it."""
        ends, environ = self._slave, self._rekku.environ | {"TERM": "xterm"}
        process = await asyncio.create_subprocess_exec(
            *self._rekku.command(*arguments), stdin=ends, stdout=ends, stderr=ends, env=environ
        )
        os.close(self._slave)
        os.set_blocking(self._master, False)
        asyncio.get_running_loop().add_reader(self._master, self._read)
        return process

    def _read(self) -> None:
        try:
            data = os.read(self._master, 65536)
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._master)
        # Who asks for the cursor's place is told: the first line. Terminals answer that.
        if b"\x1b[6n" in data:
            os.write(self._master, b"\x1b[1;1R")
        self.text += ANSI.sub("", data.decode(errors="replace"))
        self._changed.set()

    async def shows(self, text: str, keys: str = "") -> None:
        """Wait until it stands there, pressing keys every second (what is pressed between two prompts is lost)."""
        for _ in range(15):
            self.type(keys)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    while text not in self.text:
                        self._changed.clear()
                        await self._changed.wait()
                    return
        raise AssertionError(f"{text!r} never came; the screen says:\n{self.text}")

    async def ends(self, process: "asyncio.subprocess.Process", keys: str) -> int:
        """Press keys until the program has ended (what is pressed between two prompts is lost); its exit status."""
        for _ in range(20):
            self.type(keys)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    return await process.wait()
        raise AssertionError(f"{keys!r} does not end it; the screen says:\n{self.text}")

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def close(self) -> None:
        """Take the terminal away."""
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
