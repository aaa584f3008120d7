"""Think with any server that speaks the OpenAI chat protocol: OpenAI, Ollama, vLLM, llama.cpp, LM Studio."""

import logging
import re
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import orjson

from rekku.core.engine_base import EngineBase
from rekku.core.errors import EngineError, EngineRefused, EngineUnreachable
from rekku.core.members import in_thread
from rekku.core.model_call import ChatMessages, ModelCall
from rekku.core.settings import Setting
from rekku.llm_engines._openai import faults, request
from rekku.llm_engines._openai.reply import Reader, Reply, StreamReader, WholeReader

if TYPE_CHECKING:
    from rekku.llm_engines._openai.wire import Answer, Wire

log = logging.getLogger(__name__)

OPENAI = "https://api.openai.com/v1"
MODEL = "gpt-4.1-mini"
CATALOGUE = 30
"""More models than this are a paid catalogue, out of which the owner has to choose."""
MODELS_FOR = 60.0
MAX_MODELS = 2_000_000
MAX_ERROR = 65_536
PIECE_LIMIT = 60.0
"""Seconds of silence between two pieces of a stream."""
END_LIMIT = 2.0
"""Seconds to wait for the usage, once all words have come."""
_NOT_CHAT = re.compile(
    r"embed|tts|whisper|dall-e|image|moderation|audio|realtime|transcribe|sora|davinci|babbage|instruct|search|codex"
)


