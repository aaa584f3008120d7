"""The protocol of Ollama, for clients that are there already: the model is Rekku itself.

Source: https://docs.ollama.com/api
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from rekku.core.message import Attachment
from rekku.interface.webui import requests
from rekku.interface.webui.calls import Call
from rekku.interface.webui.programs import MODEL, ProgramCall, last_words, model_of, picture, tokens_of
from rekku.interface.webui.requests import Problem

Shape = Callable[[str], Mapping[str, Any]]


def faulty(text: str, _: int) -> Any:
    """An error as this protocol has it."""
    return {"error": text}


async def tags(call: ProgramCall) -> Response:
    """The one model that there is."""
    details = {"parent_model": "", "format": "", "family": MODEL, "families": [MODEL]}
    model = {
        "name": f"{MODEL}:latest",
        "model": f"{MODEL}:latest",
        "modified_at": call.token.created_at.isoformat(),
        "size": 0,
        "digest": "",
        "details": {**details, "parameter_size": "", "quantization_level": ""},
    }
    return requests.answer({"models": [model]})


async def version(call: ProgramCall) -> Response:
    """Rekku's own."""
    return requests.answer({"version": (await call.context.host.house.condition()).version})


async def chat(call: ProgramCall) -> Response:
    """An answer to the last message of a conversation."""
    if call.content.get("messages") == []:
        return _loaded(call, {"message": {"role": "assistant", "content": ""}})
    text, files = last_words(call.content.get("messages"), _said)
    return await _answer(call, text, files, lambda words: {"message": {"role": "assistant", "content": words}})


async def generate(call: ProgramCall) -> Response:
    """An answer to a prompt."""
    text = call.content.get("prompt", "")
    files = _pictures(call.content.get("images"))
    if not isinstance(text, str):
        raise Problem("prompt must be a text.")
    if not text.strip() and not files:
        return _loaded(call, {"response": ""})
    return await _answer(call, text, files, lambda words: {"response": words})


def _loaded(call: ProgramCall, words: Mapping[str, Any]) -> Response:
    """The answer to nothing said: clients ask so for a model to be loaded, or unloaded, and Rekku is always there."""
    reason = "unload" if call.content.get("keep_alive") == 0 else "load"
    return requests.answer({**_head(call), **words, "done": True, "done_reason": reason})


async def _answer(call: ProgramCall, text: str, files: list[Attachment], shape: Shape) -> Response:
    if call.content.get("stream") is not False:
        return StreamingResponse(_stream(call, text, files, shape), media_type="application/x-ndjson")
    async with call.context.calls.ask(call.token, text, files) as asked:
        words = await asked.whole()
        return requests.answer({**_head(call), **shape(words), **await _end(call, asked)})


async def _stream(call: ProgramCall, text: str, files: list[Attachment], shape: Shape) -> AsyncIterator[bytes]:
    async with call.context.calls.ask(call.token, text, files) as asked:
        async for piece in asked.pieces():
            yield _line({**_head(call), **shape(piece), "done": False})
        try:
            asked.check()
        except Problem as problem:  # the head went out long ago, with 200
            yield _line(faulty(str(problem), problem.status))
            return
        yield _line({**_head(call), **shape(""), **await _end(call, asked)})


def _head(call: ProgramCall) -> dict[str, Any]:
    return {"model": model_of(call.content), "created_at": call.context.host.clock.now().isoformat()}


async def _end(call: ProgramCall, asked: Call) -> dict[str, Any]:
    read, written = await tokens_of(call, asked.message_id)
    return {"done": True, "done_reason": "stop", "prompt_eval_count": read, "eval_count": written}


def _line(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def _said(message: Mapping[str, Any]) -> tuple[str, list[Attachment]]:
    content = message.get("content")
    return content if isinstance(content, str) else "", _pictures(message.get("images"))


def _pictures(images: object) -> list[Attachment]:
    if not isinstance(images, list):
        return []
    return [picture(str(data), f"picture {number}") for number, data in enumerate(images, 1)]
