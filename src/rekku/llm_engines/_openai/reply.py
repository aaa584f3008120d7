"""What comes back: words, native tool calls and usage, out of a stream or a whole answer."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from rekku.core.errors import EngineRefused, EngineUnreachable
from rekku.llm_engines._openai import faults
from rekku.llm_engines._openai.sse import MAX_EVENT, Events, TooLong

log = logging.getLogger(__name__)

MAX_TEXT = 2_000_000
"""Characters of one reply."""
DEAREST = 1_000_000
"""US dollars. What a server says beyond it is a mistake."""

_HALF_PAIR = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


@dataclass(slots=True)
class ToolCall:
    """One native tool call, whose arguments come in pieces."""

    id: str
    name: str = ""
    arguments: list[str] = field(default_factory=list)

    def action(self) -> dict[str, Any]:
        """The call as an action. Arguments that are no JSON stay a text, which the parser refuses in words."""
        text = "".join(self.arguments)
        payload: Any = text
        text = text.strip()
        try:
            orjson.loads(text or "{}")
        except ValueError:
            log.warning("The model called %s with arguments that are not JSON.", self.name)
        else:
            payload = orjson.Fragment(text or "{}")
        return {"type": self.name, "payload": payload}


class Reply:
    """Puts one reply together. With `hold` the words are kept until the end, for models that call tools natively."""

    def __init__(self, faults: "faults.Faults", model: str, *, hold: bool = False) -> None:
        self.faults = faults
        self.asked = model
        self.model = ""
        self.finish = ""
        self.usage: tuple[int, int] | None = None
        self.cost: float | None = None
        self.characters = 0
        self.mixed = False
        self._hold = hold
        self._words: list[str] = []
        self._calls: list[ToolCall] = []
        self._by_index: dict[Any, ToolCall] = {}

    def take(self, chunk: Any) -> str:
        """The words in one chunk of a stream, or in a whole answer."""
        if not isinstance(chunk, dict):
            raise EngineUnreachable(f"The model server {self.faults.where} sent JSON that is no chat completion.")
        error = chunk.get("error")
        if error or chunk.get("object") == "error":
            status = faults.status_of(error or chunk)
            raise self.faults.error(faults.read(status, {}, chunk), self.asked)
        if isinstance(model := chunk.get("model"), str) and model:
            self.model = model
        if isinstance(usage := chunk.get("usage"), dict):
            self.usage = (_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))
            self.cost = _dollars(usage.get("cost"))
        choices = chunk.get("choices")
        if not isinstance(choices, list):
            return ""
        words = "".join(self._choice(c) for c in choices if isinstance(c, dict) and not c.get("index"))
        if not words:
            return ""
        if self._calls and not self._hold:
            self._hold = True
        self._words.append(words)
        return "" if self._hold else words

    def rest(self) -> str:
        """What is left to say when all has come: held words, or the envelope of the tool calls."""
        words = "".join(self._words)
        if self.finish == "length":
            log.warning("The reply of %s was cut off at the model's own limit.", self.model or self.asked)
        if not self._calls:
            return words if self._hold else ""
        if words.lstrip().startswith(("{", "[", "```")):
            log.warning("The model wrote JSON and called tools as well; the tool calls are not used.")
            return words if self._hold else ""
        if words and not self._hold:
            self.mixed = True
            return "\n" + self._envelope("")
        return self._envelope(words)

    def _choice(self, choice: Mapping[str, Any]) -> str:
        if isinstance(finish := choice.get("finish_reason"), str) and finish:
            self.finish = finish
        said = choice.get("delta")
        if not isinstance(said, dict):
            said = choice.get("message")
        if not isinstance(said, dict):
            return self._grown(_text(choice.get("text")))
        calls = said.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                self._call(call.get("index"), str(call.get("id") or ""), call.get("function"))
        if isinstance(said.get("function_call"), dict):
            self._call("function_call", "", said["function_call"])
        return self._grown(_text(said.get("content")) or _text(said.get("refusal")))

    def _call(self, index: Any, call_id: str, function: Any) -> None:
        if not isinstance(function, Mapping):
            return
        key = index if isinstance(index, int | str) else None
        name = str(function.get("name") or "")
        call = self._by_index.get(key)
        # Some servers give every call the index 0, or none: then a new id, or a name without index, starts a new one.
        if call is None or (call_id and call.id and call_id != call.id) or (key is None and name):
            call = self._by_index[key] = ToolCall(call_id)
            self._calls.append(call)
            self.characters += 100
        call.name = call.name or name
        arguments = function.get("arguments")
        if isinstance(arguments, Mapping):
            arguments = orjson.dumps(arguments).decode()
        if isinstance(arguments, str):
            call.arguments.append(self._grown(arguments))

    def _grown(self, text: str) -> str:
        self.characters += len(text)
        if self.characters > MAX_TEXT:
            raise too_long(self.faults.where)
        return text

    def _envelope(self, words: str) -> str:
        actions = [call.action() for call in self._calls]
        if words.strip() and all(action["type"] != "message" for action in actions):
            actions.insert(0, {"type": "message", "payload": {"text": words.strip()}})
        return orjson.dumps({"actions": actions}).decode()


class Reader(Protocol):
    """Takes a response's bytes. `complete`: all words have come; `over`: nothing more is worth reading."""

    complete: bool
    over: bool

    def feed(self, piece: bytes) -> str:
        """The words that this piece brought."""
        ...

    def end(self) -> str:
        """The remaining words. Raises EngineUnreachable if the reply is not whole."""
        ...


