"""From a model's reply to what it asked for. Takes any text, never raises, and runs nothing."""

import asyncio
import json
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import orjson

from rekku.chain import json_finder
from rekku.chain.asked import Asked, members_of, read_member, words_of
from rekku.chain.json_finder import CANDIDATE, SYSTEM_MESSAGE, Broken, Found, Marks, decode_at, decode_whole
from rekku.chain.reply_text import SPACES, answer_in
from rekku.core.text import whole_characters

__all__ = ["Asked", "Reply", "parse", "parse_reply"]

LONGEST_REPLY = 1_000_000
"""Characters; what comes after is not read."""
LONGEST_WORDS = 100_000
LONGEST_IN_LOOP = 20_000
"""Characters; longer replies are parsed in a thread."""
MOST_CANDIDATES = 200
"""How many places are tried where JSON could begin; each costs up to a look through the whole text."""

PROSE = "there was text around the JSON"
REPAIRED = "the JSON had to be repaired"
DIALECT = "the actions were not written as `type` and `payload`"
MISPLACED = "an action stood inside other JSON"
UNREADABLE = "the JSON could not be read"
TOO_LONG = f"it was longer than {LONGEST_REPLY:,} characters"
UNFINISHED = "it ended while still thinking, without an answer"

Repair = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model's reply comes to.

    asked: what may be considered, in order; fields: declared reply fields found beside "actions"; words: the prose,
    never an action's JSON; clean: if False, only `message` and quotable actions may run, and `unclean_because` says
    why; enveloped: False for plain words; cut: how many actions beyond the limit were left out.
    """

    asked: tuple[Asked, ...]
    fields: dict[str, Any]
    words: str
    clean: bool
    enveloped: bool
    unclean_because: str = ""
    cut: int = 0


def parse(text: str, known: Collection[str], reply_fields: Collection[str] = (), max_actions: int = 10) -> Reply:
    """Read a reply. `known` are the names of all actions, `reply_fields` the keys wanted beside "actions"."""
    return _parse(text, _Reading(frozenset(known), tuple(reply_fields), max_actions), json_finder.repair)


async def parse_reply(
    text: str, known: Collection[str], reply_fields: Collection[str] = (), max_actions: int = 10
) -> Reply:
    """Read a reply as `parse` does, in a thread if it takes long."""
    reply = None if len(text) > LONGEST_IN_LOOP else _parse_sound(text, known, reply_fields, max_actions)
    if reply is None:
        return await asyncio.to_thread(parse, text, known, reply_fields, max_actions)
    return reply


def _parse_sound(text: str, known: Collection[str], reply_fields: Collection[str], max_actions: int) -> Reply | None:
    """The reply, or None if it has to be repaired first."""
    try:
        return _parse(text, _Reading(frozenset(known), tuple(reply_fields), max_actions), _not_here)
    except _NeedsRepairError:
        return None


class _NeedsRepairError(Exception):
    """The reply holds broken JSON, and to repair it takes too long for the event loop."""


def _not_here(_text: str) -> Any:
    raise _NeedsRepairError


@dataclass(slots=True)
class _Reading:
    """What was found so far."""

    known: frozenset[str]
    reply_fields: tuple[str, ...]
    most: int
    asked: list[Asked] = field(default_factory=list)
    fields: dict[str, Any] = field(default_factory=dict)
    because: dict[str, None] = field(default_factory=dict)
    enveloped: bool = False
    cut: int = 0

    def take(self, value: Any, faults: Collection[str] = (), *, alone: bool = False) -> bool:
        """Note the actions of a JSON value; False if there are none. `alone`: nothing stands around it."""
        read = members_of(value, self.known, alone=alone)
        if read is None:
            return False
        members, proper = read
        self.enveloped = True
        self.because.update(dict.fromkeys(faults))
        room = max(0, self.most - len(self.asked))
        for member in members[:room]:
            asked, well_formed = read_member(member)
            proper = proper and well_formed
            self.asked.append(_storable(asked))
        self.cut += max(0, len(members) - room)
        if not proper:
            self.because[DIALECT] = None
        self.take_fields(value)
        return True

    def take_fields(self, value: Any) -> None:
        """Note the declared reply fields of an envelope."""
        if isinstance(value, dict):
            found = {key: value[key] for key in self.reply_fields if key in value and key not in self.fields}
            self.fields.update(_storable(Asked("", found)).payload)

    def reply(self, words: str) -> Reply:
        """The outcome; the words are dropped if there is a message."""
        if any(a.problem == "" and (a.type == "message" or a.type.startswith("message_")) for a in self.asked):
            words = ""
        if len(words) > LONGEST_WORDS:
            words = words[: LONGEST_WORDS - 1] + "…"
        because = "; ".join(self.because)
        return Reply(tuple(self.asked), self.fields, words, not because, self.enveloped, because, self.cut)


def _parse(text: str, reading: _Reading, repair: Repair) -> Reply:
    if len(text) > LONGEST_REPLY:
        text = text[:LONGEST_REPLY]
        reading.because[TOO_LONG] = None
    answer = answer_in(whole_characters(text))
    if answer is None:
        reading.enveloped = True
        reading.because[UNFINISHED] = None
        return reading.reply("")
    if (unquoted := _quoted_json(answer)) is not None:
        answer = unquoted
        reading.because[REPAIRED] = None
    whole = decode_whole(answer)
    if whole is not None:
        return _read_whole(whole, answer, reading)
    return reading.reply(_Search(answer, reading, repair).words())


def _quoted_json(text: str) -> str | None:
    """The JSON of a reply that is one JSON string with an attempt to act in it."""
    if not text.startswith('"') or '\\"' not in text:
        return None
    found = decode_at(text)
    if isinstance(found, Broken) or found.end != len(text):
        return None
    inner = whole_characters(str(found.value)).strip(SPACES)
    return inner if inner[:1] in {"{", "["} else None


def _read_whole(whole: Found, text: str, reading: _Reading) -> Reply:
    if reading.take(whole.value, whole.faults, alone=True):
        return reading.reply("")
    words = words_of(whole.value, reading.reply_fields)
    if words is not None:
        reading.take_fields(whole.value)
        return reading.reply(whole_characters(words).strip(SPACES))
    if SYSTEM_MESSAGE in whole.faults or Marks(text, reading.known).next(0) is not None:
        reading.enveloped = True
        reading.because[SYSTEM_MESSAGE if SYSTEM_MESSAGE in whole.faults else MISPLACED] = None
        return reading.reply("")
    return reading.reply(text)


class _Search:
    """Looks for actions among words, and keeps the words."""

    def __init__(self, text: str, reading: _Reading, repair: Repair) -> None:
        self.text = text
        self.reading = reading
        self.repair = repair
        self.marks = Marks(text, reading.known)
        self.kept: list[str] = []
        self.from_here = 0
        self.in_fence = False
        self.failed: list[int] = []

    def words(self) -> str:
        """Note the actions; what remains of the text is the prose."""
        budget = 3 * len(self.text) + 50_000
        candidate = CANDIDATE.search(self.text)
        for _ in range(MOST_CANDIDATES):
            if candidate is None or budget < 0:
                break
            at = candidate.start()
            found = decode_at(self.text, at)
            if isinstance(found, Found):
                self._judge(found)
                candidate = CANDIDATE.search(self.text, found.end)
                continue
            budget -= found.cost
            candidate = CANDIDATE.search(self.text, at + 1)
            if self._is_attempt(at, found, len(self.text) if candidate is None else candidate.start()):
                self._mend(at)
                return self._tidied()
            self.failed.append(at)
        if candidate is not None and (mark := self.marks.next(candidate.start())) is not None:
            self._mend(max(self.text.rfind("{", candidate.start(), mark), candidate.start()))
        return self._tidied()

    def _judge(self, found: Found) -> None:
        mark = self.marks.next(found.start)
        if self.reading.take(found.value, found.faults):
            self._leave_out(found.start, found.end)
        elif SYSTEM_MESSAGE in found.faults or (mark is not None and mark < found.end):
            self.reading.enveloped = True
            self.reading.because[SYSTEM_MESSAGE if SYSTEM_MESSAGE in found.faults else MISPLACED] = None
            self._leave_out(found.start, found.end)

    def _is_attempt(self, at: int, broken: Broken, next_candidate: int) -> bool:
        mark = self.marks.next(at)
        return mark is not None and (broken.reached > mark or next_candidate > mark)

    def _mend(self, at: int) -> None:
        """Read what broken JSON meant; whatever comes of it, nobody sees the rest of the text."""
        start = next((f for f in self.failed[:5] if f >= self.from_here and _still_open(self.text, f, at)), at)
        self.reading.enveloped = True
        meant = self.repair(self.text[start:])
        taken = meant is not None and self.reading.take(meant, (REPAIRED,))
        if not taken:
            self.reading.because[UNREADABLE] = None
        self._leave_out(start, len(self.text))

    def _leave_out(self, start: int, end: int) -> None:
        """Cut a piece of the text out of the words, and the code fence around it."""
        opening = max(json_finder.fence_before(self.text, start), self.from_here)
        if self.text.count("```", self.from_here, opening) % 2 != self.in_fence:
            opening = start  # that fence closes another block
        self._keep(self.text[self.from_here : opening])
        self.in_fence = self.in_fence or opening < start
        if self.in_fence:
            closing = json_finder.fence_after(self.text, end)
            self.in_fence = closing == end
            end = closing
        self.from_here = end

    def _keep(self, piece: str) -> None:
        if self.in_fence and "```" in piece:
            piece = piece.replace("```", "", 1)  # its opening has been cut out
            self.in_fence = False
        self.kept.append(piece)

    def _tidied(self) -> str:
        if not self.from_here:
            return self.text
        self._keep(self.text[self.from_here :])
        pieces = (_without_tags(piece).strip(SPACES) for piece in self.kept)
        words = "\n\n".join(piece for piece in pieces if piece.strip(SPACES + "[]{}(),;:.`'\""))
        if words or not self.reading.because:
            self.reading.because[PROSE] = None
        return words


def _still_open(text: str, start: int, end: int) -> bool:
    opened = text.count("{", start, end) + text.count("[", start, end)
    return opened > text.count("}", start, end) + text.count("]", start, end)


def _without_tags(piece: str) -> str:
    for tag in ("<tool_call>", "</tool_call>", "<tool_calls>", "</tool_calls>"):
        piece = piece.replace(tag, "")
    return piece


def _storable(asked: Asked) -> Asked:
    """The same, with a payload that the journal can keep; what cannot be kept becomes a problem."""
    try:
        orjson.dumps((asked.type, asked.payload))
    except TypeError as error:
        if "surrogates" in str(error):
            return _storable(_with_whole_characters(asked))
        return Asked(asked.type, {}, f"payload cannot be read: {error}")
    return asked


def _with_whole_characters(asked: Asked) -> Asked:
    payload = json.loads(whole_characters(json.dumps(asked.payload, ensure_ascii=False)))
    return Asked(whole_characters(asked.type), payload, asked.problem)
