"""The socket of an open page: the conversation, the desk, the log, both ways."""

import asyncio
import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from rekku.core.desk import Question
from rekku.core.errors import RekkuError
from rekku.core.host import Receipt
from rekku.core.house import Record
from rekku.core.message import Conversation, Message, User
from rekku.interface.webui import requests
from rekku.interface.webui.context import INTERFACE, Context
from rekku.interface.webui.files import MOST_IN_MESSAGE
from rekku.interface.webui.hub import ENDED, TOO_MANY, Client
from rekku.interface.webui.lines import ME

log = logging.getLogger(__name__)

LONGEST_TEXT = 100_000
ID = re.compile(r"[A-Za-z0-9-]{8,64}")
FRAMES, SECONDS = 60, 10.0
"""More frames than that in that time, and the page is hung up on."""
LAST_WORDS = 2.0
"""Seconds that a page gets to hear why it is hung up on."""


async def socket(context: Context, websocket: WebSocket) -> None:
    """Serve a page until it goes."""
    session = await requests.let_in(context, websocket, guests=context.guests)
    if session is None:
        return
    await websocket.accept()
    client = Client(session, session.user_id)
    writing = context.host.spawn(_write(client, websocket), "web page")
    try:
        await Page(context, client).serve(websocket)
    except WebSocketDisconnect:
        log.debug("A page was closed.")
    finally:
        context.hub.remove(client)
        if client.closing:  # the page is told why, if it still listens
            await asyncio.wait({writing}, timeout=LAST_WORDS)
        writing.cancel()


async def _write(client: Client, websocket: WebSocket) -> None:
    """Send what is in line; ends when the page is to be closed."""
    try:
        while (text := await client.next()) is not None:
            await websocket.send_text(text)
        await websocket.close(client.closing)
    except (RuntimeError, WebSocketDisconnect, OSError) as error:
        log.debug("A page is gone: %r", error)


class Page:
    """One open page, and what it may say."""

    def __init__(self, context: Context, client: Client) -> None:
        self._context = context
        self._client = client
        self._host = context.host
        self._budget = float(FRAMES)
        self._filled = self._host.clock.monotonic()
        self._greeted = False

    async def serve(self, websocket: WebSocket) -> None:
        """Take what the page says, one after the other."""
        while not self._client.closing:
            text = await websocket.receive_text()
            if not self._may_speak():
                return
            try:
                record = json.loads(text)
                record = record if isinstance(record, dict) else {}
                if await self._is_welcome(record):
                    await self._take(record)
            except RekkuError as error:
                self._notice(str(error))
            except (ValueError, RecursionError):
                self._notice("That is not a line of JSON.")

    def _may_speak(self) -> bool:
        now = self._host.clock.monotonic()
        self._budget = min(FRAMES, self._budget + (now - self._filled) * FRAMES / SECONDS)
        self._filled = now
        self._budget -= 1
        if self._budget < 0:
            self._client.close(TOO_MANY)
        return self._budget >= 0

    async def _is_welcome(self, record: Mapping[str, Any]) -> bool:
        """Whether the session is still good: it may have ended elsewhere."""
        used = record.get("type") != "ping"
        if await self._context.sessions.current(self._client.session.id, used=used) is None:
            self._client.close(ENDED)
        return not self._client.closing

    async def _take(self, record: Mapping[str, Any]) -> None:
        owner = self._client.session.is_owner
        match record:
            case {"type": "hello", "last": int(last)} if not self._greeted and 0 <= last < 2**62:
                await self._greet(last)
            case {"type": "say", "id": str(number), "text": str(text)} if self._greeted and ID.fullmatch(number):
                await self._hear(number, text, record.get("files") or [])
            case {"type": "older", "before": int(before)} if 0 < before < 2**62:
                await self._context.lines.older(self._client, before)
            case {"type": "answer", "question": int(number), "text": str(text)} if owner:
                if not self._host.desk.answer(number, text):
                    self._notice("That prompt does not wait for an answer any more.")
            case {"type": "log", "on": bool(on)} if owner:
                self._watch_log(on)
            case {"type": "ping"}:
                self._client.send({"type": "pong"})
            case _:
                self._notice("The page said something that is not known here. Load it again.")

    async def _greet(self, last: int) -> None:
        client, context = self._client, self._context
        if not await context.lines.show(client, last):
            client.close(TOO_MANY)
            return
        self._greeted = True
        client.send({"type": "typing", "active": client.chat_id in context.hub.thinking})
        if client.session.is_owner:
            client.send(desk_record(context))
        self._host.reachable(client.chat_id)

    async def _hear(self, number: str, text: str, files: object) -> None:
        """Put a line on the page and hand it to Rekku; the same id again is harmless."""
        client, context = self._client, self._context
        if len(text) > LONGEST_TEXT:
            self._lost(number, f"A message may have {LONGEST_TEXT:,} characters.")
            return
        ids = [str(one) for one in files] if isinstance(files, list) else []
        kept = [one for file_id in ids[:MOST_IN_MESSAGE] if (one := await context.files.find(client.chat_id, file_id))]
        if not text.strip() and not kept:
            self._lost(number, "The message is empty.")
            return
        try:
            attachments = tuple([await context.files.attachment(one) for one in kept])
            await context.lines.add(client.chat_id, number, ME, text, files=[one.shown() for one in kept])
            receipt = await self._host.receive(
                Message(
                    conversation=Conversation(INTERFACE, client.chat_id),
                    user=User(client.session.user_id, "" if client.session.is_owner else "Guest"),
                    text=text,
                    at=self._host.clock.now(),
                    message_id=number,
                    chat_name="web page",
                    attachments=attachments,
                )
            )
        except (RekkuError, OSError) as error:
            log.warning("A message from the web page was not kept: %s", error)
            client.send({"type": "unkept", "id": number, "reason": "It was not kept yet; it will be tried again."})
            return
        client.send({"type": "kept", "id": number})
        self._host.spawn(self._follow(number, receipt), "web message")

    async def _follow(self, number: str, receipt: Receipt) -> None:
        outcome = await receipt.outcome()
        self._context.hub.tell(self._client.chat_id, {"type": "done", "id": number, "outcome": outcome.value})

    def _lost(self, number: str, reason: str) -> None:
        self._client.send({"type": "lost", "id": number, "reason": reason})

    def _notice(self, text: str) -> None:
        self._client.send({"type": "notice", "text": text})

    def _watch_log(self, on: bool) -> None:
        if on and not self._client.watches_log:
            self._client.send({"type": "log", "records": [shown(r) for r in self._host.house.records()], "anew": True})
        self._client.watches_log = on


def desk_record(context: Context) -> dict[str, Any]:
    """What waits on the desk."""
    waiting = [_question(question) for question in context.host.desk.waiting.values()]
    return {"type": "desk", "waiting": waiting}


def shown(record: Record) -> dict[str, Any]:
    """A line of the log as a page gets it."""
    at = record.at.isoformat()
    return {"n": record.number, "at": at, "level": record.level, "name": record.name, "text": record.text}


def _question(question: Question) -> dict[str, Any]:
    chat = str(question.conversation) if question.conversation else ""
    told = {"text": question.text, "prompt": question.prompt, "gist": question.gist}
    return {"number": question.number, "chat": chat, **told}