class OpenAIEngine(EngineBase):
    """The thin client: streams, learns what a server refuses, and says in plain words what went wrong."""

    takes_images = True
    settings: Sequence[Setting] = (
        Setting("OPENAI_BASE_URL", "The model server's address, including /v1.", default=OPENAI),
        Setting("OPENAI_API_KEY", "The key for the model server, if it wants one.", secret=True, default=""),
        Setting("CHATGPT_MODEL", f"The model to use; {MODEL} at OpenAI, elsewhere what the server has.", default=""),
        Setting("OPENAI_TIMEOUT", "Seconds that one reply may take.", float, default=120.0, minimum=1),
        Setting("OPENAI_STREAM", "Take replies piece by piece, so that they show while written.", bool, default=True),
        Setting("OPENAI_STRUCTURED", "Ask for replies that fit the JSON Schema of the actions.", bool, default=True),
    )

    def __init__(self) -> None:
        self._wire: Wire | None = None
        self._left_out: dict[str, frozenset[str]] = {}
        self._calls_tools: set[str] = set()
        self._found_model = ""
        self._models: tuple[float, tuple[str, ...]] | None = None
        self._trouble = ""

    @staticmethod
    def missing_settings(given: Mapping[str, str]) -> list[str]:
        """What has to be set before it can be used: a key, or the address of a server that may want none."""
        if any(given.get(name, "").strip() for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL")):
            return []
        return ["OPENAI_API_KEY or OPENAI_BASE_URL"]

    async def start(self) -> None:
        """Import the network library in the background, so that the first reply does not wait for it."""
        self._trouble = ""
        self.host.spawn(in_thread(_import_wire), "import aiohttp")

    async def stop(self) -> None:
        """Close the connections."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    async def generate_response(self, messages: ChatMessages, call: ModelCall) -> AsyncIterator[str]:
        """The reply in pieces. Raises EngineBusy, EngineUnreachable or EngineRefused."""
        reply: Reply | None = None
        answer: Answer | None = None
        try:
            model, answer = await self._ask(messages, call)
            reply = Reply(self._faults, model, hold=model in self._calls_tools)
            reader: Reader = StreamReader(reply) if "event-stream" in answer.content_type else WholeReader(reply)
            async with aclosing(_words(answer, reader)) as pieces:
                async for words in pieces:
                    yield words
            self._trouble = ""
        except EngineError as error:
            self._trouble = str(error)
            raise
        finally:
            if answer is not None:
                answer.close()
            if reply is not None:
                self._account(reply, messages, call)

    async def get_supported_models(self) -> Sequence[str]:
        """The models that the server lists; asked for at most once a minute."""
        now = self.host.clock.monotonic()
        if self._models is None or now - self._models[0] > MODELS_FOR:
            self._models = (now, await self._list_models())
        return self._models[1]

    def get_current_model(self) -> str:
        """CHATGPT_MODEL, or what was found at the server, or the usual one."""
        return str(self.host.settings["CHATGPT_MODEL"] or self._found_model or MODEL)

    async def health(self) -> str:
        """What went wrong in the last call."""
        return self._trouble

    def export_state(self) -> Mapping[str, Any]:
        """What was learnt about the server."""
        return {"base": self._base, "left_out": dict(self._left_out), "model": self._found_model}

    def import_state(self, state: Any) -> None:
        """Keep what was learnt, if it is still the same server."""
        if isinstance(state, Mapping) and state.get("base") == self._base:
            self._left_out = dict(state.get("left_out", {}))
            self._found_model = str(state.get("model", ""))

    async def _ask(self, messages: ChatMessages, call: ModelCall) -> "tuple[str, Answer]":
        """Send the request, again without what the server refuses; the model that was asked and an answer with 200."""
        wire = await self._connected()
        settings = self.host.settings
        schema = call.schema if settings["OPENAI_STRUCTURED"] else None
        model = call.model or self.get_current_model()
        learnt = self._left_out.get(model, frozenset())
        left_out, for_good = learnt, learnt
        while True:
            body, used = request.build(
                model, messages, schema=schema, stream=bool(settings["OPENAI_STREAM"]), left_out=left_out
            )
            answer = await wire.send("/chat/completions", body)
            if answer.ok:
                self._learn(model, for_good)
                return model, answer
            fault = await _fault(answer)
            refused, forever = fault.refuses(used, model)
            if refused:
                log.debug("Asking again without %s: %s", ", ".join(refused), self._faults.shown(fault.message))
                left_out, for_good = left_out | refused, for_good | forever
            elif fault.is_about_model and model == MODEL and await self._finds_model(call):
                model = self._found_model
            else:
                raise self._faults.error(fault, model)

    def _learn(self, model: str, left_out: frozenset[str]) -> None:
        if left_out and left_out != self._left_out.get(model):
            self._left_out[model] = left_out
            log.info("From now on %s is asked without %s, which it refuses.", model, ", ".join(sorted(left_out)))

    async def _finds_model(self, call: ModelCall) -> bool:
        """Take the server's own first model, where the owner chose none and the usual one is not there."""
        if call.model or self.host.settings["CHATGPT_MODEL"] or self._base == OPENAI:
            return False
        if self._found_model:
            return self._found_model != MODEL
        try:
            models = await self.get_supported_models()
        except EngineError as error:
            log.info("No model is set, and what the server has is not known: %s", error)
            return False
        if not models or len(models) > CATALOGUE:
            return False
        self._found_model = models[0]
        log.info("No model is set: using %s, the first that %s has.", models[0], self._faults.where)
        return models[0] != MODEL

    async def _list_models(self) -> tuple[str, ...]:
        answer = await (await self._connected()).send("/models")
        try:
            if not answer.ok:
                raise self._faults.error(await _fault(answer), self.get_current_model())
            listed = _loads(await answer.whole(MAX_MODELS))
        finally:
            answer.close()
        rows = listed.get("data", listed.get("models")) if isinstance(listed, Mapping) else listed
        if not isinstance(rows, list):
            raise EngineUnreachable(f"The model server {self._faults.where} does not list its models.")
        names = [row.get("id") or row.get("name") for row in rows if isinstance(row, Mapping)]
        known = dict.fromkeys(name for name in names if isinstance(name, str) and name)
        if self._base == OPENAI:
            return tuple(sorted(name for name in known if not _NOT_CHAT.search(name)))
        return tuple(known)

    async def _connected(self) -> "Wire":
        if self._wire is None:
            # An import reads hundreds of files: not on the event loop.
            if "rekku.llm_engines._openai.wire" not in sys.modules:
                await in_thread(_import_wire)
            key = self._key
            if not (key.isascii() and key.isprintable()):
                raise EngineRefused("OPENAI_API_KEY holds characters that no key has. Copy it again.")
            if self._wire is None:
                total = float(self.host.settings["OPENAI_TIMEOUT"])
                # A password in the address and a key exclude each other; the key wins.
                base = self._faults.where if key else self._base
                self._wire = _import_wire()(base, key, total, self._faults)
        return self._wire

    def _account(self, reply: Reply, messages: ChatMessages, call: ModelCall) -> None:
        if reply.mixed:
            self._calls_tools.add(reply.asked)
        tokens = reply.usage if reply.usage and any(reply.usage) else request.estimate(messages, reply.characters)
        call.used(*tokens, reply.model or reply.asked, reply.cost)

    @cached_property
    def _base(self) -> str:
        base = str(self.host.settings["OPENAI_BASE_URL"]).strip().rstrip("/")
        return base.removesuffix("/chat/completions")

    @cached_property
    def _key(self) -> str:
        return str(self.host.settings["OPENAI_API_KEY"] or "").strip()

    @cached_property
    def _faults(self) -> faults.Faults:
        return faults.Faults(_shown(self._base), self._key, self.host.clock.now)


PLUGIN_CLASS = OpenAIEngine


async def _words(answer: "Answer", reader: Reader) -> AsyncGenerator[str, None]:
    """The words of an answer as they come. The end of a stream that is complete may be missing."""
    limit: float | None = None  # the first words may take as long as the whole call may
    while not reader.over:
        try:
            piece = await answer.piece(limit)
        except EngineUnreachable:
            if reader.complete:
                break
            raise
        if not piece:
            break
        if words := reader.feed(piece):
            yield words
        limit = END_LIMIT if reader.complete else PIECE_LIMIT
    if words := reader.end():
        yield words
    await answer.drained()


async def _fault(answer: "Answer") -> faults.Fault:
    try:
        return faults.read(answer.status, answer.headers, await answer.whole(MAX_ERROR))
    finally:
        answer.close()


def _import_wire() -> "type[Wire]":
    from rekku.llm_engines._openai.wire import Wire

    return Wire


def _loads(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except ValueError:
        return None


def _shown(base: str) -> str:
    """The address without a password that may stand in it."""
    try:
        parts = urlsplit(base)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return "OPENAI_BASE_URL"
