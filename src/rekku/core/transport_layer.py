"""For engines that answer by sending: what they send becomes the model's reply of the turn."""

import contextvars
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rekku.core.errors import PluginError

_captured: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("captured", default=None)


class CapturingBot:
    """The `bot` that `handle_incoming_message(bot, message, prompt)` gets: it sends into the turn, never to a chat."""

    async def send_message(self, *args: Any, **kwargs: Any) -> None:
        """Take the text that an engine wants to send: the keyword `text`, or the last text among the arguments."""
        capture(_text(args, kwargs))


@contextmanager
def capturing() -> Iterator[list[str]]:
    """Collect what an engine sends inside the block."""
    pieces: list[str] = []
    token = _captured.set(pieces)
    try:
        yield pieces
    finally:
        _captured.reset(token)


def capture(text: str) -> None:
    """Add a piece to the reply of the running turn; raises PluginError outside of one."""
    pieces = _captured.get()
    if pieces is None:
        raise PluginError("an engine sent a text while no turn was asking it; use self.host.send instead")
    pieces.append(text)


async def llm_to_interface(send: Any, *args: Any, **kwargs: Any) -> None:
    """Take a model's reply from an engine. `send` is kept for the document's sake: only the turn itself sends."""
    text = _text(args, kwargs)
    if not text and inspect.isfunction(send):
        raise PluginError("llm_to_interface(send, text=…) was called without a text")
    capture(text)


def _text(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    if "text" in kwargs:
        return str(kwargs["text"])
    texts = [value for value in args if isinstance(value, str)]
    return texts[-1] if texts else ""
