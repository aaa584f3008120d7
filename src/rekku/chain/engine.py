"""Asking a model: which engine, how long, how often, and what then."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rekku.chain.one_call import reply_of
from rekku.chain.prices import Prices
from rekku.chain.secrets import Secrets
from rekku.chain.tally import CallTally
from rekku.core.clock import Clock
from rekku.core.database import Database
from rekku.core.errors import EngineBusy, EngineError, EngineRefused, EngineUnreachable
from rekku.core.message import Conversation
from rekku.core.model_call import ChatMessages, ModelCall
from rekku.core.registry import Component, Kind, Registry
from rekku.store.journal import tokens_since
from rekku.store.state import State

log = logging.getLogger(__name__)

WAITS = (0.5, 1.5, 3.0)
"""Seconds between tries with one engine; a refused connection thus ends in about five."""

LONGEST_WAIT = 20.0
PREFERRED = ("openai_chatgpt", "manual")
"""What is used when the owner chose nothing: the first of these that is configured."""

NO_PRICES = Prices()

CHOSEN = "engine"
MODEL = "model:"
TAKEN = "taken:"


class CapReached(EngineError):
    """Today's tokens are used up."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What a model said, and what it cost: tokens, seconds, and US dollars if they are known."""

    text: str
    engine: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The owner's choices. `tokens_per_day` 0 is no limit; `timeout` in seconds."""

    active: str = ""
    fallbacks: Sequence[str] = ()
    timeout: float = 120.0
    tokens_per_day: int = 0
    prices: Prices = NO_PRICES


