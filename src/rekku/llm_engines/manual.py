"""Let the owner be the model: the prompt in a readable form, the answer in plain words or JSON actions."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rekku.core.engine_base import EngineBase
from rekku.core.model_call import ChatMessages, ModelCall

WIDTH = 78
INPUT_LINES, CONTEXT_LINES, ACTION_LINES, OUTCOME_LINES = 12, 9, 8, 7
HISTORY_SHOWN = 3
MAX_DEPTH = 12
HOW = 'Answer in plain words, or in JSON: {"actions": [{"type": "…", "payload": {…}}]}'
_WHO = ("name", "who", "from", "sender", "user", "role", "by")
_SAID = ("text", "said", "content", "message")


class ManualEngine(EngineBase):
    """A person answers, however long it takes, wherever an interface shows the desk."""

    waits_for_a_person = True

    async def generate_response(self, messages: ChatMessages, call: ModelCall) -> str:
        """What the owner answers."""
        prompt = json.dumps(messages, ensure_ascii=False, indent=1, default=str)
        seen = seen_by_a_person(messages)
        return await self.host.desk.ask(render(messages, call.schema), prompt, call.conversation, seen.gist)

    def get_current_model(self) -> str:
        """The owner."""
        return "you"


PLUGIN_CLASS = ManualEngine


@dataclass(frozen=True, slots=True)
class Seen:
    """What a person has to know of a prompt: what was said, what Rekku knows, what came of the last answer."""

    said: list[str]
    context: list[str]
    came_back: list[str]

    @property
    def gist(self) -> str:
        """What is new to whoever follows the conversation."""
        return "\n".join(self.came_back or self.said).strip()


def seen_by_a_person(messages: Sequence[Any]) -> Seen:
    """The parts of a prompt, for an 80-column terminal. Takes any shape."""
    prompt: dict[str, Any] = {}
    plain: list[str] = []
    came_back: Mapping[str, Any] = {}
    for message in messages:
        if not isinstance(message, Mapping) or message.get("role") != "user":
            continue
        text = _content(message.get("content"))
        said = _parsed(text)
        if "input" in said or "context" in said:
            prompt = said
        elif said.keys() & {"outputs", "errors", "note"}:
            came_back = said
        else:
            plain.append(text)
    lines = [*_input(prompt.get("input")), *(line for text in plain for line in _wrapped(text))][:INPUT_LINES]
    return Seen(
        lines or ["Rekku asks for words."],
        _section("Context:", _context(prompt.get("context")), CONTEXT_LINES),
        _section("What came back:", _outcome(came_back), OUTCOME_LINES),
    )


def render(messages: Sequence[Any], schema: Mapping[str, Any] | None = None) -> str:
    """A prompt for a person, in at most some 40 lines."""
    seen = seen_by_a_person(messages)
    actions = _section("Actions (? = may be left out):", _actions(schema), ACTION_LINES)
    return "\n".join([*seen.said, *seen.context, *actions, *seen.came_back, "", HOW])


def _input(said: Any) -> Iterator[str]:
    if not isinstance(said, Mapping):
        if said:
            yield from _wrapped(_short(said, 1000))
        return
    payload = said.get("payload")
    if not isinstance(payload, Mapping):
        yield from _wrapped(_short(said, 1000))
        return
    source = payload.get("source")
    source = source if isinstance(source, Mapping) else {}
    where = " ".join(_short(x, 40) for x in (said.get("interface"), source.get("chat") or source.get("chat_id")) if x)
    kind = _short(said.get("type") or "message", 20)
    verb = "says" if kind == "message" else f"({kind})"
    yield _short(f"{_name(source) or 'Somebody'} {verb}{f' in {where}' if where else ''}:", WIDTH)
    yield from _wrapped(_text(payload.get("text")), "  ")
    files = payload.get("attachments")
    if files:
        listed = ", ".join(map(_text, files)) if isinstance(files, list) else _text(files)
        yield from _wrapped(f"with {_short(listed, WIDTH)}", "  ")
    quotes = payload.get("reply_to") or []
    for quoted in quotes if isinstance(quotes, list) else [quotes]:
        words = _said(quoted) if isinstance(quoted, Mapping) else _short(quoted, 2 * WIDTH)
        yield from _wrapped(f"in reply to: {words}", "  ")


def _context(context: Any) -> Iterator[str]:
    if not isinstance(context, Mapping):
        return
    for key, value in context.items():
        if not value:
            continue
        if key == "history" and isinstance(value, list):
            for row in value[-HISTORY_SHOWN:]:
                yield _short(f"  {_said(row) if isinstance(row, Mapping) else _short(row, WIDTH)}", WIDTH)
        else:
            yield _short(f"  {_text(key)}: {_short(value, WIDTH)}", WIDTH)


def _actions(schema: Any) -> Iterator[str]:
    for name, payload in dict(_found(schema, MAX_DEPTH)).items():
        fields = payload.get("properties")
        required = payload.get("required")
        required = required if isinstance(required, list) else []
        names = [f"{f}{'' if f in required else '?'}" for f in fields] if isinstance(fields, Mapping) else []
        yield _short(f"  {name}: {', '.join(names)}" if names else f"  {name}", WIDTH)


def _found(schema: Any, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The actions that a schema describes, wherever it does."""
    if not depth:
        return
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping) and isinstance(kind := properties.get("type"), Mapping) and "const" in kind:
            payload = properties.get("payload")
            yield _text(kind["const"]), payload if isinstance(payload, Mapping) else {}
            return
        schema = list(schema.values())
    if isinstance(schema, list):
        for inner in schema:
            yield from _found(inner, depth - 1)


