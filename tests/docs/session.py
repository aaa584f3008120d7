"""Runs a page's blocks from top to bottom in one home, as a reader would."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rekku.chain.parser import parse
from rekku.core.turn import Turn
from rekku.testing import Bot, bot_at
from tests.docs.pages import Block
from tests.servers.openai_server import OpenAIServer

COMPONENTS = ("plugins/", "llm_engines/", "interface/")
LIMIT = 110.0
_TRACE = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Listener:
    """A plugin that keeps the turns that are over."""

    turns: list[Turn] = field(default_factory=list)

    async def on_turn_end(self, turn: Turn) -> None:
        self.turns.append(turn)


@dataclass
class Session:
    """A reader at work: a home that fills up with the page's files."""

    home: Path
    environ: dict[str, str] = field(default_factory=dict)

    async def run(self, block: Block) -> None:
        """Do what the block shows; AssertionError if it does not happen."""
        if "not run" in block.told or block.language in ("mermaid", "text"):
            return
        match block.language:
            case "python" if block.file.startswith(COMPONENTS):
                self._save(block)
                if "helper" not in block.told:
                    await self._load(block)
            case "python" | "ini" if block.file:
                self._save(block)
                if block.file.startswith("tests/"):
                    self._pytest(block)
            case "python":
                self._script(block)
            case "json":
                await self._play(block)
            case "console":
                await self._console(block)
            case _:
                raise AssertionError(f"{block.place}: nobody knows how to run {block.language!r}")

    def _save(self, block: Block) -> None:
        file = self.home / block.file
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(block.text, encoding="utf-8")

    async def _load(self, block: Block) -> None:
        file = self.home / block.file
        async with self._bot() as bot:
            bot.running.loader.bring_up(file.stem)
            file.touch()
            await bot.running.loader.sync()
            told = bot.running.loader.reports[file]
            wanted = block.told.get("state", "loaded")
            assert told.state == wanted, f"{block.place}: {told.state}, {told.reason}\n{told.traceback}"

    def _pytest(self, block: Block) -> None:
        done = self._process([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", block.file])
        assert done.returncode == 0, f"{block.place}:\n{done.stdout}{done.stderr}"
        assert " passed" in done.stdout, f"{block.place}: it tests nothing\n{done.stdout}"

    def _script(self, block: Block) -> None:
        done = self._process([sys.executable, "-W", "error", "-c", block.text])
        assert done.returncode == 0, f"{block.place}:\n{done.stderr}"

    async def _play(self, block: Block) -> None:
        """Let a model reply it: the parser finds it clean, and its actions are done."""
        async with self._bot() as bot:
            catalogue = bot.running.road.catalogue
            reply = parse(block.text, catalogue.actions.keys(), catalogue.reply_fields.keys())
            assert reply.clean, f"{block.place}: {reply.unclean_because}"
            assert reply.asked, f"{block.place}: no action in it is known: {block.text}"
            listener = bot.add(Listener())
            bot.model_says(block.text, "Well.", "Well.", "Well.")
            await bot.tell("Go on.", message_id=block.place)
            found = [deed.status for deed in listener.turns[0].deeds[: len(reply.asked)]]
            wanted = block.told.get("deeds", "").split() or ["done"] * len(found)
            assert found == wanted, f"{block.place}: {listener.turns[0].deeds}"

    async def _console(self, block: Block) -> None:
        async with contextlib.AsyncExitStack() as stack:
            environ = dict(self.environ)
            if block.replies:
                server = await stack.enter_async_context(OpenAIServer(*block.replies))
                environ["OPENAI_BASE_URL"] = server.url
            status = 0
            for command, shown in commands(block.text):
                done = await _in_thread(self._shell, command, environ)
                status = done.returncode
                said = self._readable(done.stdout)
                assert not shown or matches(shown, said), f"{block.place}: $ {command}\n{said}"
            wanted = int(block.told.get("status", "0"))
            assert status == wanted, f"{block.place}: exit status {status}\n{said}"

    def _shell(self, command: str, environ: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
        command = command.replace("~/.rekku", str(self.home))
        return self._process(["bash", "-o", "pipefail", "-c", command], environ, merged=True)

    def _process(
        self, arguments: list[str], environ: Mapping[str, str] | None = None, *, merged: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "HOME") if name in os.environ}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            arguments,
            cwd=self.home,
            env={
                **kept,
                "PATH": path,
                "PYTHONUTF8": "1",
                "REKKU_HOME": str(self.home),
                "WEBUI_PORT": "0",
                **(environ or {}),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE,
            text=True,
            timeout=LIMIT,
            check=False,
        )

    def _readable(self, text: str) -> str:
        return _TRACE.sub("", text).replace(str(self.home), "~/.rekku")

    @asynccontextmanager
    async def _bot(self) -> AsyncIterator[Bot]:
        async with bot_at(self.home, self.environ) as bot:
            yield bot


def commands(text: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output that is shown ("" if none is)."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], ""))
        else:
            command, shown = found.pop()
            found.append((command, f"{shown}{line}\n"))
    return found


def matches(shown: str, said: str) -> bool:
    """Whether an output is what is shown; … stands for anything, a line of it for any lines. Spaces may vary."""
    pattern = r".*".join(re.escape(part) for part in _squeezed(shown).split("…"))
    return re.fullmatch(pattern, _squeezed(said), re.DOTALL) is not None


def _squeezed(text: str) -> str:
    lines = (re.sub(r"[ \t]+", " ", line).strip() for line in text.splitlines())
    return "\n".join(lines).strip()


async def _in_thread(function: Any, *arguments: Any) -> Any:
    import asyncio

    return await asyncio.to_thread(function, *arguments)
