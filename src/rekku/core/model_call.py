"""One call of a language model, from the engine's side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rekku.core.message import Conversation

ChatMessages = list[dict[str, Any]]
"""The OpenAI chat format: `{"role": "system" | "user" | "assistant", "content": text or parts}`; a part is
`{"type": "text", "text": …}` or `{"type": "image_url", "image_url": {"url": "data:image/png;base64,…"}}`."""


@dataclass(slots=True)
class ModelCall:
    """What an engine may want to know beside the messages, and where it reports what it used.

    `model` is the owner's choice ("" for the engine's default); `schema` the JSON Schema of a clean reply, for
    servers that support structured output; `conversation` is None outside turns.
    """

    model: str = ""
    schema: Mapping[str, Any] | None = None
    conversation: Conversation | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None

    def used(self, prompt_tokens: int, completion_tokens: int, model: str = "", cost: float | None = None) -> None:
        """Report the tokens of this call, the model that really answered, and what the server says that it cost.

        `cost` is in US dollars. Where the server does not say it, the owner's MODEL_PRICES do.
        """
        self.prompt_tokens = prompt_tokens
        self.completion_tokens = completion_tokens
        self.model = model or self.model
        self.cost = cost