def _outcome(said: Mapping[str, Any]) -> Iterator[str]:
    for key, word in (("outputs", "output"), ("errors", "error"), ("note", "note")):
        rows = said.get(key)
        for row in rows if isinstance(rows, list) else [rows] if rows else []:
            yield from _wrapped(f"{word}: {_short(row, 3 * WIDTH)}", "  ")


def _section(title: str, content: Iterator[str], limit: int) -> list[str]:
    lines = list(content)
    if not lines:
        return []
    if len(lines) > limit:
        lines = [*lines[: limit - 1], f"  … and {len(lines) - limit + 1} lines more"]
    return ["", title, *lines]


def _said(row: Mapping[str, Any]) -> str:
    said = next((row[key] for key in _SAID if row.get(key)), None)
    if said is None:
        return _short(row, 2 * WIDTH)
    return f"{_name(row) or '?'}: {_short(said, 2 * WIDTH)}"


def _name(source: Mapping[str, Any]) -> str:
    for key in _WHO:
        value = source.get(key)
        if isinstance(value, Mapping):
            value = value.get("name") or value.get("id")
        if value:
            return _short(value, 40)
    return ""


def _content(content: Any) -> str:
    """The words of a message; where an image was, `[image]`."""
    if isinstance(content, list):
        return "\n".join(_text(p.get("text")) or "[image]" for p in content if isinstance(p, Mapping))
    return _text(content)


def _parsed(text: str) -> dict[str, Any]:
    """The JSON object in a text, which an image's mark may follow; {} if there is none."""
    start = text.lstrip()
    try:
        said, _ = json.JSONDecoder().raw_decode(start)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _wrapped(text: str, indent: str = "") -> Iterator[str]:
    for line in _text(text).splitlines()[: INPUT_LINES * 2]:
        yield from textwrap.wrap(line[:4000], WIDTH, initial_indent=indent, subsequent_indent=indent) or [""]


def _short(value: Any, width: int) -> str:
    """One line of at most `width` characters; what is no text is shown as JSON."""
    if not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False, default=str)
        except (ValueError, TypeError, RecursionError):
            value = f"({type(value).__name__})"
    line = _text(value).rstrip()
    indent = line[: len(line) - len(line.lstrip())]
    line = indent + " ".join(line[: 4 * width].split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _text(value: Any) -> str:
    """A value as text without control characters: other people's words must not steer the owner's terminal."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return "".join(c for c in text if c.isprintable() or c in "\n\t ").expandtabs(4)
