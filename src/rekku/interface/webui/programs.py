"""What all calls of other programs share: the token, the words and pictures, the answer."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from rekku.core.errors import StoreError
from rekku.core.message import Attachment
from rekku.interface.webui import requests
from rekku.interface.webui.context import Context
from rekku.interface.webui.files import MOST_BYTES, sniff
from rekku.interface.webui.requests import Problem
from rekku.interface.webui.tokens import Token

MODEL = "rekku"
LONGEST_BODY = 2 * MOST_BYTES
MOST_PICTURES = 10
WHO = "This needs an access token: make one on the page Access of Rekku's web page, and give it as the API key."


@dataclass(frozen=True, slots=True)
class ProgramCall:
    """A request of a program; `accept` says which forms of an answer it takes, `path` what its path names."""

    context: Context
    token: Token
    content: Mapping[str, Any]
    accept: str
    path: Mapping[str, str]


Handler = Callable[[ProgramCall], Awaitable[Response]]


def for_programs(
    context: Context, handler: Handler, faulty: Callable[[str, int], Any]
) -> Callable[[Request], Awaitable[Response]]:
    """A handler that wants a token; `faulty` puts an error into the protocol's own form."""

    async def handling(request: Request) -> Response:
        try:
            token = await _token(context, request)
            content = await requests.json_of(request, LONGEST_BODY) if request.method == "POST" else {}
            accept = request.headers.get("accept", "")
            return await handler(ProgramCall(context, token, content, accept, request.path_params))
        except Problem as problem:
            return requests.answer(faulty(str(problem), problem.status), problem.status)
        except StoreError:
            return requests.answer(faulty(requests.AWAY, 503), 503)

    return handling


def picture(data: str, name: str) -> Attachment:
    """A picture out of base64. Raises Problem."""
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Problem("A picture must be base64.") from None
    if len(content) > MOST_BYTES:
        raise Problem("A picture is too large.", 413)
    kind, mime = sniff(content[:64])
    return Attachment(kind, name, mime, content)


def last_words(messages: object, said: Callable[[Mapping[str, Any]], tuple[str, list[Attachment]]]) -> Any:
    """What the person says now: everything behind the last answer. Rekku remembers the rest by itself."""
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        raise Problem("messages must be a list of objects.")
    texts: list[str] = []
    files: list[Attachment] = []
    for message in reversed(messages):
        role = message.get("role")
        if role == "assistant":
            break
        if role == "user":
            text, pictures = said(message)
            texts.insert(0, text)
            files[:0] = pictures
    words = "\n".join(text for text in texts if text.strip())
    if not words.strip() and not files:
        raise Problem("There is no message of a user to answer.")
    return words, files[:MOST_PICTURES]


async def tokens_of(call: ProgramCall, message_id: str) -> tuple[int, int]:
    """The tokens that the answer to a message took, as far as the engine tells."""
    from rekku.interface.webui.calls import conversation_of

    found = await call.context.host.house.because(conversation_of(call.token), message_id)
    return (found.prompt_tokens, found.completion_tokens) if found else (0, 0)


def model_of(content: Mapping[str, Any]) -> str:
    """The model that a program asks for; whatever it is, Rekku answers."""
    name = content.get("model")
    return name if isinstance(name, str) and name else MODEL


def parts_of(content: object) -> Sequence[Mapping[str, Any]]:
    """The parts of a message's content."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, list):
        return [part for part in content if isinstance(part, dict)]
    return []


async def _token(context: Context, request: Request) -> Token:
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    token = await context.tokens.find(text.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise Problem(WHO, 401)
    return token
