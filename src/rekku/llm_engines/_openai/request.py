"""What is sent: one chat request as bytes, without what the server is known to refuse."""

import json
from collections.abc import Collection, Mapping
from typing import Any

import orjson

from rekku.core.model_call import ChatMessages

OPTIONAL = ("response_format", "stream_options", "images", "stream")
"""What a request can do without, in the order in which it is given up when a server does not say what it minds."""

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_IMAGE = 1000


def build(
    model: str,
    messages: ChatMessages,
    *,
    schema: Mapping[str, Any] | None,
    stream: bool,
    left_out: Collection[str] = (),
) -> tuple[bytes, frozenset[str]]:
    """The body, and which of OPTIONAL it holds. `schema` is the JSON Schema of a clean reply, or None."""
    used = set()
    body: dict[str, Any] = {"model": model, "messages": messages}
    if has_images(messages):
        if "images" in left_out:
            body["messages"] = without_images(messages)
        else:
            used.add("images")
    if stream and "stream" not in left_out:
        body["stream"] = True
        used.add("stream")
        if "stream_options" not in left_out:
            body["stream_options"] = {"include_usage": True}
            used.add("stream_options")
    if schema is not None and "response_format" not in left_out:
        described = {"name": "reply", "schema": schema, "strict": False}
        body["response_format"] = {"type": "json_schema", "json_schema": described}
        used.add("response_format")
    return _dump(body), frozenset(used)


def has_images(messages: ChatMessages) -> bool:
    """Whether an image part stands in any of the messages."""
    return any(_is_image(part) for m in messages if isinstance(parts := m.get("content"), list) for part in parts)


def without_images(messages: ChatMessages) -> ChatMessages:
    """The same messages in words only: `[image: image/png]` stands where an image was."""
    return [
        {**m, "content": "\n".join(_words(part) for part in parts)}
        if isinstance(parts := m.get("content"), list)
        else m
        for m in messages
    ]


def estimate(messages: ChatMessages, reply_characters: int) -> tuple[int, int]:
    """The tokens of prompt and reply, roughly, for servers that do not count."""
    characters = images = 0
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else [content]:
            if _is_image(part):
                images += 1
            else:
                characters += len(_words(part))
    prompt = -(-characters // CHARACTERS_PER_TOKEN) + images * TOKENS_PER_IMAGE
    return prompt, -(-reply_characters // CHARACTERS_PER_TOKEN)


def _is_image(part: Any) -> bool:
    return isinstance(part, Mapping) and "image_url" in part


def _words(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping):
        return ""
    if not _is_image(part):
        return str(part.get("text") or "")
    image = part["image_url"]
    url = str(image.get("url", "") if isinstance(image, Mapping) else image)
    if url.startswith("data:"):
        name = url[len("data:") : 80].partition(";")[0]
    else:
        name = url.partition("?")[0].rpartition("/")[2][:80]
    return f"[image: {name or 'unnamed'}]"


def _dump(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:
        # Half a surrogate pair, which no server could read, or nesting that orjson does not take.
        return json.dumps(body, ensure_ascii=False, default=str).encode("utf-8", "replace")
