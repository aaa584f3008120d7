"""`rekku chat` on a terminal: line editing, history, and replies that are seen while they are being written."""

import asyncio
import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.patch_stdout import patch_stdout
from prompt_toolkit.styles import Style
from prompt_toolkit.utils import get_cwidth

from rekku.chat.connection import Connection
from rekku.chat.transcript import Transcript, is_command, printable

INTERRUPTED = 130
NAME = "Rekku"
WELCOME = "Talk to Rekku. /help lists the commands; Ctrl-D leaves; Esc Enter begins a new line."
AS_THE_MODEL = "No model is set up, so you are the model. Answer the prompt above, in plain words or JSON actions."
FAILED = frozenset({"failed", "cancelled"})
STYLE = Style.from_dict(
    {"name": "ansicyan bold", "draft": "ansibrightblack", "you": "ansigreen bold", "note": "ansiyellow"}
)


class Terminal:
    """One person at a terminal, one connection."""

    def __init__(self, connection: Connection, history: Path) -> None:
        self._connection = connection
        self._transcript = Transcript()
        self._questions: dict[int, str] = {}
        self._typing = False
        self._stopped = False
        history.touch(mode=0o600)
        self._session: PromptSession[str] = PromptSession(
            self._message, history=FileHistory(str(history)), style=STYLE, key_bindings=_keys()
        )

    async def talk(self) -> int:
        """Until the person leaves (0), Rekku stops (1), or Ctrl-C comes on an empty line (130)."""
        self._say(("class:note", WELCOME))
        await self._connection.hello(tty=True)
        with patch_stdout():
            listening = asyncio.create_task(self._listen(), name="terminal records")
            try:
                return await self._read()
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    async def _read(self) -> int:
        while not self._stopped:
            try:
                line = (await self._session.prompt_async(handle_sigint=False)).strip()
            except EOFError:
                return 0
            except ConnectionResetError:
                break
            except KeyboardInterrupt:
                if self._session.default_buffer.text:
                    continue
                return INTERRUPTED
            if line:
                await self._send(line)
        self._say(("class:note", "Rekku has stopped."))
        return 1

    async def _send(self, line: str) -> None:
        if self._questions and not is_command(line):
            number = next(iter(self._questions))
            del self._questions[number]
            await self._connection.answer(number, line)
        else:
            await self._connection.say(line)

    async def _listen(self) -> None:
        async for record in self._connection.records():
            said = self._transcript.take(record)
            if said is not None:
                again = " (edited)" if said.edited else ""
                self._say(("class:name", f"{NAME}{again}: "), ("", printable(said.text)))
            self._notice(record)
            self._session.app.invalidate()
        self._stopped = True
        if self._session.app.is_running:
            self._session.app.exit(exception=ConnectionResetError("the server hung up"))

    def _notice(self, record: Mapping[str, Any]) -> None:
        match record:
            case {"type": "prompt", "question": int(number), "text": str(text)}:
                self._questions[number] = text
                self._say(("", printable(text)))
                self._say(("class:note", AS_THE_MODEL))
            case {"type": "prompt_gone", "question": int(number)}:
                self._questions.pop(number, None)
            case {"type": "typing", "active": bool(active)}:
                self._typing = active
            case {"type": "done", "outcome": str(outcome)}:
                self._typing = False
                if outcome in FAILED:
                    self._say(("class:note", f"({outcome})"))
            case {"type": "notice", "text": str(text)}:
                self._say(("class:note", printable(text)))

    def _message(self) -> FormattedText:
        """What stands in front of the cursor: the end of the draft, if there is one, and the prompt."""
        parts: list[tuple[str, str]] = []
        if draft := self._transcript.draft:
            parts += [("class:name", f"{NAME}: "), ("class:draft", _tail(printable(draft)) + "\n")]
        elif self._typing:
            parts.append(("class:draft", f"{NAME} is thinking…\n"))
        parts.append(("class:you", "model> " if self._questions else "> "))
        return FormattedText(parts)

    def _say(self, *parts: tuple[str, str]) -> None:
        print_formatted_text(FormattedText(parts), style=STYLE)


def _keys() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


def _tail(text: str) -> str:
    """As much of the end of a text as the screen has room for."""
    size = shutil.get_terminal_size()
    room = max(3, size.lines - 4)
    lines = text.splitlines()
    kept: list[str] = []
    for line in reversed(lines):
        room -= 1 + get_cwidth(line) // max(20, size.columns)
        if room < 0:
            break
        kept.append(line)
    if len(kept) == len(lines):
        return text
    return "\n".join(["…", *reversed(kept)])


async def talk(connection: Connection, home: Path) -> int:
    """Chat on this terminal; the lines that were typed are kept in the home."""
    history = home / "data" / "chat_history"
    with contextlib.suppress(OSError):
        history.parent.mkdir(mode=0o700, exist_ok=True)
    return await Terminal(connection, history).talk()
