"""JSON inside a model's text: where it stands, what it says, whether it is sound. Linear time for any text."""

import json
import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

log = logging.getLogger(__name__)

LONGEST_REPAIR = 20_000
"""Characters; json-repair takes some 90 ms for so much rubbish."""

DUPLICATE = "the key {!r} appears twice"
SYSTEM_MESSAGE = "it contains system_message"
NOT_A_NUMBER = "{} is not JSON"
RAW_CONTROL = "a line break stood unescaped in a string"

CANDIDATE = re.compile(r"""\{[ \t\r\n]*["'“”\\}]|\[[ \t\r\n]*\{""")
_OPENING_FENCE = re.compile(r"```[ \t]*[\w+-]{0,20}\s{0,20}\Z")
_CLOSING_FENCE = re.compile(r"\s*```")
_WHOLE_FENCE = re.compile(r"```[ \t]*(?:json[\w]{0,10})?(?=[\s{\[])", re.IGNORECASE)
_MARK = re.compile(
    r"""\\?["'“”](?:actions\\?["'“”]\s*:|(?:type|action|name)\\?["'“”]\s*:\s*\\?["'“”]([\w.-]{1,100})\\?["'“”])"""
)


@dataclass(frozen=True, slots=True)
class Found:
    """A sound JSON value; `faults` says in words what makes it doubtful all the same."""

    value: Any
    start: int
    end: int
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Broken:
    """No JSON value begins there; `reached` is how far one could be read, `cost` how many characters were looked at."""

    reached: int
    cost: int


def decode_at(text: str, start: int = 0) -> Found | Broken:
    """The JSON value that begins exactly at `start`. Never raises."""
    faults: dict[str, None] = {}
    try:
        value, end = _decoder(faults, strict=True).raw_decode(text, start)
    except json.JSONDecodeError as error:
        if error.msg.startswith("Invalid control character"):
            return _decode_leniently(text, start)
        return _broken(error, text, start)
    except (RecursionError, ValueError):  # nested too deeply; a whole number of thousands of digits
        return Broken(len(text), len(text) // 4)
    return Found(value, start, end, tuple(faults))


def _decode_leniently(text: str, start: int) -> Found | Broken:
    faults: dict[str, None] = {}
    try:
        value, end = _decoder(faults, strict=False).raw_decode(text, start)
    except json.JSONDecodeError as error:
        return _broken(error, text, start)
    except (RecursionError, ValueError):
        return Broken(len(text), len(text) // 4)
    return Found(value, start, end, (RAW_CONTROL, *faults))


def _broken(error: json.JSONDecodeError, text: str, start: int) -> Broken:
    # An unterminated string is reported at its beginning, though it was read to the end of the text.
    read_to = len(text) if error.msg.startswith("Unterminated string") else error.pos
    return Broken(error.pos, read_to - start)


def _decoder(faults: dict[str, None], *, strict: bool) -> json.JSONDecoder:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items) and len(faults) < 3:
            faults[DUPLICATE.format(_first_duplicate(items))] = None
        if "system_message" in found or found.get("type") == "system_message":
            faults[SYSTEM_MESSAGE] = None
        return found

    def constant(name: str) -> None:
        faults[NOT_A_NUMBER.format(name)] = None

    return json.JSONDecoder(object_pairs_hook=pairs, parse_constant=constant, strict=strict)


def _first_duplicate(items: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for key, _ in items:
        if key in seen:
            return key[:60]
        seen.add(key)
    return ""


def decode_whole(text: str) -> Found | None:
    """The one JSON value that the text is, perhaps in one code fence; None if it is anything else."""
    start, stop = 0, len(text)
    if (fence := _WHOLE_FENCE.match(text)) and text.endswith("```") and stop > fence.end() + 3:
        start, stop = fence.end(), stop - 3
    body = text[start:stop].strip()
    if body[:1] not in {"{", "["}:
        return None
    found = decode_at(body)
    return found if isinstance(found, Found) and found.end == len(body) else None


def fence_before(text: str, at: int) -> int:
    """Where a code fence begins that opens right before `at`; `at` itself if none does."""
    tail = text[max(0, at - 48) : at]
    opening = _OPENING_FENCE.search(tail)
    return at if opening is None else at - len(tail) + opening.start()


def fence_after(text: str, at: int) -> int:
    """Where a code fence ends that closes right after `at`; `at` itself if none does."""
    closing = _CLOSING_FENCE.match(text, at)
    return at if closing is None else closing.end()


class Marks:
    """Places in a text where somebody seems to act: the key "actions", or "type" with a known name.

    To be asked in rising order only: the text is read once.
    """

    def __init__(self, text: str, known: Collection[str]) -> None:
        self._found = _MARK.finditer(text)
        self._known = known
        self._at: int | None = -1

    def next(self, start: int) -> int | None:
        """The first such place at or after `start`."""
        while self._at is not None and self._at < start:
            self._at = next((m.start() for m in self._found if m[1] is None or m[1] in self._known), None)
        return self._at


def repair(text: str) -> Any:
    """What broken JSON probably meant; None if it cannot be told."""
    if len(text) > LONGEST_REPAIR:
        return None
    import json_repair

    try:
        return json_repair.repair_json(text, return_objects=True, skip_json_loads=True)
    except RecursionError:
        return None
    except Exception:  # a door: rubbish from a model must not end a turn, whatever the library makes of it
        log.exception("json-repair failed on a reply of %d characters", len(text))
        return None
