"""What a call of a model costs, by the prices that the owner wrote down."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

MILLION = 1_000_000
DATED = re.compile(r"-\d{4}-?\d{2}-?\d{2}$")
"""How servers name the version of a model: `gpt-5` answers as `gpt-5-2025-08-07`."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens, read and written."""

    read: float
    written: float


class Prices:
    """The prices of MODEL_PRICES, texts like `gpt-5=1.25/10`. A name with `*` at its end is the beginning of names."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._names: dict[str, Price] = {}
        self._beginnings: dict[str, Price] = {}
        for text in texts:
            name, _, price = text.rpartition("=")
            read, _, written = price.partition("/")
            prices = self._beginnings if name.endswith("*") else self._names
            prices[name.removesuffix("*").casefold()] = Price(float(read), float(written))

    def cost(self, model: str, prompt_tokens: int, completion_tokens: int) -> float | None:
        """US dollars; None if the model has no price or nobody knows the tokens."""
        price = self._of(model.casefold())
        if price is None or not (prompt_tokens or completion_tokens):
            return None
        return (prompt_tokens * price.read + completion_tokens * price.written) / MILLION

    def _of(self, model: str) -> Price | None:
        """The whole name counts first, then the name without its date, then the longest beginning."""
        if not model:
            return None
        exact = self._names.get(model) or self._names.get(DATED.sub("", model))
        fitting = [beginning for beginning in self._beginnings if model.startswith(beginning)]
        return exact or (self._beginnings[max(fitting, key=len)] if fitting else None)
