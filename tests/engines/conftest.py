"""Engines on their own: a host with nothing but settings, a clock, a desk and background tasks."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp.web  # noqa: F401 - imported before BlockBuster watches
import pytest
from blockbuster import BlockBuster, blockbuster_ctx

from rekku.core import settings
from rekku.core.clock import Clock, SystemClock
from rekku.core.desk import Desk
from rekku.core.engine_base import EngineBase
from rekku.core.host import Host
from rekku.core.model_call import ChatMessages, ModelCall
from rekku.llm_engines.openai_chatgpt import OpenAIEngine
from tests.servers.openai_server import OpenAIServer

HELLO: ChatMessages = [{"role": "system", "content": "You are Rekku."}, {"role": "user", "content": "hello"}]
KEY = "sk-test-0123456789abcdef"


@dataclass
class EngineHost:
    """The part of the host that engines use."""

    settings: settings.Settings
    clock: Clock = field(default_factory=SystemClock)
    desk: Desk = field(default_factory=Desk)
    tasks: "set[asyncio.Task[Any]]" = field(default_factory=set)

    def spawn(self, work: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        task = asyncio.get_running_loop().create_task(work, name=name)
        self.tasks.add(task)
        return task


def adopt(engine: EngineBase, given: Mapping[str, str] | None = None) -> EngineHost:
    """Give an engine its host, with the settings that these texts mean."""
    host = EngineHost(settings.read(engine.settings, given or {}))
    engine.host = cast(Host, host)
    return host


async def asked(engine: OpenAIEngine, messages: ChatMessages = HELLO, call: ModelCall | None = None) -> str:
    """The engine's whole reply."""
    return "".join([piece async for piece in engine.generate_response(messages, call or ModelCall())])


@pytest.fixture(autouse=True)
def nothing_blocks_the_loop() -> Iterator[BlockBuster]:
    importlib.import_module("rekku.llm_engines._openai.wire")
    with blockbuster_ctx("rekku") as watch:
        yield watch


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as running:
        yield running


EngineMaker = Callable[..., OpenAIEngine]


@pytest.fixture
async def make_engine(server: OpenAIServer) -> AsyncIterator[EngineMaker]:
    """Make engines for the server; keywords are further settings."""
    made: list[OpenAIEngine] = []

    def make(**given: str) -> OpenAIEngine:
        engine = OpenAIEngine()
        adopt(engine, {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": KEY, "CHATGPT_MODEL": "test-model", **given})
        made.append(engine)
        return engine

    yield make
    for engine in made:
        await engine.stop()


@pytest.fixture
def engine(make_engine: EngineMaker) -> OpenAIEngine:
    return make_engine()
