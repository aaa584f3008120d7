"""Whatever goes wrong at the server's end is an error in words, and never a silent cut."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from rekku.core.errors import EngineBusy, EngineError, EngineRefused, EngineUnreachable
from rekku.llm_engines.openai_chatgpt import OpenAIEngine
from tests.engines.conftest import KEY, EngineMaker, adopt, asked
from tests.servers.openai_server import OpenAIServer, error


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (401, error("Incorrect API key provided: " + KEY), EngineRefused, "Check OPENAI_API_KEY"),
        (403, "<html>no</html>", EngineRefused, "Check OPENAI_API_KEY"),
        (402, error("Pay."), EngineRefused, "no credit"),
        (429, error("You exceeded your quota.", "insufficient_quota"), EngineRefused, "no credit"),
        (429, error("Slow down."), EngineBusy, "Slow down"),
        (500, error("Oops."), EngineBusy, "Oops"),
        (502, "<html><body>Bad gateway", EngineBusy, "web page"),
        (503, b"\xff\xfe\x00", EngineBusy, "503"),
        (404, "<!DOCTYPE html><html>", EngineRefused, "/v1"),
        (302, "", EngineRefused, "OPENAI_BASE_URL"),
        (413, "", EngineRefused, "too long"),
        (400, error("This model's maximum context length is 8192 tokens."), EngineRefused, "too long"),
        (418, {"detail": [{"loc": ["body"], "msg": "teapot"}]}, EngineRefused, "teapot"),
    ],
)
async def test_an_error_says_what_to_do(
    server: OpenAIServer, engine: OpenAIEngine, status: int, body: Any, kind: type[EngineError], words: str
) -> None:
    server.fails(status, body=body)
    with pytest.raises(kind) as caught:
        await asked(engine)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert KEY not in str(caught.value)
    assert await engine.health() == str(caught.value)
    await asked(engine)
    assert await engine.health() == ""


async def test_retry_after_is_understood_in_both_forms(server: OpenAIServer, engine: OpenAIEngine) -> None:
    at = datetime.now(UTC) + timedelta(seconds=90)
    expected = [("7", 6.9, 7.1), (format_datetime(at, usegmt=True), 80, 91), ("soon", None, None), ("-5", 0, 0)]
    for text, low, high in expected:
        server.fails(429, {"Retry-After": text})
        with pytest.raises(EngineBusy) as caught:
            await asked(engine)
        if low is None or high is None:
            assert caught.value.retry_after is None
        else:
            assert caught.value.retry_after is not None
            assert low <= caught.value.retry_after <= high


async def test_a_server_that_is_down_is_unreachable_at_once_and_used_again_when_it_is_back(
    server: OpenAIServer, engine: OpenAIEngine
) -> None:
    await asked(engine)
    await server.stop()
    with pytest.raises(EngineUnreachable, match=r"Is it running|broke"):
        await asked(engine)
    with pytest.raises(EngineUnreachable, match="Is it running"):
        await asked(engine)
    await server.start()
    assert await asked(engine) == "Hello."


async def test_a_server_that_is_silent_runs_into_the_limit(server: OpenAIServer, make_engine: EngineMaker) -> None:
    server.hold()
    with pytest.raises(EngineUnreachable, match="OPENAI_TIMEOUT"):
        await asked(make_engine(OPENAI_TIMEOUT="1"))


@pytest.mark.parametrize(
    ("base", "kind", "words"),
    [
        ("localhost:1/v1", EngineRefused, "not an address"),
        ("http://no-such-host.invalid/v1", EngineUnreachable, "not known"),
        ("http://user:hunter22@127.0.0.1:1/v1", EngineUnreachable, "Is it running"),
        ("nonsense", EngineRefused, "not an address"),
    ],
)
async def test_a_wrong_address_is_named_without_its_password(
    make_engine: EngineMaker, base: str, kind: type[EngineError], words: str
) -> None:
    for key in ("", KEY):
        with pytest.raises(kind, match=words) as caught:
            await asked(make_engine(OPENAI_BASE_URL=base, OPENAI_API_KEY=key))
        assert "hunter22" not in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"", b"<html>hello", b"nonsense", b"[]", b"{}", b'"x"', b'{"choices": []}', b'{"choices": ', b"null"]
)
async def test_rubbish_is_an_error_in_words(server: OpenAIServer, engine: OpenAIEngine, body: bytes) -> None:
    for kind in ("application/json", "text/html", "text/event-stream"):
        server.sends(body, kind)
        with pytest.raises(EngineError, match=r"127\.0\.0\.1"):
            await asked(engine)


async def test_an_error_inside_a_stream_is_raised(server: OpenAIServer, engine: OpenAIEngine) -> None:
    half = server.stream("one two three four").split(b"data: [DONE]")[0][:400]
    half = half[: half.rindex(b"\n\n") + 2]
    server.sends(half + b'data: {"error": {"message": "Provider is gone", "code": 502}}\n\n')
    with pytest.raises(EngineBusy, match="Provider is gone"):
        await asked(engine)
    server.sends(b'{"error": {"message": "No.", "type": "invalid_request_error"}}', "application/json")
    with pytest.raises(EngineRefused, match="No"):
        await asked(engine)


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
async def test_ten_megabytes_in_one_line_are_not_kept(server: OpenAIServer, engine: OpenAIEngine, kind: str) -> None:
    server.sends(b"data: " + b"x" * 10_000_000, kind)
    with pytest.raises(EngineRefused, match="2,000,000"):
        await asked(engine)


async def test_a_reply_without_end_is_given_up(server: OpenAIServer, engine: OpenAIEngine) -> None:
    event = b'data: {"choices":[{"delta":{"content":"%b"}}]}\n\n' % (b"x" * 100_000)
    server.sends(event * 30)
    with pytest.raises(EngineRefused, match="2,000,000"):
        await asked(engine)


@pytest.mark.parametrize("cut", [True, False])
async def test_a_stream_that_breaks_at_any_byte_is_whole_or_an_error(
    server: OpenAIServer, engine: OpenAIEngine, cut: bool
) -> None:
    text = "ä short 🦊 reply"
    events = server.stream(text, {"model": "m"})
    whole = 0
    for end in range(len(events) + 1):
        server.sends(events[:end], cut=cut)
        try:
            assert await asked(engine) == text
        except EngineUnreachable:
            continue
        whole += 1
        assert b'"finish_reason":"stop"' in events[:end]
    assert whole >= len(b"data: [DONE]")


async def test_a_whole_answer_that_breaks_at_any_byte_is_an_error(server: OpenAIServer, engine: OpenAIEngine) -> None:
    body = server.whole("short")
    for end in range(0, len(body), 7):
        server.sends(body[:end], "application/json", cut=True)
        with pytest.raises(EngineUnreachable):
            await asked(engine)


async def test_half_a_character_from_the_model_does_not_spoil_the_reply(
    server: OpenAIServer, engine: OpenAIEngine
) -> None:
    server.sends(b'data: {"choices":[{"delta":{"content":"a\\ud83d"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
    assert await asked(engine) == "a\ufffd"


async def test_half_a_character_in_the_prompt_is_sent_as_a_question_mark(
    server: OpenAIServer, engine: OpenAIEngine
) -> None:
    await asked(engine, [{"role": "user", "content": "a\ud83d"}])
    assert server.requests[0]["messages"][0]["content"] == "a?"


async def test_the_key_is_never_told(
    server: OpenAIServer, make_engine: EngineMaker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    engine = make_engine()
    told = []
    for status in (400, 401, 429, 500):
        server.fails(status, body=error(f"key {KEY} in Bearer {KEY} is bad"), times=4 if status == 400 else 1)
        with pytest.raises(EngineError) as caught:
            await asked(engine)
        told.append(repr(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__))
        server._script.clear()
    server.sends(b"data: " + KEY.encode() + b"\n\n")
    with pytest.raises(EngineError) as caught:
        await asked(engine)
    told.append(repr(caught.value))
    await server.stop()
    with pytest.raises(EngineError) as caught:
        await asked(engine)
    told.append(repr(caught.value) + repr(caught.value.__context__))

    assert KEY not in "".join(told) + caplog.text + repr(engine)


async def test_a_key_that_cannot_be_one_is_refused_before_it_is_sent(make_engine: EngineMaker) -> None:
    with pytest.raises(EngineRefused, match="OPENAI_API_KEY") as caught:
        await asked(make_engine(OPENAI_API_KEY="geheim\u200bgeheim"))
    assert "geheim" not in str(caught.value)


async def test_something_that_speaks_no_http_is_named(make_engine: EngineMaker) -> None:
    async def ssh(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n" * 3)
        await writer.drain()
        writer.close()

    raw = await asyncio.start_server(ssh, "127.0.0.1", 0)
    port = raw.sockets[0].getsockname()[1]
    with pytest.raises(EngineUnreachable, match="does not speak HTTP"):
        await asked(make_engine(OPENAI_BASE_URL=f"http://127.0.0.1:{port}/v1"))
    raw.close()


async def test_many_calls_at_once_share_one_session(server: OpenAIServer, engine: OpenAIEngine) -> None:
    server.says("hi")
    assert await asyncio.gather(*(asked(engine) for _ in range(50))) == ["hi"] * 50


async def test_start_loads_the_network_library_in_the_background() -> None:
    engine = OpenAIEngine()
    host = adopt(engine)
    await engine.start()
    await asyncio.gather(*host.tasks)
    await engine.stop()
    assert await engine.health() == ""
