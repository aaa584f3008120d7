"""One call of an engine: its own code runs, and what it says is collected."""

import contextlib
import logging
from collections.abc import AsyncGenerator, Callable

from rekku.core.errors import PluginError
from rekku.core.members import Members
from rekku.core.model_call import ChatMessages, ModelCall
from rekku.core.text import whole_characters
from rekku.core.transport_layer import CapturingBot, capturing
from rekku.store.codec import dump

log = logging.getLogger(__name__)

REPLY_LIMIT = 12_000_000
LONGEST_MODEL = 200
"""Characters of a reply, and of the name of its model."""


async def reply_of(
    members: Members, messages: ChatMessages, call: ModelCall, show: Callable[[str], None] | None
) -> str:
    """What an engine says. The name of the model, which a server may have made up, is left as one that can be kept."""
    try:
        return await _collect(_generate(members, messages, call), show)
    finally:
        call.model = whole_characters(call.model)[:LONGEST_MODEL]


async def _generate(members: Members, messages: ChatMessages, call: ModelCall) -> AsyncGenerator[str, None]:
    if members.has("generate_response"):
        arguments = (messages, call) if members.accepts("generate_response", "call") else (messages,)
        async with contextlib.aclosing(members.stream("generate_response", *arguments)) as pieces:
            async for piece in pieces:
                yield piece
        return
    if not members.has("handle_incoming_message"):
        raise PluginError("the engine has neither generate_response nor handle_incoming_message")
    with capturing() as captured:
        result = await members.call("handle_incoming_message", CapturingBot(), None, dump(messages), limit=None)
    yield str(result) if result is not None else "".join(captured)


async def _collect(pieces: AsyncGenerator[str, None], show: Callable[[str], None] | None) -> str:
    parts: list[str] = []
    size = 0
    async with contextlib.aclosing(pieces):
        async for piece in pieces:
            parts.append(piece)
            size += len(piece)
            if show:
                show(piece)
            if size > REPLY_LIMIT:
                log.warning("The model's reply was longer than %d characters and was cut.", REPLY_LIMIT)
                break
    return "".join(parts)
