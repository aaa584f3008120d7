"""The application: which path is answered by what. Imported at start only."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router, WebSocketRoute
from starlette.websockets import WebSocket

from rekku.interface.webui import (
    access,
    assets,
    entry,
    linking,
    metrics,
    ollama_api,
    openai_api,
    panels,
    talk,
    terminal,
    uploads,
)
from rekku.interface.webui.assets import INDEX, Asset
from rekku.interface.webui.context import Context
from rekku.interface.webui.guard import Guard
from rekku.interface.webui.programs import for_programs
from rekku.interface.webui.requests import for_everybody, for_owner, open_to_all

OPEN: Mapping[str, tuple[str, Any]] = {
    "/web/me": ("GET", entry.me),
    "/web/login": ("POST", entry.log_in),
    "/web/link": ("POST", entry.use_link),
    "/web/guest": ("POST", entry.be_guest),
}
EVERYBODYS: Mapping[str, tuple[str, Any]] = {
    "/web/logout": ("POST", entry.log_out),
    "/web/files": ("POST", uploads.upload),
    "/web/files/{file_id}": ("GET", uploads.download),
}
OWNERS: Mapping[str, tuple[str, Any]] = {
    "/web/password": ("POST", entry.change_password),
    "/web/sessions": ("GET", access.sessions),
    "/web/sessions/end": ("POST", access.end_session),
    "/web/condition": ("GET", panels.condition),
    "/web/components": ("GET", panels.components),
    "/web/components/reload": ("POST", panels.reload),
    "/web/components/switch": ("POST", panels.switch),
    "/web/engine": ("POST", panels.choose_engine),
    "/web/talks": ("GET", panels.talks),
    "/web/talks/take": ("POST", panels.take_over),
    "/web/settings": ("GET", panels.settings),
    "/web/settings/change": ("POST", panels.change_settings),
    "/web/because/{message_id}": ("GET", panels.because),
    "/web/people": ("GET", panels.people),
    "/web/people/role": ("POST", panels.set_role),
    "/web/people/forget": ("POST", panels.forget),
    "/web/people/join": ("POST", linking.join),
    "/web/people/part": ("POST", linking.part),
    "/web/usage": ("GET", panels.usage),
    "/web/plugin/{name}/{deed}": ("POST", panels.plugin),
    "/web/tokens": ("GET", access.tokens),
    "/web/tokens/new": ("POST", access.new_token),
    "/web/tokens/end": ("POST", access.end_token),
}
"""Paths, how they are asked, and by whom they may be."""
OPENAI: Mapping[str, tuple[str, Any]] = {
    "/v1/models": ("GET", openai_api.models),
    "/v1/models/{name}": ("GET", openai_api.model),
    "/v1/chat/completions": ("POST", openai_api.chat),
}
OLLAMA: Mapping[str, tuple[str, Any]] = {
    "/api/tags": ("GET", ollama_api.tags),
    "/api/version": ("GET", ollama_api.version),
    "/api/chat": ("POST", ollama_api.chat),
    "/api/generate": ("POST", ollama_api.generate),
}
METRICS: Mapping[str, tuple[str, Any]] = {"/metrics": ("GET", metrics.metrics)}
PROGRAMS = frozenset({"/healthz", *OPENAI, *OLLAMA, *METRICS})
"""What programs ask that are no browsers: with a token, and no cookie ever counts there."""


def application(context: Context, files: Mapping[str, Asset], origins: Iterable[str]) -> Guard:
    """Everything that is answered, behind the guard."""

    async def index(request: Request) -> Response:
        return assets.serve(files, request, INDEX)

    async def static(request: Request) -> Response:
        return assets.serve(files, request, request.path_params["path"])

    async def alive(_: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    async def socket(websocket: WebSocket) -> None:
        await talk.socket(context, websocket)

    async def screen(websocket: WebSocket) -> None:
        await terminal.socket(context, websocket)

    routes = [
        Route("/", index, methods=["GET"]),
        Route("/static/{path:path}", static, methods=["GET"]),
        Route("/healthz", alive, methods=["GET"]),
        WebSocketRoute("/web/socket", socket),
        WebSocketRoute("/web/terminal/{screen}", screen),
        *_routes(OPEN, lambda handler: open_to_all(context, handler)),
        *_routes(EVERYBODYS, lambda handler: for_everybody(context, handler)),
        *_routes(OPENAI, lambda handler: for_programs(context, handler, openai_api.faulty)),
        *_routes(OLLAMA, lambda handler: for_programs(context, handler, ollama_api.faulty)),
        *_routes(METRICS, lambda handler: for_programs(context, handler, ollama_api.faulty)),
        *_routes(OWNERS, lambda handler: for_owner(context, handler)),
    ]
    return Guard(Router(routes, redirect_slashes=False), origins, _is_for_programs)


def _routes(
    table: Mapping[str, tuple[str, Any]], wrapped: Callable[[Any], Callable[[Request], Awaitable[Response]]]
) -> list[Route]:
    return [Route(path, wrapped(handler), methods=[method]) for path, (method, handler) in table.items()]


def _is_for_programs(path: str) -> bool:
    """Whether a program may ask there: also for what the protocols have and Rekku has not, to hear just that."""
    return path in PROGRAMS or path.startswith(("/v1/", "/api/"))
