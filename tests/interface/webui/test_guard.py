"""What is not answered: other names, other pages, forged requests, too much of anything."""

from pathlib import Path

import aiohttp
import pytest
import yarl

from rekku.interface.webui.assets import read_all
from rekku.interface.webui.web import EVERYBODYS, OWNERS
from rekku.testing import bot_at
from tests.interface.webui.visitor import CSRF, PASSWORD, Visitor, link_in, welcome

FOREIGN = "http://evil.example"


@pytest.mark.parametrize("name", ["evil.example", "evil.example:{port}", "127.0.0.1:1", "127.0.0.2:{port}", "", "[::1"])
async def test_a_name_that_is_not_ours_gets_nothing(owner: Visitor, name: str) -> None:
    host = name.format(port=owner.base.rpartition(":")[2])
    for path in ("/", "/web/me", "/static/app.js", "/healthz"):
        assert (await owner.get(path, host=host))[0] == 421


async def test_localhost_is_ours(owner: Visitor) -> None:
    assert (await owner.get("/web/me", host=f"localhost:{owner.base.rpartition(':')[2]}"))[0] == 200


async def test_a_rebound_name_cannot_open_a_socket(owner: Visitor) -> None:
    port = owner.base.rpartition(":")[2]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await owner.http.ws_connect("/web/socket", headers={"host": f"evil.example:{port}", "origin": FOREIGN})
    assert refused.value.status == 403


@pytest.mark.parametrize("origin", [FOREIGN, "null", "https://127.0.0.1", "http://127.0.0.1:1"])
async def test_another_page_can_neither_ask_nor_open_a_socket(owner: Visitor, origin: str) -> None:
    assert (await owner.post("/web/logout", origin=origin))[0] == 403
    assert (await owner.get("/web/me", origin=origin))[0] == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await owner.http.ws_connect("/web/socket", headers={"origin": origin})
    assert (await owner.get("/web/condition"))[0] == 200


async def test_a_socket_and_a_deed_need_an_origin(owner: Visitor) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await owner.http.ws_connect("/web/socket")
    async with owner.http.post("/web/logout", json={}, headers={CSRF: owner.csrf}) as response:
        assert response.status == 403


async def test_what_the_browser_says_about_the_sender_counts(owner: Visitor) -> None:
    assert (await owner.get("/web/people", **{"sec-fetch-site": "cross-site"}))[0] == 403
    assert (await owner.get("/web/people", **{"sec-fetch-site": "same-site"}))[0] == 403
    assert (await owner.get("/web/people", **{"sec-fetch-site": "same-origin"}))[0] == 200
    assert (await owner.get("/", **{"sec-fetch-site": "cross-site"}))[0] == 200


async def test_a_deed_needs_the_token_of_the_session(owner: Visitor) -> None:
    right, owner.csrf = owner.csrf, "wrong"
    assert (await owner.post("/web/people/role", {"id": "x", "role": "known"}))[0] == 403
    owner.csrf = ""
    assert (await owner.post("/web/logout"))[0] == 403
    owner.csrf = right
    assert (await owner.post("/web/logout"))[0] == 200


async def test_every_answer_says_what_the_browser_may_do(stranger: Visitor) -> None:
    for path in ("/", "/static/app.js", "/static/icon.svg", "/web/me", "/web/people", "/nothing", "/healthz"):
        async with stranger.http.get(path) as response:
            assert response.charset == "utf-8" or response.content_type == "application/json", path
            policy = response.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self';" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert response.headers["x-content-type-options"] == "nosniff"
            assert response.headers["referrer-policy"] == "no-referrer"
            assert "server" not in response.headers


def test_no_file_of_the_page_has_script_or_style_inline_or_loads_from_elsewhere() -> None:
    assets = read_all()
    index = assets["index.html"].data.decode()
    assert "<style" not in index
    assert index.count("<script") == index.count('<script type="module" src="/static/')
    own = {name: asset.data.decode() for name, asset in assets.items() if not name.startswith("vendor/")}
    for name, text in own.items():
        assert "innerHTML" not in text, name
        assert "insertAdjacentHTML" not in text, name
        assert "eval(" not in text, name
        assert "https://" not in text.replace("https?://", ""), name


async def test_files_of_the_page_come_packed_and_only_if_they_have_changed(stranger: Visitor) -> None:
    async with stranger.http.get("/static/app.js") as response:
        assert response.headers["content-encoding"] == "gzip"
        tag = response.headers["etag"]
    assert (await stranger.get("/static/app.js", **{"if-none-match": tag}))[0] == 304


@pytest.mark.parametrize(
    "path", ["/static/../settings.py", "/static/%2e%2e/settings.py", "/static//etc/passwd", "/static/vendor", "/.env"]
)
async def test_only_files_of_the_page_are_served(stranger: Visitor, path: str) -> None:
    async with stranger.http.get(yarl.URL(stranger.base + path, encoded=True)) as response:
        assert response.status == 404


async def test_a_stranger_sees_nothing_of_rekku(stranger: Visitor) -> None:
    for path, (method, _) in {**EVERYBODYS, **OWNERS}.items():
        concrete = path.replace("{file_id}", "0" * 32).replace("{message_id}", "1")
        status, told = await (stranger.get(concrete) if method == "GET" else stranger.post(concrete))
        assert status == 401, path
        assert set(told) == {"error"}
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await stranger.http.ws_connect("/web/socket", headers={"origin": stranger.base})


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b"[" * 100_000, b'"x"', b""])
async def test_a_body_that_is_no_object_gets_a_sentence(stranger: Visitor, body: bytes) -> None:
    status, told = await stranger.post("/web/login", body, content_type="application/json")
    assert status == 400
    assert told["error"].startswith("The body")


async def test_a_body_that_is_too_large_is_not_read(stranger: Visitor) -> None:
    status, _ = await stranger.post("/web/login", b"x" * 300_000, content_type="application/json")
    assert status == 413
    assert (await stranger.post("/web/login", b"{}", content_type="text/plain"))[0] == 415


async def test_a_proxy_that_is_named_is_let_through_with_a_secure_cookie(bot_home: Path) -> None:
    settings = {"REKKU_PLUGINS": "webui", "WEBUI_PORT": "0", "WEBUI_URLS": "https://rekku.example.org"}
    async with bot_at(bot_home, settings, interfaces=["webui"]) as bot:
        assert "https://rekku.example.org/#link=" in welcome(bot)
        component = next(c for c in bot.running.registry if c.name == "webui")
        base = f"http://127.0.0.1:{component.instance._server.port}"
        visitor = Visitor(base)
        told = {"link": link_in(welcome(bot)), "password": PASSWORD}
        head = {"host": "rekku.example.org", "origin": "https://rekku.example.org"}
        async with visitor.http.post("/web/link", json=told, headers=head) as response:
            assert response.status == 200
            cookie = response.headers["set-cookie"]
            assert cookie.startswith("__Host-webui_")
            assert "Secure" in cookie
            assert "strict-transport-security" in response.headers
            csrf = (await response.json())["csrf"]
        session = {**head, "cookie": cookie.partition(";")[0]}
        assert (await visitor.get("/web/condition", **session))[0] == 200
        async with visitor.http.post("/web/logout", json={}, headers={**session, CSRF: csrf}) as response:
            gone = response.headers["set-cookie"]
        assert gone.startswith("__Host-webui_")
        assert all(part in gone for part in ("Secure", "Max-Age=0"))
        assert (await visitor.get("/web/condition", **session))[0] == 401
        await visitor.close()
