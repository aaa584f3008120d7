"""Rekku's account on Reddit: asking and doing, through asyncpraw.

This module imports asyncpraw, which takes a while: it is loaded at the start, in a thread.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from asyncpraw.exceptions import AsyncPRAWException
from asyncprawcore.exceptions import AsyncPrawcoreException

from rekku.core.clock import Clock
from rekku.platforms.reddit.client import Once, base_of, client_of, fault_of
from rekku.platforms.reddit.fault import Fate, Fault, told_by_reddit

log = logging.getLogger(__name__)

LIMIT = 40.0
"""Seconds for one request, its token included."""
LONGEST_PAUSE = 2.0
"""asyncprawcore sits out pauses that Reddit wants; longer ones are for the outbox to wait for."""


class Counting(Once):
    """Knows what Reddit says about how many more requests it takes."""

    remaining = 1.0
    reset = 0.0

    def hears(self, headers: Mapping[str, str]) -> None:
        """Note it."""
        try:
            self.remaining = float(headers["x-ratelimit-remaining"])
            self.reset = float(headers["x-ratelimit-reset"])
        except (KeyError, ValueError):  # not every answer has them
            return


class Account:
    """The account. `me` is its id (t2_…), known after `log_in`. Use it in one event loop. Making it may raise Fault."""

    def __init__(self, settings: Mapping[str, Any], clock: Clock) -> None:
        self.name: str = settings["REDDIT_USERNAME"]
        self.me = ""
        self.base = base_of(settings)
        self._reddit = client_of(settings, Counting)
        assert isinstance(self._reddit.requestor, Counting)
        self._requestor = self._reddit.requestor
        self._clock = clock
        self._paused_until = 0.0

    async def close(self) -> None:
        """Close the connection."""
        await self._reddit.close()

    async def log_in(self) -> None:
        """Find out who the account is. Raises Fault."""
        if not self.me:
            told = await self.ask("api/v1/me")
            self.name, self.me = str(told["name"]), f"t2_{told['id']}"

    async def ask(self, path: str, **params: Any) -> Any:
        """What Reddit has at a path, as it says it. Raises Fault."""
        return await self._request("GET", path, params=params)

    async def do(self, path: str, **form: Any) -> Any:
        """Change something at Reddit, once; what it answers. Raises Fault."""
        answer = await self._request("POST", path, data=form)
        told = answer.get("json", {}) if isinstance(answer, dict) else {}
        if told.get("errors"):
            raise told_by_reddit(told["errors"])
        return told.get("data", {})

    async def listing(self, path: str, **params: Any) -> tuple[list[dict[str, Any]], str]:
        """A page of a listing: the things' data (with their `kind`), and what to ask for next. Raises Fault."""
        return things(await self.ask(path, **params))

    async def _request(self, method: str, path: str, **more: Any) -> Any:
        self._mind_the_limit()
        writes = method == "POST"
        try:
            async with asyncio.timeout(LIMIT):
                return await self._reddit.request(method=method, path=path, **more)
        except (AsyncPrawcoreException, AsyncPRAWException, OSError) as error:
            fault = fault_of(error, writes=writes)
            log.info("Reddit: %s: %s", path, fault.words)
            raise fault from error

    def _mind_the_limit(self) -> None:
        """Raises Fault as long as Reddit wants no requests."""
        now, reddit = self._clock.monotonic(), self._requestor
        if reddit.remaining < 1 and reddit.reset > LONGEST_PAUSE:
            self._paused_until = now + reddit.reset
            reddit.remaining = 1.0
        if self._paused_until > now:
            raise Fault(Fate.LATER, "Reddit wants fewer requests", self._paused_until - now)


def things(answer: Any) -> tuple[list[dict[str, Any]], str]:
    """The things of a listing as Reddit says it, and what to ask for next ("" at the end)."""
    listing = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(listing, dict):
        raise Fault(Fate.NOT_DONE, "Reddit's answer could not be read")
    found = [{**child["data"], "kind": child["kind"]} for child in listing.get("children", ())]
    return found, listing.get("after") or ""
