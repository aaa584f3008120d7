"""The diary as a control panel shows it to the owner: all of it, whoever was listening."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from rekku.core.clock import Clock
from rekku.core.errors import ActionError
from rekku.plugins._ai_diary import keeper
from rekku.plugins._ai_diary.command import DiaryCommand
from rekku.plugins._ai_diary.diary import Diary
from rekku.plugins._ai_diary.entry import PRIVACIES, Entry
from rekku.plugins._ai_diary.tokens import plain

PAGE = 20
LONGEST_SEARCH = 5.0
MOST_DAYS = 365
MOST_FELT = 5000
LONGEST = 20_000
"""Characters of a field."""
TEXTS = ("content", "personal_thought", "interaction_summary")


class Panel:
    """What the owner may do with the diary there."""

    def __init__(self, diary: Diary, command: DiaryCommand, clock: Clock) -> None:
        self._diary = diary
        self._command = command
        self._clock = clock

    async def do(self, deed: str, given: Mapping[str, Any]) -> Any:
        """`entries` (words, person, topic, feeling, before), `moods` (days), `edit`, `delete` (id), `export`."""
        match deed:
            case "entries":
                return await self._entries(given)
            case "moods":
                return await self._moods(given)
            case "export":
                return {"words": await self._command.export()}
            case "delete":
                entry = await self._one(given)
                return {"erased": await keeper.erase(self._diary.database, [entry])}
            case "edit":
                return await self._edit(await self._one(given), given)
        raise ActionError(f"there is no {deed!r} for the diary")

    async def _entries(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        """A page of entries that fit, the newest first; `before` is where the next page goes on, "" at the end."""
        wanted = plain(_text(given, "words")).split()
        person, topic, feeling = (_text(given, name).casefold() for name in ("person", "topic", "feeling"))
        found: list[Entry] = []
        until = self._clock.monotonic() + LONGEST_SEARCH
        before = _number(given.get("before")) if given.get("before") else keeper.NEWER_THAN_ALL
        async for entry in self._diary.everything(before):
            before = entry.id
            if _fits(entry, wanted, person, topic, feeling):
                found.append(entry)
            if len(found) == PAGE or self._clock.monotonic() > until:
                break
        else:
            before = 0
        return {
            "entries": [_shown(entry) for entry in found],
            "before": str(before) if before else "",
            "count": await self._diary.count(),
        }

    async def _moods(self, given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """For each day of the last `days` (UTC) how strong each feeling was, on the average of its entries."""
        days = given.get("days")
        days = min(MOST_DAYS, max(1, days)) if isinstance(days, int) else 30
        felt: dict[str, dict[str, list[float]]] = {}
        for entry in await self._diary.newest(MOST_FELT, since=self._clock.now() - timedelta(days=days)):
            for feeling in entry.emotions:
                felt.setdefault(f"{entry.timestamp:%Y-%m-%d}", {}).setdefault(feeling.type, []).append(
                    feeling.intensity
                )
        return [
            {"day": day, "feelings": {name: round(sum(all_) / len(all_), 2) for name, all_ in felt[day].items()}}
            for day in sorted(felt)
        ]

    async def _edit(self, old: Entry, given: Mapping[str, Any]) -> Mapping[str, Any]:
        changes: dict[str, Any] = {name: _text(given, name).strip() for name in TEXTS if name in given}
        if changes.get("content") == "":
            raise ActionError("content is empty; delete the entry instead")
        if "context_tags" in given:
            tags = given["context_tags"]
            if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
                raise ActionError("context_tags must be a list of texts")
            changes["context_tags"] = tuple(tag.strip() for tag in tags if tag.strip())
        if "privacy" in given:
            if given["privacy"] not in PRIVACIES:
                raise ActionError(f"privacy must be one of {', '.join(PRIVACIES)}")
            changes["privacy"] = given["privacy"]
        new = replace(old, **changes)
        await keeper.rewrite(self._diary.database, old, new)
        return _shown(new)

    async def _one(self, given: Mapping[str, Any]) -> Entry:
        found = await keeper.by_ids(self._diary.database, [_number(given.get("id"))])
        if not found:
            raise ActionError("there is no such entry (any more)")
        return found[0]


def _fits(entry: Entry, wanted: list[str], person: str, topic: str, feeling: str) -> bool:
    if person and all(person not in name.casefold() for name in entry.involved_users):
        return False
    if topic and all(topic not in tag.casefold() for tag in entry.context_tags):
        return False
    if feeling and all(feeling != one.type.casefold() for one in entry.emotions):
        return False
    searched = plain(f"{entry.searched}\n{entry.interaction_summary}\n{entry.personal_thought}") if wanted else ""
    return all(word in searched for word in wanted)


def _shown(entry: Entry) -> Mapping[str, Any]:
    """An entry for the page; its number as a text, since browsers round such large ones."""
    return {**entry.as_dict(), "id": str(entry.id)}


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ActionError(f"{name} must be a text of at most {LONGEST} characters")
    return value


def _number(value: object) -> int:
    text = str(value)
    if not re.fullmatch(r"\d{1,18}|[1-8]\d{18}", text):
        raise ActionError("that is no number of an entry")
    return int(text)
