"""A small Reddit on loopback: OAuth for scripts, subreddits, flairs, posts, pictures, comments, edits, deletions;
and what `reddit_pages` has: feeds, threads, the inbox, private messages.

    async with RedditServer() as reddit:
        ...  # REDDIT_URL = reddit.url

`reddit.things` is what stands there, by fullname. What goes wrong is set by tests: see the attributes.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import MultipartReader, web

from tests.servers.reddit_pages import Pages
from tests.servers.reddit_things import CLIENT_ID, CLIENT_SECRET, PASSWORD, USER_AGENT, USERNAME, Thing, told

__all__ = ["CLIENT_ID", "CLIENT_SECRET", "PASSWORD", "USERNAME", "USER_AGENT", "RedditServer", "Thing"]

CHANGES = ("/api/submit/", "/api/comment/", "/api/compose/", "/api/editusertext/", "/api/del/")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class RedditServer(Pages):
    """A Reddit with the subreddits `rust` (has flairs), `links` (no texts), `locked_up` (private)."""

    def __init__(self, port: int = 0) -> None:
        super().__init__()
        self.port = port
        self.subreddits: dict[str, dict[str, Any]] = {
            "rust": {"submission_type": "any", "allow_images": True},
            "links": {"submission_type": "link", "allow_images": False},
            "locked_up": {"private": True},
        }
        self.flairs = {"rust": {"question": "f-1", "Show and tell": "f-2"}}
        self.errors: list[list[str]] = []  # of the next change
        self.statuses: list[int] = []  # of the next changes, which are not done
        self.hidden = False  # nothing is told of single posts and comments
        self.limit: tuple[int, float] | None = None  # after so many changes, one is too many for so many seconds
        self.cut_after = 0  # so many changes are done, and their connections broken
        self.cut_before = 0  # so many changes are not done, and their connections broken
        self.gate: asyncio.Event | None = None  # changes are done, and not answered before it is set
        self.tokens: set[str] = set()
        self.uploads: dict[str, bytes] = {}
        self.picture = "success"  # or “failed”, “too large”
        self.leaves = False  # nothing can be asked once a picture is posted
        self.left = asyncio.Event()
        self.requests: list[str] = []
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._door], client_max_size=20_000_000)
        app.add_routes(
            [
                web.post("/api/v1/access_token", self._token),
                web.get("/r/{name}/about/", self._about),
                web.post("/r/{name}/api/flairselector/", self._flairs),
                web.post("/api/submit/", self._submit),
                web.post("/api/comment/", self._comment),
                web.post("/api/editusertext/", self._edit),
                web.post("/api/del/", self._delete),
                web.get("/api/info/", self._info),
                web.get("/user/{name}/submitted", self._submitted),
                web.get("/user/{name}/comments", self._commented),
                web.get("/comments/{id}/", self._thread),
                *self.routes(),
                web.post("/api/media/asset.json", self._lease),
                web.post("/upload", self._upload),
                web.get("/ws/{key}", self._socket),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    @web.middleware
    async def _door(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        open_to_all = request.path.startswith(("/api/v1/access_token", "/upload", "/ws/"))
        if not open_to_all:
            if not request.headers.get("User-Agent", "").startswith(USER_AGENT):
                return web.json_response({"message": "Too Many Requests", "error": 429}, status=429)
            if request.headers.get("Authorization", "").removeprefix("bearer ") not in self.tokens:
                header = {"WWW-Authenticate": 'Bearer realm="reddit", error="invalid_token"'}
                return web.json_response({"message": "Unauthorized", "error": 401}, status=401, headers=header)
        answer = await (self._change(request, handler) if request.path in CHANGES else handler(request))
        answer.headers.update(self.fewer)
        if self.leaves:
            answer.force_close()
        return answer

    async def _change(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        form = await request.post()
        if form.get("api_type") != "json":
            return web.json_response({"jquery": []})
        if self.statuses:
            return web.Response(status=self.statuses.pop(0), text="<html>our servers are on fire</html>")
        if self.limit is not None:
            let_through, seconds = self.limit
            self.limit = (let_through - 1, seconds) if let_through else None
            if not let_through:
                return web.Response(status=429, headers={"retry-after": f"{seconds:g}"})
        if self.cut_before:
            self.cut_before -= 1
            return _cut(request)
        if self.errors:
            errors, self.errors = self.errors, []
            return told(errors=errors)
        answer = await handler(request)
        if self.gate is not None:
            await self.gate.wait()
        if self.cut_after:
            self.cut_after -= 1
            return _cut(request)
        return answer

    async def _token(self, request: web.Request) -> web.Response:
        wanted = "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        if request.headers.get("Authorization") != wanted:
            return web.json_response({"message": "Unauthorized", "error": 401}, status=401)
        form = await request.post()
        if (form.get("grant_type"), form.get("username"), form.get("password")) != ("password", USERNAME, PASSWORD):
            return web.json_response({"error": "invalid_grant"})
        token = f"token-{next(self.count)}"
        self.tokens.add(token)
        return web.json_response({"access_token": token, "token_type": "bearer", "expires_in": 3600, "scope": "*"})

    async def _about(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        found = self.subreddits.get(name.lower())
        if found is None:
            return web.Response(status=302, headers={"Location": f"{self.url}/subreddits/search?q={name}"})
        if found.get("private"):
            return web.json_response({"reason": "private", "message": "Forbidden", "error": 403}, status=403)
        return web.json_response({"kind": "t5", "data": {"display_name": name, "id": "5", "name": "t5_5", **found}})

    async def _flairs(self, request: web.Request) -> web.Response:
        flairs = self.flairs.get(request.match_info["name"].lower())
        if flairs is None:
            return web.json_response({"message": "Forbidden", "error": 403}, status=403)
        return web.json_response({"choices": [{"flair_text": t, "flair_template_id": n} for t, n in flairs.items()]})

    async def _submit(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if form["sr"].lower() not in self.subreddits:
            return told(errors=[["SUBREDDIT_NOEXIST", "that subreddit doesn't exist", "sr"]])
        if len(form["title"]) > 300:
            return told(errors=[["TOO_LONG", "this is too long (max: 300)", "title"]])
        post = self.write(
            "t3",
            author=USERNAME,
            subreddit=form["sr"],
            title=form["title"],
            text=form.get("text", ""),
            url=form.get("url", ""),
            form=form,
        )
        if form["kind"] == "image":
            assert form["url"].rsplit("/upload/", 1)[1] in self.uploads, "a picture that was not uploaded"
            post.removed = self.picture == "failed"
            return told(data={"user_submitted_page": "", "websocket_url": f"{self.url}/ws/{post.id}"})
        link = f"{self.url}/r/{form['sr']}/comments/{post.id}/slug/"
        return told(data={"url": link, "id": post.id, "name": post.fullname})

    async def _comment(self, request: web.Request) -> web.Response:
        form = await request.post()
        parent = self.things.get(str(form["thing_id"]))
        if parent is None or parent.removed:
            return told(errors=[["DELETED_COMMENT", "that comment has been deleted", "parent"]])
        if parent.locked:
            return told(errors=[["THREAD_LOCKED", "Comments are locked.", "parent"]])
        more = {"author": USERNAME, "text": str(form["text"]), "parent": parent.fullname}
        if parent.fullname.startswith("t4_"):
            made = self.write("t4", to=parent.author, title=f"re: {parent.title}", **more)
        else:
            made = self.write("t1", subreddit=parent.subreddit, **more)
        return told(data={"things": [self.shown(made)]})

    async def _edit(self, request: web.Request) -> web.Response:
        form = await request.post()
        thing = self.things[str(form["thing_id"])]
        if thing.author != USERNAME:
            return told(errors=[["NOT_AUTHOR", "you can't do that", "thing_id"]])
        thing.text = str(form["text"])
        return told(data={"things": [self.shown(thing)]})

    async def _delete(self, request: web.Request) -> web.Response:
        thing = self.things[str((await request.post())["id"])]
        if thing.author == USERNAME:  # Reddit says nothing either way
            thing.removed = True
        return web.json_response({})

    async def _info(self, request: web.Request) -> web.Response:
        if self.hidden:
            return web.json_response({"message": "Forbidden", "error": 403}, status=403)
        wanted = [self.things[name] for name in request.query["id"].split(",") if name in self.things]
        return web.json_response(self.listing(thing for thing in wanted if not thing.removed))

    async def _submitted(self, request: web.Request) -> web.Response:
        return web.json_response(self.listing(reversed([t for t in self.posts if t.author == USERNAME])))

    async def _commented(self, request: web.Request) -> web.Response:
        return web.json_response(self.listing(reversed([t for t in self.comments if t.author == USERNAME])))

    async def _lease(self, request: web.Request) -> web.Response:
        form = await request.post()
        key = f"{next(self.count)}/{form.get('filepath')!s}"
        fields = [{"name": "key", "value": key}, {"name": "Content-Type", "value": str(form["mimetype"])}]
        action = f"//127.0.0.1:{self.port}/upload"
        return web.json_response({"args": {"action": action, "fields": fields}, "asset": {"asset_id": key}})

    async def _upload(self, request: web.Request) -> web.Response:
        key = ""
        reader = await request.multipart()
        assert isinstance(reader, MultipartReader)
        while (part := await reader.next()) is not None:
            assert not isinstance(part, MultipartReader)
            if part.name == "key":
                key = await part.text()
            elif part.name == "file":
                self.uploads[key] = bytes(await part.read())
        if self.picture == "too large":
            sizes = "<ProposedSize>99</ProposedSize><MaxSizeAllowed>7</MaxSizeAllowed>"
            return web.Response(status=400, text=f"<Error><Code>EntityTooLarge</Code><Message/>{sizes}</Error>")
        return web.Response(status=201, text="<PostResponse></PostResponse>")

    async def _socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        key = request.match_info["key"]
        if self.leaves and self._runner is not None:
            for site in list(self._runner.sites):
                await site.stop()
        payload = {"redirect": f"{self.url}/r/rust/comments/{key}/slug/"}
        await socket.send_json({"type": self.picture, "payload": payload})
        await socket.close()
        self.left.set()
        return socket


def _cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
