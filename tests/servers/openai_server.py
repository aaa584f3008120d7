"""A scripted model server on loopback that speaks the OpenAI chat protocol.

    async with OpenAIServer("hi") as server:
        ...  # OPENAI_BASE_URL = server.url

As a program, for other processes: `python tests/servers/openai_server.py PORT REPLY…` prints `ready URL`.
"""

import asyncio
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
from aiohttp import web

Reply = str | Mapping[str, Any]
"""What the model says: words, or a whole assistant message (for tool calls, refusals, content in parts)."""

PIECE = 12


@dataclass(frozen=True)
class Failure:
    """An answer with an error's status."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | bytes | Mapping[str, Any] = ""


@dataclass(frozen=True)
class Raw:
    """Bytes as they are. With `cut` the connection is aborted after them, in the middle of the answer."""

    body: bytes
    content_type: str = "text/event-stream"
    cut: bool = False


class OpenAIServer:
    """Answers in the order of the script; the last words repeat. `requests` are the bodies that came, parsed."""

    def __init__(
        self, *replies: Reply, port: int = 0, models: Sequence[str] = ("test-model",), keep: bool = True
    ) -> None:
        self.port = port
        self.models = list(models)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.models_asked = 0
        self.refused: dict[str, str] = {}
        self.usage = True
        self.cost: object = None
        self.streams = True
        self.finish = "stop"
        self.gate = asyncio.Event()
        self.gate.set()
        self.arrived = asyncio.Event()
        self._keep = keep
        self._script: list[Reply | Failure | Raw] = []
        self._last: Reply = "Hello."
        self._runner: web.AppRunner | None = None
        self._bytes: dict[tuple[str, bool], bytes] = {}
        self._numbers = itertools.count(1)
        self.says(*replies)

    @property
    def url(self) -> str:
        """The base, with /v1."""
        return f"http://127.0.0.1:{self.port}/v1"

    def says(self, *replies: Reply) -> None:
        """Add replies; the last one repeats until more are added."""
        self._script += replies

    def fails(
        self,
        status: int,
        headers: Mapping[str, str] | None = None,
        body: str | bytes | Mapping[str, Any] | None = None,
        times: int = 1,
    ) -> None:
        """Answer the next calls with an error; by default in OpenAI's own shape."""
        if body is None:
            body = error(f"Scripted failure {status}.")
        self._script += [Failure(status, headers or {}, body)] * times

    def sends(self, body: bytes, content_type: str = "text/event-stream", *, cut: bool = False) -> None:
        """Answer the next call with these bytes."""
        self._script.append(Raw(body, content_type, cut))

    def refuses(self, parameter: str, message: str = "") -> None:
        """From now on a request with this parameter (or `image_url`) gets 400."""
        self.refused[parameter] = message or f"Unknown parameter: '{parameter}'."

    def hold(self) -> None:
        """Let calls wait; `arrived` is set when one came."""
        self.arrived.clear()
        self.gate.clear()

    def release(self) -> None:
        """Let them go on."""
        self.gate.set()

    async def start(self) -> None:
        """Listen, on the same port as before if there was one."""
        app = web.Application(client_max_size=64_000_000)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._list)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def stop(self) -> None:
        """Refuse connections and drop those that are open."""
        runner, self._runner = self._runner, None
        if runner is not None:
            self.release()
            await runner.cleanup()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def stream(self, reply: Reply, body: Mapping[str, Any] | None = None) -> bytes:
        """The reply as server-sent events, as `/chat/completions` sends it for this request body."""
        body = body or {"stream_options": {"include_usage": True}}
        wanted = bool((body.get("stream_options") or {}).get("include_usage"))
        head = self._head("chat.completion.chunk", str(body.get("model", self.models[0])))
        none = {"usage": None} if wanted else {}
        chunks = [
            {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}], **none}
            for delta in deltas(reply)
        ]
        chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": self._finish(reply)}], **none})
        if wanted and self.usage:
            chunks.append({**head, "choices": [], "usage": self._usage(body, reply)})
        return b"".join(b"data: %b\n\n" % orjson.dumps(chunk) for chunk in chunks) + b"data: [DONE]\n\n"

    def whole(self, reply: Reply, body: Mapping[str, Any] | None = None) -> bytes:
        """The reply as one JSON object."""
        body = body or {}
        message = {"role": "assistant", "content": reply} if isinstance(reply, str) else {"role": "assistant", **reply}
        message = {"content": None, "refusal": None, **message}
        answer = self._head("chat.completion", str(body.get("model", self.models[0])))
        answer["choices"] = [{"index": 0, "message": message, "finish_reason": self._finish(reply), "logprobs": None}]
        if self.usage:
            answer["usage"] = self._usage(body, reply)
        return orjson.dumps(answer)

    def _usage(self, body: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
        prompt, completion = len(str(body.get("messages", ""))) // 4, len(str(reply)) // 4 + 1
        told = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
        return told if self.cost is None else {**told, "cost": self.cost}

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        if self._keep:
            self.requests.append(body)
            self.headers.append(dict(request.headers))
        self.arrived.set()
        await self.gate.wait()
        for parameter, message in self.refused.items():
            if parameter in body or (parameter == "image_url" and _has_images(body)):
                return _failed(Failure(400, {}, error(message, param=parameter)))
        step = self._script.pop(0) if self._script else self._last
        if isinstance(step, Failure):
            return _failed(step)
        if isinstance(step, Raw):
            return await _raw(request, step)
        self._last = step
        if body.get("stream") and self.streams:
            return web.Response(body=self._cached(step, body, self.stream), content_type="text/event-stream")
        return web.Response(body=self._cached(step, body, self.whole), content_type="application/json")

    def _cached(self, reply: Reply, body: Mapping[str, Any], make: Callable[..., bytes]) -> bytes:
        if self._keep or not isinstance(reply, str):
            return make(reply, body)
        key = (reply, bool(body.get("stream")))
        if key not in self._bytes:
            self._bytes[key] = make(reply, body)
        return self._bytes[key]

    async def _list(self, request: web.Request) -> web.Response:
        self.models_asked += 1
        rows = [{"id": name, "object": "model", "created": 0, "owned_by": "tests"} for name in self.models]
        return web.json_response({"object": "list", "data": rows})

    def _head(self, kind: str, model: str) -> dict[str, Any]:
        return {"id": f"chatcmpl-{next(self._numbers)}", "object": kind, "created": 1, "model": model}

    def _finish(self, reply: Reply) -> str:
        return self.finish if isinstance(reply, str) or not reply.get("tool_calls") else "tool_calls"


def error(message: str, kind: str = "invalid_request_error", **more: Any) -> dict[str, Any]:
    """An error object in OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": None, "code": None, **more}}


def tool_call(name: str, arguments: str, index: int = 0) -> dict[str, Any]:
    """One entry of `tool_calls`."""
    return {
        "index": index,
        "id": f"call_{index}",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }


def deltas(reply: Reply) -> list[dict[str, Any]]:
    """A reply in the pieces in which it is streamed; a tool call's arguments come in pieces too."""
    if isinstance(reply, str):
        reply = {"content": reply}
    pieces: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    for key in ("content", "refusal"):
        text = reply.get(key)
        if isinstance(text, str):
            pieces += [{key: text[i : i + PIECE]} for i in range(0, len(text), PIECE)]
        elif text:
            pieces.append({key: text})
    for call in reply.get("tool_calls", ()):
        function = call["function"]
        pieces.append({"tool_calls": [{**call, "function": {"name": function["name"], "arguments": ""}}]})
        text = function["arguments"]
        for i in range(0, len(text), PIECE):
            part = {"index": call["index"], "function": {"arguments": text[i : i + PIECE]}}
            pieces.append({"tool_calls": [part]})
    return pieces


def _has_images(body: Mapping[str, Any]) -> bool:
    parts = (part for m in body["messages"] if isinstance(m.get("content"), list) for part in m["content"])
    return any("image_url" in part for part in parts)


def _failed(failure: Failure) -> web.Response:
    if isinstance(failure.body, Mapping):
        return web.json_response(failure.body, status=failure.status, headers=failure.headers)
    body = failure.body.encode() if isinstance(failure.body, str) else failure.body
    return web.Response(body=body, status=failure.status, headers={"Content-Type": "text/html", **failure.headers})


async def _raw(request: web.Request, raw: Raw) -> web.StreamResponse:
    if not raw.cut:
        return web.Response(body=raw.body, content_type=raw.content_type)
    response = web.StreamResponse(headers={"Content-Type": raw.content_type})
    await response.prepare(request)
    if raw.body:
        await response.write(raw.body)
    if request.transport is not None:
        request.transport.close()
    return response


async def _serve(port: int, replies: Sequence[str]) -> None:
    async with OpenAIServer(*replies, port=port, keep=False) as server:
        print(f"ready {server.url}", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(_serve(int(sys.argv[1]), sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(0)