class Engines:
    """The engines of the registry, the owner's choice among them, and the calls."""

    def __init__(
        self,
        *,
        registry: Registry,
        database: Database,
        state: State,
        clock: Clock,
        settings: EngineSettings,
        secrets: Secrets,
    ) -> None:
        self._registry = registry
        self._db = database
        self._state = state
        self._clock = clock
        self._settings = settings
        self._secrets = secrets
        self._calls: dict[str, deque[float]] = {}
        self._day: datetime | None = None
        self._used = 0
        self.calls = CallTally()
        self._answered: list[Callable[[], None]] = []
        self.down = ""

    def active(self, where: Conversation | None = None) -> Component:
        """The engine that is asked first (in a conversation). Raises EngineRefused if there is none."""
        by_hand = self._by_hand() if where is not None and self.is_taken(where) else None
        if by_hand is not None:
            return by_hand
        wanted = self._state.get(CHOSEN) or self._settings.active
        for name in (wanted, *PREFERRED):
            engine = self._registry.get(Kind.ENGINE, name) if name else None
            if engine is not None:
                return engine
            if name and name == wanted:
                log.warning("The engine %r is not available; `rekku doctor` says why.", name)
        for engine in self._registry.of(Kind.ENGINE):
            return engine
        raise EngineRefused("no engine is available; `rekku doctor` says why")

    async def choose(self, name: str) -> None:
        """Use another engine from now on, after a restart too."""
        await self._state.set(CHOSEN, name)

    def is_taken(self, where: Conversation) -> bool:
        """Whether the owner answers a conversation by hand, whatever engine is in use elsewhere."""
        return bool(self._state.get(f"{TAKEN}{where}"))

    async def take(self, where: Conversation, taken: bool) -> None:
        """Let the owner answer a conversation by hand, or no longer, after a restart too."""
        await self._state.set(f"{TAKEN}{where}", "yes" if taken else "")

    def _by_hand(self) -> Component | None:
        engines = self._registry.of(Kind.ENGINE)
        return next((engine for engine in engines if engine.members.value("waits_for_a_person")), None)

    def model(self, engine: Component) -> str:
        """The model that the owner chose for an engine, "" for its default."""
        return self._state.get(MODEL + engine.name)

    async def choose_model(self, engine: Component, model: str) -> None:
        """Use another model of an engine from now on, after a restart too."""
        await self._state.set(MODEL + engine.name, model)

    def names(self) -> list[str]:
        """All engines that are there."""
        return [engine.name for engine in self._registry.of(Kind.ENGINE)]

    def on_answer(self, listener: Callable[[], None]) -> None:
        """Call `listener` when an engine answers after none did."""
        self._answered.append(listener)

    async def ask(
        self,
        messages: ChatMessages,
        *,
        schema: Mapping[str, Any] | None = None,
        conversation: Conversation | None = None,
        show: Callable[[str], None] | None = None,
    ) -> ModelReply:
        """The reply of the first engine that gives one. Raises EngineError with the reasons of all.

        `show` gets the pieces as they come; after a failed try it gets "" and then everything from the start.
        """
        await self._check_cap()
        messages = [{**message, "content": self._clean(message["content"])} for message in messages]
        reasons: list[str] = []
        for engine in self._candidates(conversation):
            try:
                reply = await self._try(engine, messages, schema, conversation, show)
            except EngineError as error:
                reasons.append(f"{engine.name}: {error}")
                log.warning("No answer from %s: %s", engine.name, error)
                continue
            if self.down:
                self.down = ""
                for listener in tuple(self._answered):
                    listener()
            return reply
        self.down = "; ".join(reasons)
        raise EngineUnreachable(self.down)

    def _clean(self, content: Any) -> Any:
        """The content without secrets; in parts, the texts among them."""
        if isinstance(content, str):
            return self._secrets.clean(content)
        return [{**part, "text": self._secrets.clean(part["text"])} if "text" in part else part for part in content]

    def _candidates(self, where: Conversation | None) -> list[Component]:
        others = (self._registry.get(Kind.ENGINE, name) for name in self._settings.fallbacks)
        return list(dict.fromkeys([self.active(where), self.active(), *(engine for engine in others if engine)]))

    async def _check_cap(self) -> None:
        cap = self._settings.tokens_per_day
        if not cap:
            return
        today = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        if today != self._day:
            self._used = await tokens_since(self._db, today)
            self._day = today
        if self._used >= cap:
            raise CapReached(f"today's {cap} tokens (TOKENS_PER_DAY) are used up")

    def cap_ends(self) -> datetime:
        """When tokens may be used again."""
        today = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return today + timedelta(days=1)

    async def _try(
        self,
        engine: Component,
        messages: ChatMessages,
        schema: Mapping[str, Any] | None,
        conversation: Conversation | None,
        show: Callable[[str], None] | None,
    ) -> ModelReply:
        limit = None if engine.members.value("waits_for_a_person") else self._settings.timeout
        for wait in (*WAITS, None):
            await self._keep_rate(engine)
            call = ModelCall(self.model(engine), schema, conversation)
            began = self._clock.monotonic()
            how, seconds = "failed", 0.0
            try:
                async with asyncio.timeout(limit):
                    text = await reply_of(engine.members, messages, call, show)
                how, seconds = "answered", self._clock.monotonic() - began
                read, written = call.prompt_tokens, call.completion_tokens
                if call.cost is None:
                    call.cost = self._settings.prices.cost(call.model, read, written)
                return ModelReply(text, engine.name, call.model, read, written, seconds, call.cost)
            except EngineRefused:
                raise
            except (EngineError, TimeoutError, ConnectionError) as error:
                problem = _as_engine_error(error, limit)
                if wait is None or isinstance(error, TimeoutError):
                    raise problem from error
                wanted = problem.retry_after if isinstance(problem, EngineBusy) else None
                if wanted is not None and wanted > LONGEST_WAIT:
                    raise problem from error
                if show:
                    show("")
                await self._clock.sleep(max(wait, wanted or 0.0))
            except asyncio.CancelledError:
                how = "cancelled"
                raise
            except Exception as error:  # the door to an engine's own code
                log.exception("The engine %s failed.", engine.name)
                raise EngineRefused(f"it failed ({type(error).__name__}); the log says where") from error
            finally:
                self.calls.add(engine.name, call, how, seconds)
                self._used += call.prompt_tokens + call.completion_tokens
        raise EngineUnreachable("no try was left")

    async def _keep_rate(self, engine: Component) -> None:
        """Wait until the engine's own rate limit allows another call."""
        if not engine.members.has("get_rate_limit"):
            return
        limit = await engine.members.call("get_rate_limit")
        if not limit:
            return
        calls, seconds = limit
        past = self._calls.setdefault(engine.name, deque())
        while past and past[0] <= self._clock.monotonic() - seconds:
            past.popleft()
        if len(past) >= calls:
            await self._clock.sleep(past[0] + seconds - self._clock.monotonic())
            past.popleft()
        past.append(self._clock.monotonic())


def _as_engine_error(error: Exception, limit: float | None) -> EngineError:
    if isinstance(error, EngineError):
        return error
    if isinstance(error, TimeoutError):
        return EngineUnreachable(f"no answer within {limit:g} seconds" if limit else "no answer in time")
    return EngineUnreachable(str(error) or type(error).__name__)
