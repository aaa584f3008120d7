"""ElevenLabs on loopback: a page of the same shape as the real one, and the two calls of its API.

The page: a login form, an editor, a button Generate that shows Loading, a button Download that hands out a blob, the
credits. What it does wrong can be chosen.
"""

import asyncio
import secrets
from typing import Self

from aiohttp import web

EMAIL, PASSWORD, KEY = "owner@example.org", "correct horse", "xi-secret-key"
AUDIO = b"ID3" + bytes(range(256)) * 20

LOGIN = """<!doctype html><title>Log in</title><main><h1>Log in</h1>
<form onsubmit="login(event)"><input type="email" data-testid="sign-in-email-input">
<input type="password" data-testid="sign-in-password-input">
<button type="submit" data-testid="sign-in-submit-button">Sign in</button></form><p id="trouble"></p></main>
<script>
async function login(event) {
  event.preventDefault();
  const [email, password] = [...document.querySelectorAll("input")].map(field => field.value);
  const answer = await fetch("/login", {method: "POST", body: JSON.stringify({email, password})});
  if (answer.ok) location.reload();
  else document.querySelector("#trouble").outerHTML = "<p role=alert>Invalid credentials</p>";
}
</script>"""

SPEECH = """<!doctype html><title>Speech</title><main><h1>Text to speech</h1>
<EDITOR data-testid="tts-editor"></EDITOR><p data-testid="tts-credits">CREDITS credits remaining</p>
<button id="go" data-testid="tts-generate" disabled>Generate speech</button><div id="result"></div></main>
<script>
const editor = document.querySelector("[data-testid=tts-editor]"), go = document.querySelector("#go");
editor.addEventListener("input", () => { go.disabled = !editor.value; });
go.addEventListener("click", async () => {
  go.textContent = "Loading"; go.dataset.loading = "true"; go.disabled = true;
  const answer = await fetch("/speech", {method: "POST", body: editor.value});
  if (answer.status == 401) { location.reload(); return; }
  delete go.dataset.loading; go.textContent = "Generate speech"; go.disabled = false;
  const result = document.querySelector("#result");
  if (!answer.ok) {
    result.innerHTML = "<p role=alert></p>"; result.firstChild.textContent = await answer.text(); return;
  }
  const blob = await answer.blob();
  const left = answer.headers.get("X-Credits");
  document.querySelector("[data-testid=tts-credits]").textContent = left + " credits remaining";
  result.innerHTML = "<button data-testid=audio-player-download-button>Download</button>";
  result.firstChild.addEventListener("click", () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob); link.download = "ElevenLabs_speech.mp3"; link.click();
  });
});
</script>"""


class ElevenLabs:
    """The service. `spoken` are the texts that were spoken; `logins` how often somebody logged in."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.logins = 0
        self.credits = 10_000
        self.editor = "textarea"
        self.refusal = ""
        self.password = PASSWORD
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()
        self.sessions: set[str] = set()
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/app/speech-synthesis/text-to-speech", self._page)
        app.router.add_post("/login", self._login)
        app.router.add_post("/speech", self._speech)
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

    def expire(self) -> None:
        """Everybody is logged out."""
        self.sessions.clear()

    def _known(self, request: web.Request) -> bool:
        return request.cookies.get("session") in self.sessions

    async def _page(self, request: web.Request) -> web.Response:
        page = SPEECH.replace("EDITOR", self.editor).replace("CREDITS", f"{self.credits:,}")
        return web.Response(text=page if self._known(request) else LOGIN, content_type="text/html")

    async def _login(self, request: web.Request) -> web.Response:
        told = await request.json()
        if (told["email"], told["password"]) != (EMAIL, self.password):
            return web.Response(status=403)
        self.logins += 1
        session = secrets.token_hex(8)
        self.sessions.add(session)
        answer = web.Response()
        answer.set_cookie("session", session, max_age=86_400)
        return answer

    async def _speech(self, request: web.Request) -> web.Response:
        if not self._known(request):
            return web.Response(status=401)
        return await self._speak(await request.text(), web.Response(status=402, text=self.refusal))

    async def _api_speech(self, request: web.Request) -> web.Response:
        if request.headers.get("xi-api-key") != KEY:
            return _detail(401, "invalid_api_key", "Invalid API key")
        told = await request.json()
        assert told["model_id"]
        return await self._speak(told["text"], _detail(401, "quota_exceeded", self.refusal))

    async def _api_credits(self, request: web.Request) -> web.Response:
        return web.json_response({"character_count": 100_000 - self.credits, "character_limit": 100_000})

    async def _speak(self, text: str, refusal: web.Response) -> web.Response:
        self.asked.set()
        await self.gate.wait()
        if self.refusal:
            return refusal
        self.spoken.append(text)
        self.credits -= len(text)
        return web.Response(body=AUDIO, content_type="audio/mpeg", headers={"X-Credits": str(self.credits)})


def _detail(status: int, code: str, message: str) -> web.Response:
    return web.json_response({"detail": {"status": code, "message": message}}, status=status)
