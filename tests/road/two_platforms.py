"""A second platform, and a plugin that keeps things about people: what joining two people needs."""

import asyncio

from rekku.testing import MemoryInterface


class Other(MemoryInterface):
    """A second platform."""

    def __init__(self) -> None:
        super().__init__("other", frozenset())


class Keeper:
    """A plugin that keeps things about people; it dies `deaths` times on the way, and waits for the gate."""

    def __init__(self) -> None:
        self.merged: list[tuple[str, str]] = []
        self.deaths = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def merge_person(self, old: str, new: str) -> None:
        await self.gate.wait()
        if self.deaths:
            self.deaths -= 1
            raise ConnectionError("the power went out")
        self.merged.append((old, new))
