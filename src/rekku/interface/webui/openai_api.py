"""The OpenAI chat protocol, for clients that are there already: the model is Rekku itself.

Source: https://platform.openai.com/docs/api-reference/chat
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from rekku.core.message import Attachment
from rekku.interface.webui import requests
from rekku.interface.webui.calls import Call
from rekku.interface.webui.programs import MODEL, ProgramCall, last_words, model_of, parts_of, picture, tokens_of
from rekku.interface.webui.requests import Problem

KINDS = {401: "authentication_error", 429: "rate_limit_error"}


def faulty(text: str, status: int) -> Any:
    """An error as this protocol has it."""
    return {"error": {"message": text, "type": KINDS.get(status, "invalid_request_error"), "param": None, "code": None}}


async def models(call: ProgramCall) -> Response:
    """The one model that there is."""
    created = int(call.token.created_at.timestamp())
    return requests.answer({"object": "list", "data": [_model(created)]})


async def model(call: ProgramCall) -> Response:
    """The model of that name."""
    if call.path["name"] != MODEL:
        raise Problem(f"The only model here is {MODEL}.", 404)
    return requests.answer(_model(int(call.token.created_at.timestamp())))


async def chat(call: ProgramCall) -> Response:
    """An answer, whole or as it comes."""
    text, files = last_words(call.content.get("messages"), _said)
    if call.content.get("n") not in (None, 1):
        raise Problem("n must be 1.")
    if call.content.get("stream"):
        return StreamingResponse(_stream(call, text, files), media_type="text/event-stream")
    async with call.context.calls.ask(call.token, text, files) as asked:
        message = {"role": "assistant", "content": await asked.whole()}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return requests.answer(
            {**_head(call, asked, "chat.completion"), "choices": [choice], "usage": await _usage(call, asked)}
        )


async def _stream(call: ProgramCall, text: str, files: list[Attachment]) -> AsyncIterator[bytes]:
    options = call.content.get("stream_options")
    wants_usage = isinstance(options, Mapping) and bool(options.get("include_usage"))
    async with call.context.calls.ask(call.token, text, files) as asked:
        head = _head(call, asked, "chat.completion.chunk")
        yield _event({**head, "choices": [_choice({"role": "assistant", "content": ""})]})
        async for piece in asked.pieces():
            yield _event({**head, "choices": [_choice({"content": piece})]})
        try:
            asked.check()
        except Problem as problem:  # the head went out long ago, with 200
            yield _event(faulty(str(problem), problem.status))
            return
        yield _event({**head, "choices": [_choice({}, "stop")]})
        if wants_usage:
            yield _event({**head, "choices": [], "usage": await _usage(call, asked)})
    yield b"data: [DONE]\n\n"


def _head(call: ProgramCall, asked: Call, kind: str) -> dict[str, Any]:
    created = int(call.context.host.clock.now().timestamp())
    return {
        "id": f"chatcmpl-{asked.message_id}",
        "object": kind,
        "created": created,
        "model": model_of(call.content),
    }


def _choice(delta: Mapping[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": reason}


async def _usage(call: ProgramCall, asked: Call) -> dict[str, int]:
    read, written = await tokens_of(call, asked.message_id)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _event(content: Any) -> bytes:
    return f"data: {json.dumps(content, ensure_ascii=False)}\n\n".encode("utf-8", "replace")


def _model(created: int) -> dict[str, Any]:
    return {"id": MODEL, "object": "model", "created": created, "owned_by": MODEL}


def _said(message: Mapping[str, Any]) -> tuple[str, list[Attachment]]:
    texts: list[str] = []
    files: list[Attachment] = []
    for part in parts_of(message.get("content")):
        address = part.get("image_url")
        if isinstance(part.get("text"), str):
            texts.append(part["text"])
        elif isinstance(address, Mapping) and isinstance(address.get("url"), str):
            files.append(_picture(address["url"], len(files) + 1))
    return "\n".join(texts), files


def _picture(address: str, number: int) -> Attachment:
    """Only pictures that came along: Rekku fetches nothing because somebody names its address."""
    scheme, comma, data = address.partition(",")
    if not comma or not scheme.startswith("data:") or not scheme.endswith(";base64"):
        raise Problem("A picture must come as a data: address.")
    return picture(data, f"picture {number}")
