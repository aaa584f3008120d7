"""`rekku chat` in a pipe: each line is a message, and the next one is sent when it has been answered."""

import asyncio
import sys
import threading
from collections.abc import AsyncIterator

from rekku.chat.connection import Connection
from rekku.chat.once import NOBODY_ANSWERS, OWN_CHAT, STOPPED
from rekku.chat.transcript import Transcript, is_command, printable


async def read_lines(connection: Connection) -> int:
    """Send the lines of standard input, print what is said; 0 at its end, 1 if a message stays without an answer."""
    await connection.hello(tty=False)
    lines = _lines()
    transcript = Transcript()
    waiting = await _next(connection, lines)
    if not waiting:
        return 0
    async for record in connection.records():
        said = transcript.take(record)
        if said is not None:
            _print(said.text)
        match record:
            case {"type": "done", "id": done} if done == waiting:
                if not (waiting := await _next(connection, lines)):
                    return 0
            case {"type": "prompt", "chat": chat, "question": int(number), "text": str(text)} if chat == OWN_CHAT:
                print(printable(text), file=sys.stderr, flush=True)
                while (answer := await anext(lines, None)) is not None and is_command(answer):
                    await connection.say(answer)
                if answer is None:
                    print(NOBODY_ANSWERS, file=sys.stderr)
                    return 1
                await connection.answer(number, answer)
            case {"type": "notice", "text": str(notice)}:
                print(notice, file=sys.stderr, flush=True)
    print(STOPPED, file=sys.stderr)
    return 1


async def _next(connection: Connection, lines: AsyncIterator[str]) -> str:
    """Send the next line; its id, or "" at the end."""
    line = await anext(lines, None)
    return await connection.say(line) if line is not None else ""


async def _lines() -> AsyncIterator[str]:
    """The lines of standard input that are not empty, read in a thread that may be left behind."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()

    def put(line: str | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, line)

    def read() -> None:
        for line in sys.stdin:
            if line.strip():
                put(line.strip())
        put(None)

    threading.Thread(target=read, name="standard-input", daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line


def _print(text: str) -> None:
    print(printable(text) if sys.stdout.isatty() else text, flush=True)
