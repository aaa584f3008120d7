"""What every request passes first: is it meant for us, does it come from our own page, and what may the browser do."""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    b"content-security-policy": POLICY.encode(),
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-opener-policy": b"same-origin",
    b"cross-origin-resource-policy": b"same-origin",
    b"permissions-policy": b"camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    b"cache-control": b"no-store",
}
"""Sent with every answer that does not say otherwise itself."""
NOT_OURS = b"Rekku is not known under this address; see WEBUI_URLS.\n"
FOREIGN = b"This request comes from another page.\n"


class Guard:
    """Wraps the application. `origins` are the addresses of proxies; a path for which `open_to_programs` is true may be
    called without an Origin (it then wants a token)."""

    def __init__(self, app: App, origins: Iterable[str], open_to_programs: Callable[[str], bool]) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._hosts = {origin.partition("://")[2]: origin for origin in self._origins}
        self._open = open_to_programs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        told = {name: value.decode("latin-1") for name, value in reversed(scope["headers"])}
        host = told.get(b"host", "").lower()
        if not self._is_ours(host, scope):
            await _refuse(scope, send, 421, NOT_OURS)
            return
        if self._is_foreign(scope, told, host):
            await _refuse(scope, send, 403, FOREIGN)
            return
        scope["rekku.secure"] = self._hosts.get(host, "").startswith("https:")
        await self._app(scope, receive, _with_headers(scope, send, scope["rekku.secure"]))

    def _is_ours(self, host: str, scope: Scope) -> bool:
        """Whether the name in `Host` is ours: that of a proxy, or the very address of the connection.

        A page of somebody else's, whose name was made to point here (DNS rebinding), says that name.
        """
        if host in self._hosts:
            return True
        name, port = _parted(host)
        address, own_port = scope.get("server") or ("", None)
        if port != (own_port or 80):
            return False
        if name == "localhost":
            return _same(address, "127.0.0.1") or _same(address, "::1")
        return _same(address, name)

    def _is_foreign(self, scope: Scope, told: dict[bytes, str], host: str) -> bool:
        origin = told.get(b"origin", "").lower()
        if origin and origin not in self._origins and origin != f"http://{host}":
            return True
        if told.get(b"sec-fetch-site", "none") in ("cross-site", "same-site"):
            return scope["type"] == "websocket" or scope["path"] != "/" or scope["method"] not in SAFE
        if origin or self._open(scope["path"]):
            return False
        return scope["type"] == "websocket" or scope["method"] not in SAFE


def _parted(host: str) -> tuple[str, int]:
    """The name and the port in a `Host`; port -1 if it is none."""
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        return host.strip("[]"), 80
    return name.strip("[]"), int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else -1


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same IP address."""
    try:
        return bool(_address(one) == _address(other))
    except ValueError:
        return False


def _address(text: str) -> Any:
    address = ipaddress.ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


async def _refuse(scope: Scope, send: Send, status: int, text: bytes) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *HEADERS.items()]})
    await send({"type": "http.response.body", "body": text})


def _with_headers(scope: Scope, send: Send, secure: bool) -> Send:
    """`send`, with our headers on the way out."""
    if scope["type"] != "http":
        return send
    extra = {**HEADERS, b"strict-transport-security": b"max-age=31536000"} if secure else HEADERS

    async def sending(event: MutableMapping[str, Any]) -> None:
        if event["type"] == "http.response.start":
            own = {name.lower() for name, _ in event["headers"]}
            event["headers"] = [*event["headers"], *((n, v) for n, v in extra.items() if n not in own)]
        await send(event)

    return sending
