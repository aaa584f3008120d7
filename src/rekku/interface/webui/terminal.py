"""The socket of a terminal: what the shell writes goes out as it comes, keys come in. For the owner alone.

The page says how much it has shown (`seen`); until then no more is asked of the shell, so that a program that writes
without end can be stopped with one key.
"""

import asyncio
import base64
import contextlib
import json
import logging
from collections.abc import Mapping
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from rekku.core.errors import ActionError, RekkuError
from rekku.interface.webui import hub, requests
from rekku.interface.webui.context import Context
from rekku.interface.webui.hub import ENDED, TOO_MANY, dump
from rekku.interface.webui.sessions import Session

log = logging.getLogger(__name__)

PLUGIN = "terminal"
WAIT = 20
"""Seconds that the shell is asked to wait for something to show."""
UNSEEN = 256 * 1024
"""Bytes that the page may have got and not yet shown."""
MOST = 64
"""Sockets at the same time."""


async def socket(context: Context, websocket: WebSocket) -> None:
    """Serve one view of a terminal until it or the shell goes."""
    session = await requests.let_in(context, websocket, guests=False)
    if session is None:
        return
    if len(context.hub.views) >= MOST:
        await websocket.close(TOO_MANY)
        return
    await websocket.accept()
    await View(context, session, websocket).serve()


class View:
    """One terminal on one open page."""

    def __init__(self, context: Context, session: Session, websocket: WebSocket) -> None:
        self._context = context
        self._websocket = websocket
        self.session = session
        self.screen = str(websocket.path_params["screen"])
        self._at = _position(websocket.query_params.get("at", "0"))
        self._unseen = 0
        self._shown = asyncio.Event()
        self._over = asyncio.Event()

    def end(self) -> None:
        """The session has ended."""
        self._over.set()

    def answers(self, on: bool) -> None:
        """Tell the page whether it answers a program. Nobody waits for it: it may be slow, or gone."""

        async def tell() -> None:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect, OSError):
                await self._tell({"type": "answers", "on": on})

        self._context.host.spawn(tell(), "terminal")

    async def serve(self) -> None:
        """Both ways at once, until one of them ends."""
        spawn = self._context.host.spawn
        ways = [spawn(self._show(), "terminal"), spawn(self._hear(), "terminal"), spawn(self._over.wait(), "terminal")]
        self._lead()
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if self._over.is_set():
                await self._websocket.close(ENDED)
        except (RuntimeError, WebSocketDisconnect, OSError) as error:
            log.debug("A terminal's page is gone: %r", error)
        finally:
            self._follow()
            for way in ways:
                way.cancel()

    def _lead(self) -> None:
        """From now on this page alone answers what a program asks of its screen."""
        views, before = self._context.hub.views, self._leader()
        if before is self:
            return
        if self in views:
            views.remove(self)
            self.answers(on=True)
        views.append(self)
        if before:
            before.answers(on=False)

    def _follow(self) -> None:
        """The page goes, and another one answers."""
        led = self._leader() is self
        self._context.hub.views.remove(self)
        if led and (heir := self._leader()):
            heir.answers(on=True)

    def _leader(self) -> hub.View | None:
        """The page of this shell that was opened or typed at last."""
        return next((view for view in reversed(self._context.hub.views) if view.screen == self.screen), None)

    async def _show(self) -> None:
        """What the shell writes."""
        begun = False
        try:
            while True:
                told = await self._ask("read", at=self._at, wait=WAIT if begun else 0)
                output, self._at = base64.b64decode(told["output"]), told["at"]
                if not begun:
                    begun = True
                    await self._tell({"type": "begin", "end": told["end"]})
                if told["anew"]:
                    await self._tell({"type": "anew", "at": self._at - len(output)})
                if output:
                    self._unseen += len(output)
                    await self._websocket.send_bytes(output)
                if told["ended"]:
                    await self._tell({"type": "ended", "reason": "This shell has ended."})
                    return
                while self._unseen > UNSEEN:
                    self._shown.clear()
                    await self._shown.wait()
        except ActionError as error:
            await self._tell({"type": "ended", "reason": f"{str(error)[:1].upper()}{str(error)[1:]}."})
        except RekkuError as error:
            await self._tell({"type": "ended", "reason": str(error)})
        except (RuntimeError, WebSocketDisconnect, OSError) as error:
            log.debug("A terminal's page is gone: %r", error)

    async def _hear(self) -> None:
        """What the page says."""
        while True:
            try:
                record = json.loads(await self._websocket.receive_text())
                record = record if isinstance(record, dict) else {}
                used = record.get("type") not in ("ping", "seen")
                if await self._context.sessions.current(self.session.id, used=used) is None:
                    self._over.set()
                    return
                await self._take(record)
            except (WebSocketDisconnect, RuntimeError, KeyError):
                return  # it is gone, or it speaks in bytes, which no page of ours does
            except RekkuError as error:
                await self._tell({"type": "fault", "text": str(error)})
            except (ValueError, RecursionError):
                await self._tell({"type": "fault", "text": "That is not a line of JSON."})

    async def _take(self, record: Mapping[str, Any]) -> None:
        match record:
            case {"type": "keys", "keys": str(keys)}:
                if record.get("answer") is not True:
                    self._lead()
                await self._ask("type", keys=keys, binary=record.get("binary") is True)
            case {"type": "size", "columns": int(columns), "rows": int(rows)}:
                await self._ask("resize", columns=columns, rows=rows)
            case {"type": "seen", "bytes": int(count)} if count > 0:
                self._unseen = max(0, self._unseen - count)
                self._shown.set()
            case {"type": "ping"}:
                await self._tell({"type": "pong"})
            case _:
                await self._tell({"type": "fault", "text": "The page said something that is not known here."})

    async def _ask(self, deed: str, **given: Any) -> Any:
        return await self._context.host.house.panel(PLUGIN, deed, {"screen": self.screen, **given})

    async def _tell(self, record: Mapping[str, Any]) -> None:
        await self._websocket.send_text(dump(record))


def _position(text: str) -> int:
    """The position in the shell's output up to which a page has seen it."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0
