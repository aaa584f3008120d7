"""`rekku chat -m TEXT`: one message, its replies on standard output, everything else on standard error."""

import asyncio
import sys
from collections.abc import Mapping
from typing import Any

from rekku.chat.connection import Connection
from rekku.chat.transcript import Said, Transcript, printable
from rekku.commands import read

ANSWERED = frozenset({"answered", "command"})
OWN_CHAT = "cli:local"
NOBODY_ANSWERS = (
    "No model is set up (the engine is `manual`), and there is no terminal to answer on: the message is kept, "
    "answer it in `rekku chat`, or set OPENAI_API_KEY or OPENAI_BASE_URL."
)
STOPPED = "Rekku stopped before it answered; the message is kept."


async def say_once(connection: Connection, text: str) -> int:
    """Say it and wait for the end of it: 0 if it was answered, 1 if not."""
    await connection.hello(tty=False)
    ours = await connection.say(text)
    is_command = read(text) is not None
    transcript = Transcript()
    replies: dict[str, str] = {}
    async for record in connection.records():
        said = transcript.take(record)
        if said is not None:
            _sort(said, ours, replies)
        match record:
            case {"type": "delete", "id": str(gone)}:
                replies.pop(gone, None)
            case {"type": "done", "id": done, "outcome": outcome} if done == ours:
                answered = outcome in ANSWERED
                for reply in replies.values():
                    _print(reply, sys.stdout if answered else sys.stderr)
                return 0 if answered else 1
            case {"type": "prompt"} if is_command:
                pass  # it is about a message from earlier: no model is asked about a command
            case {"type": "prompt", "chat": chat} if chat == OWN_CHAT and not sys.stdin.isatty():
                _print(NOBODY_ANSWERS, sys.stderr)
                return 1
            case {"type": "prompt"}:
                await _be_the_model(connection, record)
            case {"type": "notice", "text": str(notice)}:
                _print(notice, sys.stderr)
    _print(STOPPED, sys.stderr)
    return 1


def _sort(said: Said, ours: str, replies: dict[str, str]) -> None:
    if said.answers == ours:
        replies[said.id] = said.text
    else:
        _print(said.text, sys.stderr)


async def _be_the_model(connection: Connection, record: Mapping[str, Any]) -> None:
    if record.get("chat") != OWN_CHAT:
        return
    _print(str(record["text"]), sys.stderr)
    _print("Your answer as the model, one line:", sys.stderr)
    line = await asyncio.to_thread(sys.stdin.readline)
    if line.strip():
        await connection.answer(int(record["question"]), line.strip())


def _print(text: str, stream: Any) -> None:
    print(printable(text) if stream.isatty() else text, file=stream, flush=True)
