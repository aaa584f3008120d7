"""What a server refuses is left out from then on."""

import pytest

from rekku.core.errors import EngineBusy, EngineRefused
from rekku.core.model_call import ModelCall
from rekku.llm_engines.openai_chatgpt import OpenAIEngine
from tests.engines.conftest import EngineMaker, asked
from tests.servers.openai_server import OpenAIServer, error

ENVELOPE = '{"actions":[{"type":"message","payload":{"text":"grüß dich 🦊, this is somewhat long"}}]}'
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
PICTURE = [{"role": "user", "content": [{"type": "text", "text": "what is this?"}, IMAGE]}]
SCHEMA = {"type": "object", "properties": {"actions": {"type": "array"}}}


@pytest.mark.parametrize("parameter", ["response_format", "stream_options", "stream"])
async def test_a_refused_parameter_is_learnt_once(server: OpenAIServer, engine: OpenAIEngine, parameter: str) -> None:
    server.says(ENVELOPE)
    server.refuses(parameter)

    for _ in range(3):
        assert await asked(engine, call=ModelCall(schema=SCHEMA)) == ENVELOPE

    assert [parameter in body for body in server.requests] == [True, False, False, False]
    assert sum("response_format" in body for body in server.requests) == (1 if parameter == "response_format" else 4)


async def test_a_server_that_does_not_say_what_it_minds_is_understood(
    server: OpenAIServer, engine: OpenAIEngine
) -> None:
    server.refuses("stream", "Bad request.")
    server.refuses("response_format", "Bad request.")
    assert await asked(engine, call=ModelCall(schema=SCHEMA)) == "Hello."
    before = len(server.requests)
    assert await asked(engine, call=ModelCall(schema=SCHEMA)) == "Hello."
    assert len(server.requests) == before + 1


async def test_what_was_learnt_outlives_a_reload(server: OpenAIServer, make_engine: EngineMaker) -> None:
    server.refuses("stream_options")
    old, new = make_engine(), make_engine()
    await asked(old)
    new.import_state(old.export_state())
    await asked(new)
    assert len(server.requests) == 3


async def test_a_bad_request_that_stays_bad_is_refused_in_the_servers_words(
    server: OpenAIServer, engine: OpenAIEngine
) -> None:
    server.fails(400, body=error("The moon is in the wrong house."), times=9)
    with pytest.raises(EngineRefused, match="The moon is in the wrong house"):
        await asked(engine, call=ModelCall(schema=SCHEMA))
    assert len(server.requests) == 4
    assert engine.export_state()["left_out"] == {}


async def test_a_server_without_eyes_gets_words_for_pictures(server: OpenAIServer, engine: OpenAIEngine) -> None:
    server.refuses("image_url", "This model does not support image input.")
    await asked(engine, PICTURE)
    await asked(engine, PICTURE)
    assert [isinstance(body["messages"][0]["content"], list) for body in server.requests] == [True, False, False]
    assert server.requests[1]["messages"][0]["content"] == "what is this?\n[image: image/png]"


async def test_one_broken_picture_does_not_blind_it(server: OpenAIServer, engine: OpenAIEngine) -> None:
    server.fails(400, body=error("You uploaded an unsupported image. Make sure it is valid."))
    await asked(engine, PICTURE)
    await asked(engine, PICTURE)
    assert [isinstance(body["messages"][0]["content"], list) for body in server.requests] == [True, False, True]


async def test_pictures_go_to_servers_that_see(server: OpenAIServer, engine: OpenAIEngine) -> None:
    await asked(engine, PICTURE)
    assert server.requests[0]["messages"] == PICTURE


async def test_the_servers_own_model_is_used_when_none_is_set(server: OpenAIServer, make_engine: EngineMaker) -> None:
    engine = make_engine(CHATGPT_MODEL="")
    server.models = ["llama-3", "other"]
    server.fails(404, body=error("model 'gpt-4.1-mini' not found, try pulling it first"))
    await asked(engine)
    await asked(engine)
    assert [body["model"] for body in server.requests] == ["gpt-4.1-mini", "llama-3", "llama-3"]
    assert server.models_asked == 1
    assert engine.get_current_model() == "llama-3"


async def test_a_model_that_the_owner_chose_is_never_replaced(server: OpenAIServer, make_engine: EngineMaker) -> None:
    server.fails(404, body=error("The model `mine` does not exist.", code="model_not_found"))
    with pytest.raises(EngineRefused, match=r"mine is not at .*/model"):
        await asked(make_engine(CHATGPT_MODEL="mine"))


async def test_models_are_listed_and_kept_for_a_minute(server: OpenAIServer, engine: OpenAIEngine) -> None:
    server.models = ["b", "a"]
    assert await engine.get_supported_models() == ("b", "a")
    assert await engine.get_supported_models() == ("b", "a")
    assert server.models_asked == 1


async def test_trouble_upstream_is_no_refusal(server: OpenAIServer, engine: OpenAIEngine) -> None:
    server.fails(500, body=error("Upstream stream error."))
    server.fails(404, body="<html>an image of a stream schema</html>")
    for kind in (EngineBusy, EngineRefused):
        with pytest.raises(kind):
            await asked(engine, PICTURE, ModelCall(schema=SCHEMA))
    assert len(server.requests) == 2
