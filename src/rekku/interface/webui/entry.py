"""Coming in and going out: the one-time link, the password, guests."""

import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from rekku.interface.webui import requests
from rekku.interface.webui.context import OWNER_ID, Context
from rekku.interface.webui.requests import Ask, Problem
from rekku.interface.webui.sessions import ABSOLUTE, GUEST, OWNER, Session

GUEST_ID = "guest-"


async def me(ask: Ask) -> Any:
    """Who is asking, and what the page needs to begin."""
    session = await requests.session_of(ask.context, ask.request)
    if session is None or not (session.is_owner or ask.context.guests):
        return {"kind": "", "guests": ask.context.guests, "password": await ask.context.door.has_password()}
    return _told(ask.context, session)


async def log_in(ask: Ask) -> Response:
    """The owner comes in with the password."""
    content = await ask.told()
    await ask.context.door.check(_address(ask.request), requests.text_of(content, "password"))
    return await _come_in(ask, OWNER, OWNER_ID)


async def use_link(ask: Ask) -> Response:
    """The owner sets the password with a link that is good once; everybody else is logged out."""
    content = await ask.told()
    await ask.context.door.set_password(requests.text_of(content, "link"), requests.text_of(content, "password"))
    await ask.context.sessions.end_all_of(OWNER_ID)
    return await _come_in(ask, OWNER, OWNER_ID)


async def change_password(ask: Ask) -> Response:
    """Another password; all other sessions end, and this one begins anew."""
    content = await ask.told()
    old, new = requests.text_of(content, "old"), requests.text_of(content, "password")
    await ask.context.door.change_password(_address(ask.request), old, new)
    await ask.context.sessions.end_all_of(OWNER_ID)
    return await _come_in(ask, OWNER, OWNER_ID)


async def be_guest(ask: Ask) -> Response:
    """A stranger comes in, if strangers may."""
    await ask.told()
    if not ask.context.guests:
        raise Problem("Guests are not let in here.", 403)
    if not ask.context.came(ask.context.host.clock.monotonic()):
        raise Problem("Too many guests came in the last hour. Try again later.", 429)
    return await _come_in(ask, GUEST, GUEST_ID + secrets.token_hex(8))


async def log_out(ask: Ask) -> Response:
    """This session ends."""
    await ask.context.sessions.end(ask.session.id)
    response = requests.answer({})
    name, secure = requests.cookie_of(ask.context, ask.request), requests.is_secure(ask.request)
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")
    return response


async def _come_in(ask: Ask, kind: str, user_id: str) -> Response:
    """A new session in the place of the one that the browser may have had."""
    before = await requests.session_of(ask.context, ask.request)
    if before is not None:
        await ask.context.sessions.end(before.id)
    cookie, session = await ask.context.sessions.open(kind, user_id, ask.request.headers.get("user-agent", ""))
    response = requests.answer(_told(ask.context, session))
    response.set_cookie(
        requests.cookie_of(ask.context, ask.request),
        cookie,
        max_age=int(ABSOLUTE.total_seconds()),
        path="/",
        secure=requests.is_secure(ask.request),
        httponly=True,
        samesite="strict",
    )
    return response


def _told(context: Context, session: Session) -> dict[str, Any]:
    return {
        "kind": session.kind,
        "csrf": session.csrf,
        "chat": session.user_id,
        "commands": context.commands_for(session),
        "panels": list(context.host.house.panels()) if session.is_owner else [],
    }


def _address(request: Request) -> str:
    return request.client.host if request.client else "an unknown address"
