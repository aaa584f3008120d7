"""The pages of the local ElevenLabs: a login form, and an editor with Generate, Loading, Download and the credits."""

import json
import re
from collections.abc import Sequence

HEAD = """<!doctype html><title>ElevenLabs</title>
<p id="__next-route-announcer__" role="alert">Text to Speech</p>
<p role="alert">New: voices that sing</p>
"""
MOVED = HEAD + "<h1>We have moved</h1>"
BANNER = '<div style="position:fixed;inset:0;background:#fffc;z-index:9">We value your privacy</div>'

LOGIN = """<main><h1>Log in</h1><form onsubmit="login(event)">
<input type="email" data-testid="sign-in-email-input"><input type="password" data-testid="sign-in-password-input">
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

EDITORS = {
    "textarea": '<textarea id="editor" data-testid="tts-editor"></textarea>',
    "short": '<textarea id="editor" data-testid="tts-editor" oninput="value = value.slice(0, 10)"></textarea>',
    "rich": '<div data-testid="tts-editor"><div id="editor" contenteditable="true"></div></div>',
    "none": '<canvas id="editor"></canvas>',
}

SPEECH = """<main><h1>Text to speech</h1>
EDITOR<p data-testid="tts-credits">CREDITS credits remaining</p>
<button id="go" data-testid="tts-generate" disabled>Generate speech</button>
<div id="result"></div><h2>History</h2><ul id="history"></ul></main>
<script>
const editor = document.querySelector("#editor"), go = document.querySelector("#go");
const words = () => editor.isContentEditable ? editor.innerText : editor.value;
const offer = (list, href, name) => {
  const button = document.createElement("button");
  button.setAttribute("data-testid", "audio-player-download-button");
  button.textContent = "Download";
  button.onclick = () => {
    const link = document.createElement("a");
    link.href = href; link.download = name; link.click();
  };
  list.append(button);
};
for (const old of EARLIER) offer(document.querySelector("#history"), "/recording/" + old, "old.mp3");
editor.addEventListener("input", () => { go.disabled = !words(); });
go.addEventListener("click", async () => {
  go.textContent = "Loading"; go.dataset.loading = "true"; go.disabled = true;
  const answer = await fetch("/speech", {method: "POST", body: words()});
  if (answer.status == 401) { location.reload(); return; }
  delete go.dataset.loading; go.textContent = "Generate speech"; go.disabled = false;
  const result = document.querySelector("#result");
  if (!answer.ok) {
    result.innerHTML = "<p role=alert></p>"; result.firstChild.textContent = await answer.text(); return;
  }
  document.querySelector("p:not([role])").textContent = answer.headers.get("X-Credits") + " credits remaining";
  offer(result, URL.createObjectURL(await answer.blob()), "ElevenLabs_speech.ENDING");
});
</script>"""


def login(*, bare: bool) -> str:
    """The form. `bare`: without the marks that a test may use."""
    return _page(LOGIN, bare)


def speech(*, editor: str, credits_left: int, earlier: Sequence[int], ending: str, banner: bool, bare: bool) -> str:
    """The editor. `earlier` are the numbers of recordings that can still be downloaded."""
    page = SPEECH.replace("EDITOR", EDITORS[editor]).replace("CREDITS", f"{credits_left:,}")
    page = page.replace("EARLIER", json.dumps(list(earlier))).replace("ENDING", ending)
    return _page(page + (BANNER if banner else ""), bare)


def _page(body: str, bare: bool) -> str:
    if bare:
        body = re.sub(r' data-testid="[^"]*"', "", body).replace('"data-testid"', '"data-nothing"')
    return HEAD + body
