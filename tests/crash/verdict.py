"""Whether Rekku kept its word: the world outside (the trace) against the promises and the database."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sqlalchemy import select

from rekku.store.database import StoredDatabase, open_database
from rekku.store.schema import HISTORY, INBOX, OUTBOX
from tests.crash.life import Life

DEEDS = ("deed", "late_deed", "early_deed", "late_note")
OUT_OF_ORDER = ("deferred", "elsewhere")
"""Kinds that may be answered later than what was written after them, or in another chat."""


@dataclass
class Verdict:
    """What is wrong, and what was seen on the way."""

    problems: list[str] = field(default_factory=list)
    messages: int = 0
    twice: int = 0
    """Messages that were sent again because the process died between sending and recording."""

    unknown: int = 0
    """Deeds of which the model was told that their outcome is unknown."""


class World:
    """What happened outside: what can be seen in the chats, what was done, and what the database says."""

    def __init__(self, life: Life, inbox: list[Any], outbox: list[Any], history: list[Any]) -> None:
        self.trace = life.trace()
        self.kinds: dict[int, str] = {line["number"]: line["kind"] for line in life.given}
        self.given = life.given
        self.inbox, self.outbox, self.history = inbox, outbox, history
        self.rows = {str(row.id): row for row in outbox}
        self.sent = [row for row in outbox if row.status == "sent"]
        self.visible: dict[str, dict[str, Any]] = {}
        for line in self.trace:
            if line["what"] in ("send", "edit"):
                self.visible[line["id"]] = line
            elif line["what"] == "delete":
                self.visible.pop(line["id"], None)

    def of(self, what: str) -> list[dict[str, Any]]:
        """The lines of the trace of that sort."""
        return [line for line in self.trace if line["what"] == what]

    def texts(self, start: str) -> list[str]:
        """What was sent for good and begins so."""
        return [row.text for row in self.sent if row.text.startswith(start + " ")]


async def judge(life: Life) -> Verdict:
    """Everything that was promised and not kept; to be asked when all is quiet."""
    database = await open_database(life.home, life.server)
    try:
        world = World(life, *[await _all(database, table) for table in (INBOX, OUTBOX, HISTORY)])
    finally:
        await database.close()
    checks = (
        _answered,
        _commands,
        _done_once,
        _sent_once,
        _nothing_left,
        _in_order,
        _history_once,
        _told_of_the_end,
        _closed,
    )
    problems = [problem for check in checks for problem in check(world)]
    unknown = sum("unknown" in text for text in world.texts("end"))
    return Verdict(problems, len(life.given), len(_unrecorded(world)), unknown)


async def _all(database: StoredDatabase, table: Any) -> list[Any]:
    return await database.fetch(select(table).order_by(table.c.id))


def _answered(world: World) -> Iterator[str]:
    """Every message got each of its replies, once."""
    acknowledged = Counter(line["number"] for line in world.of("acknowledged"))
    replies = {start: Counter(n for text in world.texts(start) for n in _numbers(text)) for start in _STARTS}
    for number, kind in world.kinds.items():
        if not acknowledged[number]:
            yield f"message {number} was never acknowledged"
        for start in _starts(kind):
            if replies[start][number] != 1:
                yield f"message {number} ({kind}) got {replies[start][number]} replies of the sort “{start}”"


def _commands(world: World) -> Iterator[str]:
    """Every command was answered, and ran at most once; nobody is told that it ran when it is not known."""
    ran = Counter(line["number"] for line in world.of("ring"))
    answers = Counter(_numbers(text)[0] for text in world.texts("rang"))
    interrupted = Counter(int(text.split("/ring ")[1].split(",")[0]) for text in world.texts("I was restarted"))
    for number, kind in world.kinds.items():
        if kind == "command" and (answers[number], interrupted[number]) not in ((1, 0), (0, 1)):
            yield f"command {number} was answered {answers[number]} times, {interrupted[number]} times as interrupted"
        if kind == "command" and ran[number] > 1:
            yield f"command {number} ran {ran[number]} times"


def _done_once(world: World) -> Iterator[str]:
    """No mark was begun twice; the model was told what is known, and that it is not known, truly."""
    marks, finished = Counter(n["number"] for n in world.of("mark")), {n["number"] for n in world.of("marked")}
    notes = {line["number"] for line in world.of("note")}
    ends = {_numbers(text)[0]: text.split()[-1] for text in world.texts("end")}
    for number, kind in world.kinds.items():
        if marks[number] > 1:
            yield f"the mark of message {number} was made {marks[number]} times"
        if kind in ("deed", "late_deed", "early_deed") and ends.get(number) == "done" and number not in finished:
            yield f"the model was told that the mark of message {number} was made, and it was not"
        if kind in (*DEEDS, "corrected") and number not in notes:
            yield f"the note of message {number} was not made"
        if kind not in ("deed", "late_deed", "early_deed") and ends.get(number) == "unknown":
            yield f"the model was told an outcome as unknown in message {number}, which had none"


def _sent_once(world: World) -> Iterator[str]:
    """What is recorded as sent is not sent again, and a run sends nothing twice."""
    recorded: set[str] = set()
    sent: set[tuple[int, str]] = set()
    for line in world.trace:
        if line["what"] == "recorded":
            recorded.add(line["key"])
        elif line["what"] == "send":
            if line["key"] in recorded:
                yield f"the message {line['key']} was sent in run {line['run']} though it was recorded as sent before"
            if (line["run"], line["key"]) in sent:
                yield f"the message {line['key']} was sent twice in run {line['run']}"
            sent.add((line["run"], line["key"]))


def _nothing_left(world: World) -> Iterator[str]:
    """What can be seen is what was promised: no half draft, nothing else."""
    for row in world.sent:
        seen = world.visible.get(row.platform_id)
        if seen is None or seen["text"] != row.text:
            yield f"the message {row.id} should read {row.text!r} and reads {seen and seen['text']!r}"
    unrecorded = _unrecorded(world)
    shown = {row.platform_id for row in world.sent} | unrecorded
    for number in world.visible.keys() - shown:
        line = world.visible[number]
        status = world.rows[line["key"]].status
        yield f"{line['text']!r} was left behind in {line['chat']} (the message {line['key']} is {status})"


def _unrecorded(world: World) -> set[str]:
    """Messages that can be seen, but the process died before it could be recorded that they can."""
    recorded = {line["id"] for line in world.of("recorded")}
    return world.visible.keys() - recorded - {row.platform_id for row in world.outbox}


def _in_order(world: World) -> Iterator[str]:
    """Within a conversation replies came in the order of the messages."""
    order: dict[tuple[str, str], list[int]] = defaultdict(list)
    seen: set[str] = set()
    for line in world.of("send"):
        row = world.rows.get(line["key"])
        if row is None or line["key"] in seen or row.text.split(" ")[0] not in _STARTS:
            continue
        seen.add(line["key"])
        numbers = _numbers(row.text)
        if not any(world.kinds[number] in OUT_OF_ORDER for number in numbers):
            order[line["chat"], line["thread"]] += numbers
    for where, numbers in order.items():
        for one, following in pairwise(numbers):
            if following < one:
                yield f"in {where} message {following} was answered after message {one}"


def _history_once(world: World) -> Iterator[str]:
    """Each line that was said or heard stands in the history once."""
    heard = Counter(row.text for row in world.history if row.person_id)
    if heard != Counter(f"{line['number']} {line['kind']}" for line in world.given if line["kind"] != "command"):
        yield f"the history of what was heard is not what was heard: {heard}"
    said = Counter((row.chat_id, row.thread_id, row.text) for row in world.history if not row.person_id)
    sent = Counter((row.chat_id, row.thread_id, row.text) for row in world.sent if row.turn_id is not None)
    for line in (said - sent) + (sent - said):
        yield f"{line} stands {said[line]} times in the history and was sent {sent[line]} times"


def _told_of_the_end(world: World) -> Iterator[str]:
    """Components heard of the end of each turn, with all that it said."""
    last = {line["turn"]: line for line in world.of("hook")}
    told = {number for line in world.of("hook") for number in line["numbers"]}
    for number in {number for number, kind in world.kinds.items() if kind != "command"} - told:
        yield f"nobody was told that the turn of message {number} ended"
    for row in world.sent:
        line = last.get(row.turn_id)
        if row.text.split(" ")[0] in _STARTS and line is not None and row.text not in line["replies"]:
            yield f"the turn {row.turn_id} ended without mention of its reply {row.text!r}"


def _closed(world: World) -> Iterator[str]:
    """Nothing is open, and nothing was given up."""
    for row in world.inbox:
        if row.status != "done":
            yield f"the message {row.body} is {row.status} after {row.tries} tries"
    for row in world.outbox:
        if row.status not in ("sent", "dropped"):
            yield f"the outgoing message {row.text!r} is {row.status}"


_STARTS = ("re", "did", "end")


def _starts(kind: str) -> tuple[str, ...]:
    if kind == "command":
        return ()
    if kind in DEEDS:
        return ("did", "end")
    return ("end",) if kind == "corrected" else ("re",)


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(" : ", 1)[0].split(" ")[1:] if word.isdigit()]
