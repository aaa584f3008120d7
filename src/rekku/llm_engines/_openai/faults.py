"""What went wrong at the server's end, as Rekku's errors, in words that say what to do and hold no secret."""

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from rekku.core.errors import EngineBusy, EngineError, EngineRefused
from rekku.llm_engines._openai.request import OPTIONAL

SHOWN = 200
"""Characters of a server's own message that are shown."""

SHORTEST_SECRET = 8
_KEY = re.compile(r"\b(?:(?:sk|pk)[-_]|Bearer )[\w*.\-]{8,}")
_NO_MODEL = re.compile(
    r"(?:unknown|invalid|no such) model"
    r"|model\b.{0,160}?(?:not found|not exist|not a valid|not available|not loaded)",
    re.DOTALL,
)
_TOO_LONG = re.compile(r"context[_ ](?:length|window|size)|maximum context|too many tokens|prompt is too long")
_NO_CREDIT = re.compile(r"insufficient_quota|insufficient (?:balance|credit)|billing")
_NAMED = {
    "response_format": re.compile(r"response_format|schema|structured|grammar|guided"),
    "stream_options": re.compile(r"stream_options|include_usage"),
    "images": re.compile(r"image|vision|multi-?modal|mmproj|content\W.{0,40}string|valid string"),
    "stream": re.compile(r"\bstream(?:ing)?\b"),
}
_ONE_BAD_IMAGE = re.compile(
    r"upload|unsupported image|image (?:format|data|size|url)|(?:in)?valid image|corrupt|decode|too large|download"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as a server tells it: `message` for people, `words` (lower case) with its codes for us."""

    status: int
    message: str
    words: str
    headers: Mapping[str, str]

    @property
    def is_about_model(self) -> bool:
        """Whether the server does not have the model."""
        return "model_not_found" in self.words or _NO_MODEL.search(self.words) is not None

    def refuses(self, used: Collection[str], model: str) -> tuple[frozenset[str], frozenset[str]]:
        """Which optional parts of the request to leave out in the next try, and which of them for good."""
        if self.status not in (400, 404, 415, 422, 500, 501) or _TOO_LONG.search(self.words):
            return frozenset(), frozenset()
        if self.words.lstrip().startswith("<"):  # a web page, which may hold any word
            return frozenset(), frozenset()
        words = self.words.replace(model.lower(), "") if model else self.words
        for name in OPTIONAL:
            doubtful = self.status >= 500 and "stream" in name  # "stream error" is trouble, no refusal
            if name in used and not doubtful and _NAMED[name].search(words):
                for_good = name != "images" or not _ONE_BAD_IMAGE.search(words)
                return frozenset({name}), frozenset({name} if for_good else ())
        guess = self.status in (400, 422) or (self.status == 404 and "parameter" in words)
        if guess and not self.is_about_model:
            for name in OPTIONAL:
                if name in used:
                    return frozenset({name}), frozenset({name} - {"images"})
        return frozenset(), frozenset()


def read(status: int, headers: Mapping[str, str], raw: bytes | Any) -> Fault:
    """A fault out of a response's body (bytes, or what its JSON held)."""
    said = raw
    if isinstance(raw, bytes):
        try:
            said = orjson.loads(raw)
        except ValueError:
            said = raw.decode("utf-8", "replace")
    if isinstance(said, list) and said:
        said = said[0]
    message, codes = _unwrap(said)
    return Fault(status, message, f"{message} {codes}".lower()[:10_000], headers)


def status_of(error: Any) -> int:
    """The HTTP status that an error object inside a stream stands for."""
    if isinstance(error, Mapping):
        code = error.get("code", error.get("status"))
        if isinstance(code, int) and 400 <= code < 600:
            return code
        words = f"{code} {error.get('type')}".lower()
        if "rate_limit" in words or "overloaded" in words or "quota" in words:
            return 429
        if "invalid" in words:
            return 400
    return 500


class Faults:
    """Makes errors that name the server at `where` and never hold the key."""

    def __init__(self, where: str, key: str, now: Callable[[], datetime]) -> None:
        self.where = where
        self._key = key
        self._now = now

    def error(self, fault: Fault, model: str) -> EngineError:
        """The error that the engine raises for a fault."""
        status, where = fault.status, self.where
        said = self.shown(fault.message)
        if status in (401, 403):
            advice = "Check OPENAI_API_KEY." if self._key else "It wants a key: set OPENAI_API_KEY."
            return EngineRefused(f"The model server {where} refused us ({status}). {advice}{said}")
        if status == 402 or _NO_CREDIT.search(fault.words):
            return EngineRefused(f"The account at {where} has no credit left.{said}")
        if status in (408, 429) or status >= 500:
            wait = retry_after(fault.headers, self._now())
            return EngineBusy(f"The model server {where} is overloaded or in trouble ({status}).{said}", wait)
        if fault.is_about_model:
            return EngineRefused(
                f"The model {model} is not at {where}: /model lists what is there, CHATGPT_MODEL sets it.{said}"
            )
        if 300 <= status < 400:
            return EngineRefused(
                f"{where} sends us elsewhere ({status}). Put the server's real address in OPENAI_BASE_URL."
            )
        if status in (404, 405):
            return EngineRefused(
                f"{where} has no chat there ({status}). OPENAI_BASE_URL must be the whole base, usually with /v1.{said}"
            )
        if status == 413 or _TOO_LONG.search(fault.words):
            return EngineRefused(f"The prompt is too long for {model} at {where}.{said}")
        return EngineRefused(f"The model server {where} refused the request ({status}).{said}")

    def shown(self, text: str) -> str:
        """A server's own words, shortened, without secrets, as the end of a message."""
        text = " ".join(text.split())
        if not text:
            return ""
        if text[:200].lower().startswith(("<!doctype", "<html", "<?xml", "<head")):
            return " It answered with a web page."
        text = self.hide(text)
        return f" It says: {text[:SHOWN]}{'…' if len(text) > SHOWN else ''}"

    def hide(self, text: str) -> str:
        """The text without the key, and without what looks like one."""
        if len(self._key) >= SHORTEST_SECRET:
            text = text.replace(self._key, "[secret]")
        return _KEY.sub("[secret]", text)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds of a Retry-After header, which gives seconds or an HTTP date; None if there is none."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _unwrap(said: Any) -> tuple[str, str]:
    """Message and codes out of the shapes in use: `{"error": {…}}`, `{"error": text}`, `{"detail": …}`, text."""
    if not isinstance(said, Mapping):
        return str(said), ""
    inner = said.get("error")
    if isinstance(inner, Mapping):
        said = inner
    elif isinstance(inner, str):
        return inner, ""
    codes = " ".join(str(said[key]) for key in ("code", "type", "param", "status") if said.get(key))
    message = said.get("message") or said.get("detail") or said.get("error") or ""
    if not isinstance(message, str):
        message = json.dumps(message, default=str)
    return message, codes
