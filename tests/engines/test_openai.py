"""What the OpenAI engine makes of a server's replies."""

import asyncio
import json

import pytest

from rekku.core.model_call import ModelCall
from rekku.llm_engines.openai_chatgpt import OpenAIEngine
from tests.engines.conftest import HELLO, KEY, EngineMaker, asked
from tests.servers.openai_server import OpenAIServer, tool_call

ENVELOPE = '{"actions":[{"type":"message","payload":{"text":"grüß dich 🦊, this is somewhat long"}}]}'
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
PICTURE = [{"role": "user", "content": [{"type": "text", "text": "what is this?"}, IMAGE]}]
SCHEMA = {"type": "object", "properties": {"actions": {"type": "array"}}}


@pytest.mark.parametrize("streaming", ["on", "off"])
async def test_the_words_and_the_tokens_arrive(server: OpenAIServer, make_engine: EngineMaker, streaming: str) -> None:
    server.says(ENVELOPE)
    call = ModelCall()

    assert await asked(make_engine(OPENAI_STREAM=streaming), call=call) == ENVELOPE
    assert (call.prompt_tokens, call.completion_tokens) == (len(str(HELLO)) // 4, len(ENVELOPE) // 4 + 1)
    assert call.model == "test-model"
    assert server.requests[0]["messages"] == HELLO
    assert ("stream" in server.requests[0]) == (streaming == "on")
    assert server.models_asked == 0


async def test_pieces_are_handed_on_while_the_model_is_still_writing(make_engine: EngineMaker) -> None:
    second = asyncio.Event()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        events = OpenAIServer().stream("one, two, three, four")
        half = events.index(b"\n\n", events.index(b"one")) + 2
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + events[:half])
        await writer.drain()
        await second.wait()
        writer.write(events[half:])
        await writer.drain()
        writer.close()

    raw = await asyncio.start_server(slowly, "127.0.0.1", 0)
    port = raw.sockets[0].getsockname()[1]
    pieces = aiter(make_engine(OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1").generate_response(HELLO, ModelCall()))
    first = await anext(pieces)
    second.set()
    rest = "".join([piece async for piece in pieces])
    raw.close()

    assert first
    assert rest
    assert first + rest == "one, two, three, four"


async def test_a_server_that_does_not_stream_is_read_whole(server: OpenAIServer, engine: OpenAIEngine) -> None:
    server.says(ENVELOPE)
    server.streams = False
    assert await asked(engine) == ENVELOPE


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream"])
async def test_a_stream_with_the_wrong_name_is_still_read(
    server: OpenAIServer, engine: OpenAIEngine, kind: str
) -> None:
    server.sends(server.stream(ENVELOPE), kind)
    server.sends(server.whole(ENVELOPE), kind)
    assert await asked(engine) == ENVELOPE
    assert await asked(engine) == ENVELOPE


async def test_tokens_are_estimated_where_the_server_does_not_count(server: OpenAIServer, engine: OpenAIEngine) -> None:
    server.says("x" * 400)
    server.usage = False
    call = ModelCall()
    await asked(engine, [{"role": "user", "content": "y" * 4000}], call)
    assert (call.prompt_tokens, call.completion_tokens) == (1000, 100)


@pytest.mark.parametrize(
    ("said", "cost"), [(0.00042, 0.00042), (0, 0.0), (None, None), (-1, None), ("1", None), (True, None), (1e300, None)]
)
async def test_what_a_server_says_about_the_cost_is_taken(
    server: OpenAIServer, engine: OpenAIEngine, said: object, cost: float | None
) -> None:
    server.cost = said
    for streams in (True, False):
        server.says(ENVELOPE)
        server.streams = streams
        call = ModelCall()
        await asked(engine, call=call)
        assert call.cost == cost


async def test_a_reply_that_is_given_up_half_way_is_counted_too(server: OpenAIServer, engine: OpenAIEngine) -> None:
    server.says("x" * 400)
    call = ModelCall()
    pieces = engine.generate_response(HELLO, call)
    async for _ in pieces:
        break
    await pieces.aclose()  # type: ignore[attr-defined]
    assert call.completion_tokens >= 1


async def test_without_a_key_there_is_no_authorization_header(server: OpenAIServer, make_engine: EngineMaker) -> None:
    await asked(make_engine())
    await asked(make_engine(OPENAI_API_KEY=""))
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert "Authorization" not in server.headers[1]


def test_it_is_unconfigured_until_a_key_or_a_server_is_given() -> None:
    assert OpenAIEngine.missing_settings({"OPENAI_API_KEY": " "}) == ["OPENAI_API_KEY or OPENAI_BASE_URL"]
    assert OpenAIEngine.missing_settings({"OPENAI_API_KEY": "x"}) == []
    assert OpenAIEngine.missing_settings({"OPENAI_BASE_URL": "http://x/v1"}) == []


async def test_thinking_is_left_out_and_parts_and_refusals_are_words(
    server: OpenAIServer, make_engine: EngineMaker
) -> None:
    parts = [{"type": "thinking", "text": "hmm"}, {"type": "text", "text": "two "}, {"type": "text", "text": "parts"}]
    for streaming in ("on", "off"):
        engine = make_engine(OPENAI_STREAM=streaming)
        server.says({"content": parts, "reasoning_content": "let me see"}, {"refusal": "I will not."})
        assert await asked(engine) == "two parts"
        assert await asked(engine) == "I will not."


async def test_a_reply_that_was_cut_by_the_model_is_noted(
    server: OpenAIServer, engine: OpenAIEngine, caplog: pytest.LogCaptureFixture
) -> None:
    server.finish = "length"
    await asked(engine)
    assert "cut off" in caplog.text


@pytest.mark.parametrize("streaming", ["on", "off"])
async def test_tool_calls_become_the_envelope(server: OpenAIServer, make_engine: EngineMaker, streaming: str) -> None:
    calls = [tool_call("roll_dice", '{"sides": 6, "note": "a longer text in pieces"}'), tool_call("look", "", 1)]
    server.says({"tool_calls": calls})
    reply = json.loads(await asked(make_engine(OPENAI_STREAM=streaming)))
    assert reply == {
        "actions": [
            {"type": "roll_dice", "payload": {"sides": 6, "note": "a longer text in pieces"}},
            {"type": "look", "payload": {}},
        ]
    }


async def test_words_beside_tool_calls_become_a_message(server: OpenAIServer, make_engine: EngineMaker) -> None:
    server.says({"content": "I roll.", "tool_calls": [tool_call("roll_dice", '{"sides": 6}')]})
    reply = json.loads(await asked(make_engine(OPENAI_STREAM="off")))
    assert [a["type"] for a in reply["actions"]] == ["message", "roll_dice"]
    assert reply["actions"][0]["payload"] == {"text": "I roll."}


async def test_words_streamed_before_tool_calls_are_held_back_from_the_second_time_on(
    server: OpenAIServer, engine: OpenAIEngine
) -> None:
    server.says({"content": "I roll the die for you.", "tool_calls": [tool_call("roll_dice", '{"sides": 6}')]})

    first, second = await asked(engine), json.loads(await asked(engine))

    assert first.endswith('{"actions":[{"type":"roll_dice","payload":{"sides": 6}}]}')
    assert [a["type"] for a in second["actions"]] == ["message", "roll_dice"]


@pytest.mark.parametrize("arguments", ['{"sides": ', "six", '{"sides": NaN}', "[" * 3000])
async def test_arguments_that_are_not_json_stay_a_text(
    server: OpenAIServer, engine: OpenAIEngine, arguments: str
) -> None:
    server.says({"tool_calls": [tool_call("roll_dice", arguments)]})
    assert json.loads(await asked(engine))["actions"] == [{"type": "roll_dice", "payload": arguments}]


async def test_the_old_function_call_works_too(server: OpenAIServer, make_engine: EngineMaker) -> None:
    server.says({"function_call": {"name": "roll_dice", "arguments": '{"sides": 6}'}})
    reply = json.loads(await asked(make_engine(OPENAI_STREAM="off")))
    assert reply["actions"] == [{"type": "roll_dice", "payload": {"sides": 6}}]