class StreamReader:
    """Reads server-sent events."""

    def __init__(self, reply: Reply) -> None:
        self.complete = False
        self.over = False
        self._reply = reply
        self._events = Events()

    def feed(self, piece: bytes) -> str:
        words = []
        try:
            for event in self._events.feed(piece):
                if event.strip() == b"[DONE]":
                    self.complete = self.over = True
                    break
                words.append(self._reply.take(_load(event, self._reply.faults.where)))
        except TooLong:
            raise too_long(self._reply.faults.where) from None
        self.complete = self.complete or bool(self._reply.finish)
        return "".join(words)

    def end(self) -> str:
        if not self.complete:
            raise EngineUnreachable(
                f"The reply of the model server {self._reply.faults.where} broke off in the middle."
            )
        return self._reply.rest()


class WholeReader:
    """Reads an answer that is no stream, whatever it calls itself."""

    def __init__(self, reply: Reply) -> None:
        self.complete = False
        self.over = False
        self._reply = reply
        self._body = bytearray()

    def feed(self, piece: bytes) -> str:
        self._body += piece
        if len(self._body) > MAX_EVENT:
            raise too_long(self._reply.faults.where)
        return ""

    def end(self) -> str:
        body = bytes(self._body).lstrip(b"\xef\xbb\xbf \t\r\n")
        where = self._reply.faults.where
        if not body:
            raise EngineUnreachable(f"The model server {where} sent an empty answer.")
        if body.startswith((b"data:", b"event:", b":", b"id:")):
            stream = StreamReader(self._reply)
            return stream.feed(body) + stream.end()
        if body.startswith(b"<"):
            raise EngineRefused(
                f"{where} answered with a web page instead of a reply. OPENAI_BASE_URL must be a model server's base, "
                "usually with /v1."
            )
        answer = _load(body, where)
        words = self._reply.take(answer)
        if not isinstance(answer.get("choices"), list) or not answer["choices"]:
            raise EngineUnreachable(f"The model server {where} sent JSON that is no chat completion.")
        return words + self._reply.rest()


def too_long(where: str) -> EngineRefused:
    """The error for a server that sends more than a reply can be."""
    return EngineRefused(f"The model server {where} sent more than {MAX_TEXT:,} characters; the reply was not used.")


def _load(text: bytes, where: str) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        try:
            return orjson.loads(_HALF_PAIR.sub(rb"\\ufffd", text))
        except ValueError:
            raise EngineUnreachable(f"The model server {where} sent broken JSON.") from None


def _text(content: Any) -> str:
    """Content is a text, or parts of which the texts count (a model's thinking does not)."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(
            _text(p.get("text")) for p in content if isinstance(p, Mapping) and p.get("type") in (None, "text")
        )
    return ""


def _dollars(number: Any) -> float | None:
    """What a call cost, where a server says it (OpenRouter: https://openrouter.ai/docs/use-cases/usage-accounting)."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    return float(number) if 0 <= number < DEAREST else None


def _count(number: Any) -> int:
    return number if isinstance(number, int) and number >= 0 else 0
