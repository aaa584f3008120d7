"""The pages that are open: each gets what concerns it, in order, or is dropped when it does not read."""

import asyncio
import json
from collections import deque
from collections.abc import Mapping
from typing import Any, Protocol

from rekku.interface.webui.sessions import Session

MOST_WAITING = 8_000_000
"""Characters that may wait for a page that reads slowly."""
MOST_SOCKETS = 1000
MOST_OF_GUEST = 4
"""Sockets at the same time: of all pages, and of one guest's session."""

TOO_SLOW, ENDED, TOO_MANY = 1013, 4401, 1008


class Client:
    """One open page. `closing` is the code with which it is to be closed, 0 while it is not."""

    def __init__(self, session: Session, chat_id: str) -> None:
        self.session = session
        self.chat_id = chat_id
        self.watches_log = False
        self.closing = 0
        self._queue: deque[str] = deque()
        self._size = 0
        self._news = asyncio.Event()

    def send(self, record: Mapping[str, Any]) -> None:
        """Put a record in line for the page."""
        self.send_text(dump(record))

    def send_text(self, text: str) -> None:
        """Put a record in line that is JSON already."""
        if self.closing:
            return
        self._queue.append(text)
        self._size += len(text)
        if self._size > MOST_WAITING:
            self._queue.clear()
            self.close(TOO_SLOW)
        self._news.set()

    def close(self, code: int) -> None:
        """End the connection; what is in line still goes out."""
        self.closing = self.closing or code
        self._news.set()

    async def next(self) -> str | None:
        """The next record for the page; None when it is to be closed."""
        while not self._queue:
            if self.closing:
                return None
            self._news.clear()
            await self._news.wait()
        text = self._queue.popleft()
        self._size -= len(text)
        return text


class View(Protocol):
    """A terminal that an open page looks at, by a socket of its own."""

    @property
    def session(self) -> Session:
        """Whose page it is."""
        ...

    @property
    def screen(self) -> str:
        """Which terminal."""
        ...

    def answers(self, on: bool) -> None:
        """Tell the page whether it answers what a program asks of its screen."""
        ...

    def end(self) -> None:
        """The session has ended: hang up."""
        ...


class Hub:
    """All open pages."""

    def __init__(self) -> None:
        self._clients: dict[str, set[Client]] = {}
        self.views: list[View] = []  # the one that was opened or typed at last is the last
        self.thinking: set[str] = set()
        """The chats in which Rekku is thinking."""

    def __len__(self) -> int:
        return sum(map(len, self._clients.values()))

    def add(self, client: Client) -> bool:
        """Take in a page; False if there are too many."""
        same = sum(other.session.id == client.session.id for other in self._clients.get(client.chat_id, ()))
        if len(self) >= MOST_SOCKETS or (not client.session.is_owner and same >= MOST_OF_GUEST):
            return False
        self._clients.setdefault(client.chat_id, set()).add(client)
        return True

    def remove(self, client: Client) -> None:
        """A page is gone."""
        there = self._clients.get(client.chat_id, set())
        there.discard(client)
        if not there:
            self._clients.pop(client.chat_id, None)

    def is_open(self, chat_id: str) -> bool:
        """Whether somebody looks at a chat."""
        return chat_id in self._clients

    def tell(self, chat_id: str, record: Mapping[str, Any]) -> None:
        """Send a record to every page of a chat."""
        clients = self._clients.get(chat_id)
        if clients:
            text = dump(record)
            for client in tuple(clients):
                client.send_text(text)

    def clients(self) -> list[Client]:
        """Every page."""
        return [client for clients in self._clients.values() for client in clients]

    def end_session(self, session_id: str) -> None:
        """A session has ended, so its pages are closed."""
        for client in self.clients():
            if client.session.id == session_id:
                client.close(ENDED)
        for view in self.views:
            if view.session.id == session_id:
                view.end()

    def close(self) -> None:
        """Rekku ends, or the page is loaded anew: every page will come back by itself."""
        for client in self.clients():
            client.close(1012)


def dump(record: Mapping[str, Any]) -> str:
    """A record as JSON."""
    return json.dumps(record, ensure_ascii=False, default=str)
