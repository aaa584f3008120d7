"""What stands in for the world in a test: a model that follows a script, and a chat in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rekku.core.model_call import ChatMessages, ModelCall


class ScriptedEngine:
    """An engine that says what it is told to, and remembers every prompt as one text."""

    takes_images = True

    def __init__(self) -> None:
        self.script: list[str | BaseException | Callable[[ChatMessages], str]] = []
        self.prompts: list[str] = []
        self.messages: list[ChatMessages] = []
        self.calls: list[ModelCall] = []
        self.pieces = 0
        self.gate: asyncio.Event | None = None

    async def generate_response(self, messages: "ChatMessages", call: "ModelCall") -> AsyncIterator[str]:
        """The next reply of the script, in pieces of `pieces` characters (0: whole)."""
        self.prompts.append("\n".join(str(m["content"]) for m in messages))
        self.messages.append(messages)
        self.calls.append(call)
        await self._pass_gate()
        if not self.script:
            raise AssertionError("The model was asked, but the test has no more replies: bot.model_says(…)")
        reply = self.script.pop(0)
        if isinstance(reply, BaseException):
            raise reply
        text = reply if isinstance(reply, str) else reply(messages)
        call.used(len(self.prompts[-1]) // 4, len(text) // 4 + 1, "scripted-1")
        size = self.pieces or len(text) or 1
        for at in range(0, len(text), size):
            yield text[at : at + size]
            if self.pieces:
                await asyncio.sleep(0.02)
                await self._pass_gate()

    async def _pass_gate(self) -> None:
        if self.gate is not None:
            await self.gate.wait()


@dataclass
class Sent:
    """A message that arrived in memory: all texts that it had, the last one final."""

    chat: str
    text: str
    id: str
    texts: list[str] = field(default_factory=list)
    payload: Mapping[str, Any] = field(default_factory=dict)


class MemoryInterface:
    """An interface in memory. Set `error` to make sending fail, `here` to False to close the chat."""

    can_edit = True

    def __init__(self, name: str = "memory", trainers: frozenset[str] = frozenset({"owner"})) -> None:
        self.name = name
        self.trainer_user_ids = trainers
        self.sent: list[Sent] = []
        self.error: BaseException | None = None
        self.here = True

    def get_interface_id(self) -> str:
        """Its name."""
        return self.name

    async def send_message(self, payload: Mapping[str, Any], original_message: object = None) -> str:
        """Keep a message."""
        from rekku.core.errors import NotReachable

        if not self.here:
            raise NotReachable("closed by the test")
        if self.error is not None:
            raise self.error
        message = Sent(str(payload["target"]), payload["text"], f"m{len(self.sent) + 1}", payload=dict(payload))
        message.texts.append(payload["text"])
        self.sent.append(message)
        return message.id

    async def edit_message(self, payload: Mapping[str, Any]) -> None:
        """Change a message."""
        message = next(m for m in self.sent if m.id == payload["message_id"])
        message.text = payload["text"]
        message.texts.append(payload["text"])

    async def delete_message(self, payload: Mapping[str, Any]) -> None:
        """Take a message back."""
        self.sent = [m for m in self.sent if m.id != payload["message_id"]]
