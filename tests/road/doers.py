"""Plugins that the tests of the road add: each notes what was done."""

import inspect
from collections.abc import Callable
from typing import Any

from rekku.core.host import Host
from rekku.testing import Bot


class Doer:
    """One action that notes the payloads with which it was done. `does` gives its output, `checks` its problems.

    `told` is what the model is told about the payload's fields; other keywords go into the action's description.
    """

    host: Host

    def __init__(
        self,
        name: str = "do_it",
        *,
        does: Callable[[dict[str, Any]], Any] = lambda _: None,
        checks: Callable[[dict[str, Any]], Any] = lambda _: [],
        told: dict[str, Any] | None = None,
        **spec: Any,
    ) -> None:
        self.name = name
        self.done: list[dict[str, Any]] = []
        self.checked: list[dict[str, Any]] = []
        self._does, self._checks, self._told = does, checks, told or {}
        self._spec = {"description": f"Do {name}.", **spec}

    def get_supported_actions(self) -> dict[str, Any]:
        return {self.name: self._spec}

    def get_prompt_instructions(self, name: str) -> dict[str, Any]:
        return {"payload": self._told}

    async def validate_payload(self, name: str, payload: dict[str, Any]) -> Any:
        self.checked.append(payload)
        return self._checks(payload)

    async def handle_custom_action(self, name: str, payload: dict[str, Any]) -> Any:
        self.done.append(payload)
        result = self._does(payload)
        return await result if inspect.isawaitable(result) else result


def add(bot: Bot, doer: Doer) -> Doer:
    """Add it to the bot under its action's name."""
    return bot.add(doer, doer.name)


async def drop_in(bot: Bot, path: str, text: str) -> None:
    """Save a file in the home, and have it noticed at once."""
    file = bot.home / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    await bot.running.loader.sync()
