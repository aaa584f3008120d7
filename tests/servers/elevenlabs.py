"""ElevenLabs on loopback: a page of the same shape as the real one, and the two calls of its API.

What it does wrong can be chosen: see the attributes.
"""

import asyncio
import hashlib
import secrets
from typing import Self

from aiohttp import web

from tests.servers import elevenlabs_pages as pages

EMAIL, PASSWORD, KEY = "owner@example.org", "correct horse", "xi-secret-key"


def recording(text: str) -> bytes:
    """The audio of a text: no other text has the same."""
    return b"ID3" + hashlib.sha256(text.encode()).digest() * 200


class ElevenLabs:
    """The service. `spoken` are the texts that were spoken; `events` what browsers did."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.events: list[str] = []
        self.credits = 10_000
        self.password = PASSWORD
        self.editor = "textarea"  # or “rich”, “short” (takes ten characters), “none”
        self.moved = False  # the page is another
        self.bare = False  # no data-testid anywhere
        self.banner = False  # something lies over the page
        self.ending = "mp3"  # of the file to download
        self.refusal = ""  # why nothing is spoken
        self.forgetful = 0  # so many speeches end the session instead
        self.api_error: tuple[int, str, str] | None = None
        self.api_body: tuple[bytes, str] | None = None  # instead of audio, with its type
        self.tells_credits = True
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.hung_up = asyncio.Event()  # somebody left while a speech was being generated
        self.sessions: set[str] = set()
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/app/speech-synthesis/text-to-speech", self._page)
        app.router.add_post("/login", self._login)
        app.router.add_post("/speech", self._speech)
        app.router.add_get("/recording/{number}", self._recording)
        app.router.add_post("/v1/text-to-speech/{voice}", self._api_speech)
        app.router.add_get("/v1/user/subscription", self._api_credits)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.gate.set()
        assert self._runner is not None
        await self._runner.cleanup()

    def happened(self) -> list[str]:
        """What browsers did since this was last asked."""
        events, self.events = self.events, []
        return events

    def _known(self, request: web.Request) -> bool:
        return request.cookies.get("session") in self.sessions

    async def _page(self, request: web.Request) -> web.Response:
        known = self._known(request)
        self.events.append("editor" if known else "form")
        text = pages.MOVED if self.moved else pages.login(bare=self.bare)
        if known and not self.moved:
            text = pages.speech(
                editor=self.editor,
                credits_left=self.credits,
                earlier=range(len(self.spoken)),
                ending=self.ending,
                banner=self.banner,
                bare=self.bare,
            )
        return web.Response(text=text, content_type="text/html")

    async def _login(self, request: web.Request) -> web.Response:
        told = await request.json()
        if (told["email"], told["password"]) != (EMAIL, self.password):
            self.events.append("refused")
            return web.Response(status=403)
        self.events.append("login")
        session = secrets.token_hex(8)
        self.sessions.add(session)
        answer = web.Response()
        answer.set_cookie("session", session, max_age=86_400)
        return answer

    async def _speech(self, request: web.Request) -> web.Response:
        if self.forgetful:
            self.forgetful -= 1
            self.sessions.clear()
        if not self._known(request):
            self.events.append("expired")
            return web.Response(status=401)
        return await self._speak(await request.text(), web.Response(status=402, text=self.refusal))

    async def _recording(self, request: web.Request) -> web.Response:
        return web.Response(body=recording(self.spoken[int(request.match_info["number"])]), content_type="audio/mpeg")

    async def _api_speech(self, request: web.Request) -> web.Response:
        if request.headers.get("xi-api-key") != KEY:
            return _detail(401, "invalid_api_key", "Invalid API key")
        if self.api_error:
            return _detail(*self.api_error)
        if self.api_body:
            body, kind = self.api_body
            return web.Response(body=body, content_type=kind)
        told = await request.json()
        assert (request.match_info["voice"], told["model_id"]) == ("JBFqnCBsd6RMkjVDRZzb", "eleven_multilingual_v2")
        return await self._speak(told["text"], _detail(401, "quota_exceeded", self.refusal))

    async def _api_credits(self, request: web.Request) -> web.Response:
        if not self.tells_credits:
            return _detail(401, "missing_permissions", "The API key is missing the permission user_read")
        return web.json_response({"character_count": 100_000 - self.credits, "character_limit": 100_000})

    async def _speak(self, text: str, refusal: web.Response) -> web.Response:
        self.asked.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.hung_up.set()
            raise
        if self.refusal:
            return refusal
        self.events.append("spoken")
        self.spoken.append(text)
        self.credits -= len(text)
        return web.Response(body=recording(text), content_type="audio/mpeg", headers={"X-Credits": f"{self.credits:,}"})


def _detail(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"detail": {"status": code, "message": message}}, status=status)
