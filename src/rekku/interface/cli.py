"""The terminal: Rekku listens on a local socket in its home, and `rekku chat` is the client.

Both sides send lines of JSON, one record each, at most 4 MB long, UTF-8.

    client → server
      {"type": "hello", "tty": bool}                  first; only then are messages sent to it
      {"type": "message", "id": "uuid", "text": …}    the owner says something; the same id again is harmless
      {"type": "answer", "question": N, "text": …}    the owner's words for the prompt N

    server → client
      {"type": "message", "id": …, "text": …, "draft": bool, "for": "id of the client's message, or empty"}
      {"type": "edit", "id": …, "text": …, "draft": bool}     the whole new text; a draft is not finished
      {"type": "delete", "id": …}                             a draft that came to nothing
      {"type": "done", "id": "the client's id", "outcome": …} answered, deferred, failed, cancelled, command, ignored
      {"type": "prompt", "question": N, "text": …, "chat": …} the engine `manual` waits for the owner's words
      {"type": "prompt_gone", "question": N}
      {"type": "typing", "active": bool}
      {"type": "notice", "text": …}                           something about the connection itself

Only processes of the same user are served. Several clients see the same conversation.
"""

import asyncio
import logging
import os
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from rekku.core.desk import Question
from rekku.core.errors import NotReachable, RekkuError
from rekku.core.host import Receipt
from rekku.core.interface_base import InterfaceBase
from rekku.core.message import Conversation, Message, User
from rekku.core.turn import Outcome
from rekku.interface._cli import address
from rekku.interface._cli.clients import LONGEST_LINE, Client, Clients

log = logging.getLogger(__name__)

INTERFACE = "cli"
CHAT = "local"
OWNER = User("local", os.environ.get("USER", ""))
LONGEST_ID = 100


class CliInterface(InterfaceBase):
    """The owner's own terminals, over a local socket."""

    can_edit = True
    trainer_user_ids = frozenset({OWNER.id})

    def __init__(self) -> None:
        self._clients = Clients()
        self._server: asyncio.Server | None = None
        self._unwatch: Callable[[], None] | None = None

    def get_interface_id(self) -> str:
        """`cli`."""
        return INTERFACE

    async def start(self) -> None:
        """Listen on the socket of the home."""
        listener = await asyncio.to_thread(address.listen, self.host.home)
        self._unwatch = self.host.desk.watch(self._show_question)
        self._server = await asyncio.start_unix_server(self._connected, sock=listener, limit=LONGEST_LINE)

    async def stop(self) -> None:
        """Hang up and take the socket away."""
        if self._unwatch:
            self._unwatch()
            self._unwatch = None
        if self._server:
            self._server.close()
            self._server = None
            self._clients.close()
            await asyncio.to_thread(address.remove, self.host.home)

    async def send_message(self, payload: Mapping[str, Any], original_message: Message | None = None) -> str:
        """Show a message on every connected terminal. Raises NotReachable if there is none (a draft nobody misses)."""
        message_id = str(payload.get("key") or uuid.uuid4().hex)
        draft = bool(payload.get("draft"))
        ours = original_message is not None and original_message.conversation.interface == INTERFACE
        record = {
            "type": "message",
            "id": message_id,
            "text": _text(payload),
            "draft": draft,
            "for": original_message.message_id if ours and original_message else "",
        }
        if not self._clients.send(record) and not draft:
            raise NotReachable("no terminal is open")
        return message_id

    async def edit_message(self, payload: Mapping[str, Any]) -> None:
        """Replace what a message says. Raises NotReachable if no terminal is open."""
        draft = bool(payload.get("draft"))
        record = {"type": "edit", "id": str(payload["message_id"]), "text": _text(payload), "draft": draft}
        if not self._clients.send(record) and not draft:
            raise NotReachable("no terminal is open")

    async def delete_message(self, payload: Mapping[str, Any]) -> None:
        """Take a message off the terminals."""
        self._clients.send({"type": "delete", "id": str(payload["message_id"])})

    async def typing(self, payload: Mapping[str, Any]) -> None:
        """Show or hide that Rekku is thinking."""
        self._clients.send({"type": "typing", "active": bool(payload.get("active", True))})

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = Client(reader, writer)
        if not client.allowed:
            log.warning("A process of another user tried to connect to the terminal's socket; it was turned away.")
            client.close()
            return
        self._clients.connected.add(client)
        self.host.spawn(self._serve(client), "terminal")

    async def _serve(self, client: Client) -> None:
        try:
            while True:
                try:
                    if (record := await client.receive()) is None:
                        return
                    await self._take(client, record)
                except ValueError as problem:
                    client.send({"type": "notice", "text": str(problem)})
        finally:
            self._clients.connected.discard(client)
            client.close()

    async def _take(self, client: Client, record: Mapping[str, Any]) -> None:
        match record:
            case {"type": "hello"}:
                client.greeted = True
                for question in tuple(self.host.desk.waiting.values()):
                    client.send(_prompt(question))
                self.host.reachable()
            case {"type": "message", "id": str(message_id), "text": str(text)} if 0 < len(message_id) <= LONGEST_ID:
                await self._hear(client, message_id, text)
            case {"type": "answer", "question": int(number), "text": str(text)}:
                if not self.host.desk.answer(number, text):
                    client.send({"type": "notice", "text": "That prompt does not wait for an answer any more."})
            case _:
                raise ValueError("That record is of no kind that is known here.")

    async def _hear(self, client: Client, message_id: str, text: str) -> None:
        conversation = Conversation(INTERFACE, CHAT)
        message = Message(conversation, OWNER, text, self.host.clock.now(), message_id=message_id, chat_name="terminal")
        try:
            receipt = await self.host.receive(message)
        except RekkuError as error:
            log.exception("A message from the terminal could not be kept.")
            client.send({"type": "notice", "text": f"Your message was not kept: {error}"})
            client.send({"type": "done", "id": message_id, "outcome": Outcome.FAILED.value})
            return
        self.host.spawn(self._follow(client, message_id, receipt), "terminal message")

    async def _follow(self, client: Client, message_id: str, receipt: Receipt) -> None:
        outcome = await receipt.outcome()
        client.send({"type": "done", "id": message_id, "outcome": outcome.value})

    def _show_question(self, question: Question, waiting: bool) -> None:
        self._clients.send(_prompt(question) if waiting else {"type": "prompt_gone", "question": question.number})


def _prompt(question: Question) -> dict[str, Any]:
    chat = str(question.conversation) if question.conversation else ""
    return {"type": "prompt", "question": question.number, "text": question.text, "chat": chat}


def _text(payload: Mapping[str, Any]) -> str:
    files = (f"[{a.kind}: {a.name}, {max(1, len(a.data) // 1000)} KB]" for a in payload.get("attachments") or ())
    return "\n".join(part for part in (str(payload.get("text") or ""), *files) if part)


INTERFACE_CLASS = CliInterface
