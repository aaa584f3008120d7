"""An engine whose reply depends on nothing but the prompt (and on whether it has refused a message before)."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from rekku.core.engine_base import EngineBase
from rekku.core.errors import EngineRefused
from rekku.core.model_call import ChatMessages, ModelCall
from tests.crash import death

PIECES = 12
PAUSE = 0.04
SLOW = ("slow", "late_deed", "late_note", "elsewhere")
"""Kinds whose reply comes in pieces, so that it is shown while it grows."""

UNKNOWN = "not known whether it was done"


class Scripted(EngineBase):
    """Each line of the input is a number and a kind, which says what to do with it."""

    async def generate_response(self, messages: ChatMessages, call: ModelCall) -> AsyncIterator[str]:
        death.point("engine asked")
        asked = _asked(messages)
        if any(kind == "deferred" for _, kind in asked):
            self._refuse_once(asked[0][0])
        reply = json.dumps({"actions": _actions(asked, messages)}, separators=(",", ":"))
        slow = len(messages) == 2 and any(kind in SLOW for _, kind in asked)
        size = len(reply) // PIECES + 1 if slow else len(reply)
        for at in range(0, len(reply), size):
            if at:
                await asyncio.sleep(PAUSE)
            if at // size == PIECES // 2:
                death.point("engine half through")
            yield reply[at : at + size]
        call.used(10, 10, "scripted-1")
        death.point("engine done")

    def _refuse_once(self, number: int) -> None:
        file = self.host.home / "refused.txt"
        if not file.exists() or str(number) not in file.read_text().split():
            with file.open("a") as out:
                out.write(f"{number}\n")
            raise EngineRefused("it is away")


def _asked(messages: ChatMessages) -> list[tuple[int, str]]:
    lines = json.loads(messages[1]["content"])["input"]["payload"]["text"].splitlines()
    return [(int(number), kind) for number, kind in (line.split() for line in lines)]


def _actions(asked: list[tuple[int, str]], messages: ChatMessages) -> list[dict[str, Any]]:
    number, kind = asked[0]
    said = str(messages[-1]["content"])
    match kind, len(messages):
        case (("deed" | "late_deed"), 2):
            return [_do("mark", number), _do("note", number), _say(f"did {number}{_tail(kind)}")]
        case "early_deed", 2:
            return [_say(f"did {number}"), _do("mark", number), _do("note", number)]
        case "late_note", 2:
            return [_do("note", number), _say(f"did {number}{_tail(kind)}")]
        case (("deed" | "late_deed" | "early_deed" | "late_note"), _):
            return [_say(f"end {number} {'unknown' if UNKNOWN in said else 'done'}")]
        case "corrected", 2:
            return [{"type": "note", "payload": {}}]
        case "corrected", 4:
            return [_do("note", number)]
        case "corrected", _:
            return [_say(f"end {number} done")]
        case "elsewhere", _:
            return [_say(f"re {number}{_tail(kind)}", target="ann-2")]
    return [_say(f"re {' '.join(str(n) for n, _ in asked)}{_tail(kind)}")]


def _tail(kind: str) -> str:
    return " : a reply that is long enough to be shown while it grows" if kind in SLOW else ""


def _do(action: str, number: int) -> dict[str, Any]:
    return {"type": action, "payload": {"number": number}}


def _say(text: str, **where: str) -> dict[str, Any]:
    return {"type": "message", "payload": {"text": text, **where}}


PLUGIN_CLASS = Scripted
