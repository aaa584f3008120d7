"""What can be read on the local Reddit: feeds, searches, threads, the inbox; and private messages."""

from typing import Any

from aiohttp import web

from tests.servers.reddit_things import USERNAME, Shelf, Thing, account_id, told


class Pages(Shelf):
    """The handlers of what is only read, and of the inbox."""

    def __init__(self) -> None:
        super().__init__()
        self.people = {"somebody", "ann", "bob", "owner", "op"}
        self.joined: set[str] = {"cats"}
        self.page_size = 100
        self.looks = 0
        self.asked: dict[str, str] = {}  # what the last listing was asked with
        self.fewer: dict[str, str] = {}  # headers of the next answers: Reddit wants fewer requests

    def routes(self) -> list[web.RouteDef]:
        """Where they stand."""
        return [
            web.get("/api/v1/me", self._me),
            web.get("/message/inbox/", self._inbox),
            web.get("/message/sent/", self._sent),
            web.post("/api/read_message/", self._read),
            web.post("/api/compose/", self._compose),
            web.get("/api/user_data_by_account_ids", self._names),
            web.get("/user/{name}/about/", self._person),
            web.get("/user/{name}/overview", self._overview),
            web.get("/{sort:hot|new|top|rising|controversial}", self._feed),
            web.get("/r/{name}/{sort:hot|new|top|rising|controversial}", self._feed),
            web.get("/r/{name}/search/", self._search),
            web.get("/subreddits/mine/subscriber/", self._mine),
            web.post("/api/subscribe/", self._subscribe),
        ]

    async def _me(self, request: web.Request) -> web.Response:
        return web.json_response({"name": USERNAME, "id": account_id(USERNAME)[3:]})

    async def _inbox(self, request: web.Request) -> web.Response:
        self.looks += 1
        items = sorted(self.inbox, key=lambda thing: thing.created, reverse=True)
        names = [thing.fullname for thing in items]
        start = names.index(request.query["after"]) + 1 if "after" in request.query else 0
        page = items[start : start + self.page_size]
        after = page[-1].fullname if len(items) > start + self.page_size else None
        children = [self.in_inbox(thing) for thing in page]
        return web.json_response({"kind": "Listing", "data": {"children": children, "after": after}})

    async def _sent(self, request: web.Request) -> web.Response:
        return web.json_response(self.listing(reversed([t for t in self.messages if t.author == USERNAME])))

    async def _read(self, request: web.Request) -> web.Response:
        for name in str((await request.post())["id"]).split(","):
            self.things[name].unread = False
        return web.json_response({})

    async def _compose(self, request: web.Request) -> web.Response:
        form = await request.post()
        if str(form["to"]) not in self.people:
            return told(errors=[["USER_DOESNT_EXIST", "that user doesn't exist", "to"]])
        if not form["subject"] or len(str(form["subject"])) > 100:
            return told(errors=[["TOO_LONG", "this is too long (max: 100)", "subject"]])
        self.write("t4", author=USERNAME, to=str(form["to"]), title=str(form["subject"]), text=str(form["text"]))
        return told()

    async def _names(self, request: web.Request) -> web.Response:
        wanted = request.query["ids"].split(",")
        found = {account_id(name): {"name": name} for name in self.people if account_id(name) in wanted}
        return web.json_response(found, status=200 if found else 404)

    async def _person(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.people:
            return web.json_response({"message": "Not Found", "error": 404}, status=404)
        return web.json_response({"kind": "t2", "data": {"name": name, "id": account_id(name)[3:]}})

    async def _overview(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return self._page_of(request, [*(t for t in (*self.posts, *self.comments) if t.author == name)])

    async def _feed(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", "").lower()
        if name == "locked_up":
            return web.json_response({"reason": "private", "message": "Forbidden", "error": 403}, status=403)
        everywhere = name in ("", "all", "popular")
        return self._page_of(request, [t for t in self.posts if everywhere or t.subreddit.lower() == name])

    async def _search(self, request: web.Request) -> web.Response:
        name, words = request.match_info["name"].lower(), request.query["q"].lower()
        found = [t for t in self.posts if words in f"{t.title} {t.text}".lower()]
        return self._page_of(request, [t for t in found if name == "all" or t.subreddit.lower() == name])

    def _page_of(self, request: web.Request, things: list[Thing]) -> web.Response:
        self.asked = {"path": request.path, **request.query}
        return web.json_response(self.listing(things[: int(request.query.get("limit", 25))]))

    async def _thread(self, request: web.Request) -> web.Response:
        self.asked = {"path": request.path, **request.query}
        post = self.things.get(f"t3_{request.match_info['id']}")
        if post is None:
            return web.json_response({"message": "Not Found", "error": 404}, status=404)
        return web.json_response([self.listing([post]), self.tree(post.fullname)])

    async def _mine(self, request: web.Request) -> web.Response:
        children = [{"kind": "t5", "data": {"display_name": name}} for name in sorted(self.joined)]
        return web.json_response({"kind": "Listing", "data": {"children": children, "after": None}})

    async def _subscribe(self, request: web.Request) -> web.Response:
        form: Any = await request.post()
        if form["sr_name"].lower() == "nowhere":
            return web.json_response({"message": "Not Found", "error": 404}, status=404)
        (self.joined.add if form["action"] == "sub" else self.joined.discard)(form["sr_name"])
        return web.json_response({})
