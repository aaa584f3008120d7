"""How a request is read and answered: small JSON bodies, errors as sentences, who is asking."""

import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from rekku.core.errors import RekkuError, StoreError
from rekku.core.house import House
from rekku.interface.webui.context import Context
from rekku.interface.webui.door import Refused
from rekku.interface.webui.guard import SAFE
from rekku.interface.webui.hub import ENDED, TOO_SLOW
from rekku.interface.webui.sessions import Session

log = logging.getLogger(__name__)

LONGEST_BODY = 256 * 1024
CSRF = "x-rekku-csrf"
AWAY = "The database does not answer. Try again in a moment."
LOGGED_OUT = "You are not logged in (any more)."

Answer = Any


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, with what is needed to answer it. Where nobody need be logged in, `who` may be None."""

    context: Context
    request: Request
    who: Session | None = None

    @property
    def session(self) -> Session:
        """Whose request it is, where somebody must be logged in."""
        if self.who is None:
            raise Problem(LOGGED_OUT, 401)
        return self.who

    @property
    def house(self) -> House:
        """Rekku as a whole."""
        return self.context.host.house

    async def told(self) -> dict[str, Any]:
        """The JSON object that the request brings. Raises Problem."""
        if self.request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise Problem("The body must be application/json.", 415)
        return await json_of(self.request, LONGEST_BODY)


Handler = Callable[[Ask], Awaitable[Answer]]


class Problem(RekkuError):
    """A request that cannot be done; a sentence for the person, and a status."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


def answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer in JSON."""
    body = json.dumps(content, ensure_ascii=False, default=str).encode("utf-8", "replace")
    return Response(body, status, headers, media_type="application/json")


async def json_of(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object that a body holds. Raises Problem."""
    try:
        content = json.loads(await small_body(request, limit))
    except (ValueError, RecursionError):
        raise Problem("The body is not JSON.") from None
    if not isinstance(content, dict):
        raise Problem("The body must be a JSON object.")
    return content


async def small_body(request: Request, limit: int) -> bytes:
    """The body, as long as it is not longer than that. Raises Problem."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise Problem(f"The body may have {limit // 1024} KB.", 413)
    return bytes(body)


def text_of(content: dict[str, Any], name: str, longest: int = 2000) -> str:
    """A text out of a body. Raises Problem."""
    value = content.get(name, "")
    if not isinstance(value, str) or len(value) > longest:
        raise Problem(f"{name} must be a text of at most {longest} characters.")
    return value


def cookie_of(context: Context, connection: HTTPConnection) -> str:
    """The name of the session's cookie; behind https one that no other host can set, and no page without https."""
    return f"__Host-{context.cookie}" if is_secure(connection) else context.cookie


def is_secure(connection: HTTPConnection) -> bool:
    """Whether it came by a proxy with https."""
    return bool(connection.scope.get("rekku.secure"))


async def session_of(context: Context, connection: HTTPConnection) -> Session | None:
    """Whose cookie a connection brings."""
    return await context.sessions.find(connection.cookies.get(cookie_of(context, connection), ""))


async def let_in(context: Context, websocket: WebSocket, *, guests: bool) -> Session | None:
    """Whose socket it is, if its session may have one; else it is closed, with a code that says why."""
    try:
        session = await session_of(context, websocket)
    except StoreError:
        await websocket.close(TOO_SLOW)
        return None
    if session is not None and (session.is_owner or guests):
        return session
    await websocket.close(ENDED)
    return None


def open_to_all(context: Context, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler for which nobody need be logged in."""

    async def handling(request: Request) -> Response:
        return await _handled(lambda: handler(Ask(context, request)))

    return handling


def for_owner(context: Context, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler for the owner alone."""
    return _for(context, handler, guests=False)


def for_everybody(context: Context, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """A handler for whoever has a session, guests too."""
    return _for(context, handler, guests=True)


def _for(context: Context, handler: Handler, *, guests: bool) -> Callable[[Request], Awaitable[Response]]:
    async def checked(request: Request) -> Answer:
        session = await session_of(context, request)
        if session is None:
            raise Problem(LOGGED_OUT, 401)
        if request.method not in SAFE and not secrets.compare_digest(
            request.headers.get(CSRF, "").encode(), session.csrf.encode()
        ):
            raise Problem("This request does not come from the page. Load it again.", 403)
        if not session.is_owner and not (guests and context.guests):
            raise Problem("This is for the owner alone.", 403)
        return await handler(Ask(context, request, session))

    async def handling(request: Request) -> Response:
        return await _handled(lambda: checked(request))

    return handling


async def _handled(work: Callable[[], Awaitable[Answer]]) -> Response:
    """What the work answers; what it raises, in words."""
    try:
        result = await work()
        return result if isinstance(result, Response) else answer({} if result is None else result)
    except Problem as problem:
        return answer({"error": str(problem)}, problem.status)
    except Refused as refused:
        headers = {"retry-after": str(int(refused.wait) + 1)} if refused.wait else None
        return answer({"error": str(refused)}, 429 if refused.wait else 403, headers)
    except StoreError:
        return answer({"error": AWAY}, 503)
    except RekkuError as error:
        return answer({"error": str(error)}, 409)
    except Exception:  # the door of a request
        log.exception("A request of the web page failed.")
        return answer({"error": "That went wrong. The log says where."}, 500)
