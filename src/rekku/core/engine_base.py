"""The base class of engines: files in `llm_engines/` that expose `PLUGIN_CLASS`."""

from collections.abc import AsyncIterator, Awaitable, Sequence

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.model_call import ChatMessages, ModelCall


class EngineBase(AIPluginBase):
    """An engine: it turns messages into the model's words.

    Raise EngineBusy, EngineUnreachable or EngineRefused when there are none.
    """

    waits_for_a_person = False
    """True if a person answers: then there is no time limit, and reminders do not wait for it."""

    takes_images = False
    """Whether image parts may stand in the messages."""

    character_budget = 400_000
    """How many characters a prompt may have."""

    def generate_response(
        self, messages: ChatMessages, call: ModelCall
    ) -> str | Awaitable[str | AsyncIterator[str]] | AsyncIterator[str]:
        """The reply: a string, or pieces of it as they come. A method without `call` works too."""
        raise NotImplementedError(f"{type(self).__name__} does not generate")

    def get_supported_models(self) -> Sequence[str] | Awaitable[Sequence[str]]:
        """The models that `/model` offers; empty if any name will do."""
        return ()

    def get_current_model(self) -> str:
        """The model that it uses when the owner chose none."""
        return ""

    def get_rate_limit(self) -> tuple[int, float] | None:
        """`(calls, seconds)`: at most so many calls in so many seconds; None for no limit."""
        return None
