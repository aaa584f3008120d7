"""The command `/diary`: browse, search, export, delete. Only for the owner, and only where nobody reads along."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from rekku.core.clock import Clock
from rekku.core.commands import CommandCall
from rekku.plugins._ai_diary import keeper
from rekku.plugins._ai_diary.diary import Diary
from rekku.plugins._ai_diary.entry import Entry
from rekku.plugins._ai_diary.tokens import plain
from rekku.plugins._ai_diary.words import told

PAGE = 5
MOST_FOUND = 10
USAGE = "[PAGE] | search WORDS | show ID | export | delete ID | delete all yes | on | off"
NO_ENTRY = "There is no entry {!r}. The numbers stand in /diary."
LONGEST_SEARCH = 5.0
"""Seconds after which a search says what it has found so far."""


class Switch(Protocol):
    """Turns the diary on and off."""

    async def switch(self, on: bool) -> None:
        """Go on recording and remembering, or stop."""
        ...


class DiaryCommand:
    """What the owner may do with the diary."""

    def __init__(self, diary: Diary, switch: Switch, folder: Callable[[], Path], clock: Clock) -> None:
        self._diary = diary
        self._switch = switch
        self._folder = folder
        self._clock = clock

    async def run(self, call: CommandCall) -> str:
        """Do what the owner typed; the words for the owner."""
        if not call.message.direct:
            return "Others read along here. Ask me in a direct chat."
        word, _, rest = call.text.strip().partition(" ")
        deeds: dict[str, Callable[[str], Awaitable[str]]] = {
            "search": self._search,
            "show": self._show,
            "export": self.export,
            "delete": self._delete,
            "on": self._on,
            "off": self._off,
        }
        if word.casefold() in deeds:
            return await deeds[word.casefold()](rest.strip())
        if re.fullmatch(r"\d{0,6}", word) and not rest:
            return await self._browse(max(1, int(word or 1)))
        return f"Write /diary {USAGE}"

    async def _browse(self, page: int) -> str:
        count = await self._diary.count()
        entries = await self._diary.newest(PAGE, skip=(page - 1) * PAGE)
        if not entries:
            return "The diary is empty." if not count else f"There is no page {page}."
        pages = -(-count // PAGE)
        return _listing(entries) + f"\n\nPage {page} of {pages}, {count} entries."

    async def _search(self, text: str) -> str:
        wanted = plain(text).split()
        if not wanted:
            return "Write /diary search WORDS"
        found: list[Entry] = []
        until = self._clock.monotonic() + LONGEST_SEARCH
        async for entry in self._diary.everything():
            names = " ".join((*entry.involved_users, *entry.context_tags, entry.interaction_summary))
            searched = plain(f"{names}\n{entry.user_message}\n{entry.content}\n{entry.personal_thought}")
            if all(word in searched for word in wanted):
                found.append(entry)
            if len(found) == MOST_FOUND:
                break
            if self._clock.monotonic() > until:
                return f"{_listing(found)}\n\nI have looked back to {entry.timestamp:%Y-%m-%d}.".strip()
        return _listing(found) or f"Nothing in the diary has {text!r}."

    async def _show(self, text: str) -> str:
        entry = await self._one(text)
        if entry is None:
            return NO_ENTRY.format(text)
        heard_by = f"Heard by: {entry.privacy}; present: {', '.join(entry.present) or 'nobody'}"
        return f"{told(entry, longest=4000)}\nNumber: {entry.id}\n{heard_by}"

    async def export(self, _: str = "") -> str:
        """Write everything into a file; the words for the owner."""
        folder = await asyncio.to_thread(self._folder)
        file = folder / f"diary-{self._clock.now():%Y%m%dT%H%M%S}.jsonl"
        lines = [json.dumps(entry.as_dict(), ensure_ascii=False) async for entry in self._diary.everything()]
        await asyncio.to_thread(_write, file, lines)
        return f"{len(lines)} entries are in {file}"

    async def _delete(self, text: str) -> str:
        if text.casefold() == "all":
            return f"This erases all {await self._diary.count()} entries for good. Write /diary delete all yes"
        if text.casefold() == "all yes":
            return f"Erased: {await self._diary.recreate()} entries."
        entry = await self._one(text)
        if entry is None:
            return NO_ENTRY.format(text)
        await keeper.erase(self._diary.database, [entry])
        return f"Erased the entry of {entry.timestamp:%Y-%m-%d %H:%M}."

    async def _on(self, _: str) -> str:
        await self._switch.switch(True)
        return "The diary is on."

    async def _off(self, _: str) -> str:
        await self._switch.switch(False)
        return "The diary is off: nothing is written down or remembered until /diary on."

    async def _one(self, text: str) -> Entry | None:
        if not re.fullmatch(r"\d{1,18}|[1-8]\d{18}", text):
            return None
        return next(iter(await keeper.by_ids(self._diary.database, [int(text)])), None)


def _listing(entries: list[Entry]) -> str:
    return "\n\n".join(f"{told(entry, longest=200)}\nNumber: {entry.id}" for entry in entries)


def _write(file: Path, lines: list[str]) -> None:
    file.touch(mode=0o600)
    file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
