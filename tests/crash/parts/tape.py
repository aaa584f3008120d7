"""An interface whose platform is a file: messages come from `in.jsonl`, what Rekku says goes into the trace."""

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rekku.core.host import Receipt
from rekku.core.interface_base import InterfaceBase
from rekku.core.message import Conversation, Message, User
from tests.crash import death

AT_ONCE = 6
"""How many messages may be unanswered before the next one is read."""


class Tape(InterfaceBase):
    """Reads what was not acknowledged, in order; acknowledges a message when Rekku has taken it."""

    can_edit = True

    def __init__(self) -> None:
        self.read_to_the_end = False
        self._count = 0
        self._free = asyncio.Semaphore(AT_ONCE)

    def get_interface_id(self) -> str:
        return "tape"

    async def start(self) -> None:
        self.host.spawn(self._read(), "tape")

    async def send_message(self, payload: Mapping[str, Any], original_message: Message | None = None) -> str:
        what = "draft send" if payload["draft"] else "send"
        death.point(f"{what} begins")
        self._count += 1
        number = f"{death.number()}-{self._count}"
        self._note("send", number, payload)
        death.point(f"{what} done")
        return number

    async def edit_message(self, payload: Mapping[str, Any]) -> None:
        what = "draft edit" if payload["draft"] else "final edit"
        death.point(f"{what} begins")
        self._note("edit", payload["message_id"], payload)
        death.point(f"{what} done")

    async def delete_message(self, payload: Mapping[str, Any]) -> None:
        death.point("delete begins")
        self._note("delete", payload["message_id"], payload)
        death.point("delete done")

    def _note(self, what: str, number: str, payload: Mapping[str, Any]) -> None:
        death.note_on_disk(
            what,
            at=time.time(),
            id=number,
            key=payload["key"],
            chat=payload["target"],
            thread=payload["thread_id"],
            text=payload["text"],
            draft=payload["draft"],
        )

    async def _read(self) -> None:
        for line in _unacknowledged(self.host.home):
            await self._free.acquire()
            where = Conversation("tape", line["chat"], line["thread"])
            message = Message(
                where,
                User(line["user"], line["user"].title()),
                f"/ring {line['number']}" if line["kind"] == "command" else f"{line['number']} {line['kind']}",
                datetime.now(UTC),
                message_id=str(line["number"]),
                direct=line["direct"],
            )
            receipt = await self.host.receive(message)
            death.point("received")
            death.note_on_disk("acknowledged", number=line["number"])
            death.point("acknowledged")
            self.host.spawn(self._wait(receipt), "tape receipt")
        self.read_to_the_end = True

    async def _wait(self, receipt: Receipt) -> None:
        await receipt.outcome()
        self._free.release()


def _unacknowledged(home: Path) -> list[dict[str, Any]]:
    given = [json.loads(line) for line in (home / "in.jsonl").read_text().splitlines()]
    trace = [json.loads(line) for line in (home / "trace.jsonl").read_text().splitlines()]
    known = {line["number"] for line in trace if line["what"] == "acknowledged"}
    return [line for line in given if line["number"] not in known]


INTERFACE_CLASS = Tape
