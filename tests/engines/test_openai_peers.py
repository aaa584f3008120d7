"""Outside opinions: the official client against our server, and another author's server against our engine."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from rekku.core.errors import EngineBusy, EngineError, EngineRefused
from rekku.core.model_call import ModelCall
from tests.engines.conftest import HELLO, EngineMaker, asked
from tests.servers.openai_server import OpenAIServer, tool_call

WORDS = "grüß dich, this is a reply in several pieces 🦊"
SAID: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "You are Rekku."},
    {"role": "user", "content": "hello"},
]


@pytest.fixture
async def official(server: OpenAIServer) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=server.url, api_key="k", max_retries=0) as client:
        yield client


@pytest.mark.parametrize("streaming", ["on", "off"])
async def test_the_official_client_and_ours_read_the_same(
    server: OpenAIServer, official: openai.AsyncOpenAI, make_engine: EngineMaker, streaming: str
) -> None:
    server.says(WORDS)
    call = ModelCall()
    ours = await asked(make_engine(OPENAI_STREAM=streaming), call=call)
    if streaming == "on":
        stream = await official.chat.completions.create(
            model="test-model", messages=SAID, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        theirs = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        usage = chunks[-1].usage
        assert chunks[-2].choices[0].finish_reason == "stop"
    else:
        completion = await official.chat.completions.create(model="test-model", messages=SAID)
        theirs = completion.choices[0].message.content or ""
        usage = completion.usage

    assert ours == theirs == WORDS
    assert usage is not None
    assert (call.prompt_tokens, call.completion_tokens) == (usage.prompt_tokens, usage.completion_tokens)
    assert server.requests[0] == server.requests[1]


async def test_the_official_client_reads_our_tool_calls(server: OpenAIServer, official: openai.AsyncOpenAI) -> None:
    server.says({"tool_calls": [tool_call("roll_dice", '{"sides": 6}')]})
    completion = await official.chat.completions.create(model="test-model", messages=SAID)
    [called] = completion.choices[0].message.tool_calls or []
    assert called.type == "function"
    assert (called.function.name, called.function.arguments) == ("roll_dice", '{"sides": 6}')


async def test_the_official_client_reads_our_errors_and_models(
    server: OpenAIServer, official: openai.AsyncOpenAI
) -> None:
    server.fails(429, {"Retry-After": "7"})
    with pytest.raises(openai.RateLimitError, match="Scripted failure 429"):
        await official.chat.completions.create(model="test-model", messages=SAID)
    assert [model.id async for model in official.models.list()] == ["test-model"]


async def test_the_server_runs_as_a_program(make_engine: EngineMaker) -> None:
    with program("-m", "tests.servers.openai_server", "0", "from afar") as ready:
        assert await asked(make_engine(OPENAI_BASE_URL=ready.split()[1])) == "from afar"


@pytest.fixture(scope="module")
def stranger() -> Iterator[str]:
    """The base of a running `mock-ai-api`."""
    start = (
        "import socket, uvicorn, app.openai_app as m;"
        "s = socket.create_server(('127.0.0.1', 0));"
        "print('ready', s.getsockname()[1], flush=True);"
        "uvicorn.Server(uvicorn.Config(m.app, log_level='error')).run(sockets=[s])"
    )
    with program("-c", start) as ready:
        yield f"http://127.0.0.1:{ready.split()[1]}/v1"


@pytest.mark.parametrize("streaming", ["on", "off"])
async def test_a_strangers_words_are_read(make_engine: EngineMaker, stranger: str, streaming: str) -> None:
    engine = make_engine(OPENAI_BASE_URL=stranger, OPENAI_STREAM=streaming, CHATGPT_MODEL="gpt-4.1:mock-text")
    call = ModelCall()
    reply = await asked(engine, call=call)
    async with openai.AsyncOpenAI(base_url=stranger, api_key="k") as client:
        theirs = await client.chat.completions.create(model="gpt-4.1:mock-text", messages=SAID)
    assert reply == theirs.choices[0].message.content
    assert call.prompt_tokens > 0


@pytest.mark.parametrize(("model", "streaming"), [("mock-tool-call", "off"), ("mock-tool-stream", "on")])
async def test_a_strangers_tool_calls_become_the_envelope(
    make_engine: EngineMaker, stranger: str, model: str, streaming: str
) -> None:
    engine = make_engine(OPENAI_BASE_URL=stranger, OPENAI_STREAM=streaming, CHATGPT_MODEL=f"gpt-4.1:{model}")
    reply = json.loads(await asked(engine))
    assert all(isinstance(action["payload"], dict) for action in reply["actions"])
    assert reply["actions"][-1]["type"]


async def test_a_strangers_broken_arguments_stay_a_text(make_engine: EngineMaker, stranger: str) -> None:
    engine = make_engine(OPENAI_BASE_URL=stranger, CHATGPT_MODEL="gpt-4.1:mock-bad-tool-json", OPENAI_STREAM="off")
    reply = json.loads(await asked(engine))
    assert isinstance(reply["actions"][-1]["payload"], str)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, EngineRefused), (401, EngineRefused), (429, EngineBusy), (500, EngineBusy), (503, EngineBusy)],
)
async def test_a_strangers_errors_are_understood(
    make_engine: EngineMaker, stranger: str, status: int, kind: type[EngineError]
) -> None:
    engine = make_engine(OPENAI_BASE_URL=stranger, CHATGPT_MODEL=f"gpt-4.1:mock-{status}")
    with pytest.raises(kind):
        await asked(engine, HELLO)


async def test_a_strangers_models_are_listed(make_engine: EngineMaker, stranger: str) -> None:
    models = await make_engine(OPENAI_BASE_URL=stranger).get_supported_models()
    assert "gpt-4.1:mock-text" in models


@contextmanager
def program(*arguments: str) -> Iterator[str]:
    """Run Python with these arguments until the block ends; the first line that it prints."""
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": os.getcwd()}
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline()
    finally:
        process.terminate()
        process.communicate()
