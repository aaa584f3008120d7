"""Secrets stay inside: what the settings hold as secret is taken out of whatever leaves, to a model or to a chat."""

from collections.abc import Iterable

HIDDEN = "[secret]"
SHORTEST = 8
"""Characters; a shorter value would also hide innocent words."""


class Secrets:
    """The values that must not leave."""

    def __init__(self) -> None:
        self._values: tuple[str, ...] = ()

    def keep(self, values: Iterable[str]) -> None:
        """Hide these from now on, and no others."""
        long_enough = {value.strip() for value in values if len(value.strip()) >= SHORTEST}
        self._values = tuple(sorted(long_enough, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """The text without them."""
        for value in self._values:
            if value in text:
                text = text.replace(value, HIDDEN)
        return text
