"""Files of a chat: up to it, and down from it."""

from typing import Any
from urllib.parse import quote

from starlette.responses import FileResponse, Response

from rekku.interface.webui.files import MOST_BYTES, TooBig
from rekku.interface.webui.requests import Ask, Problem

MOST_OF_GUEST = MOST_BYTES
"""Bytes of all files of one guest, after which no more are taken."""
SHOWN = frozenset({"image", "audio", "video"})
SEALED = "default-src 'none'; sandbox"
"""The policy of a file that is opened by itself: it may do nothing at all."""


async def upload(ask: Ask) -> Any:
    """Take a file that will go with a message."""
    length = ask.request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MOST_BYTES:
        raise Problem(f"A file may have {MOST_BYTES // 2**20} MB.", 413)
    if not ask.session.is_owner and await ask.context.files.size(ask.session.user_id) >= MOST_OF_GUEST:
        raise Problem("You have sent as many files as a guest may.", 413)
    try:
        kept = await ask.context.files.take(
            ask.session.user_id, ask.request.query_params.get("name", ""), ask.request.stream()
        )
    except TooBig as error:
        raise Problem(str(error), 413) from None
    return kept.shown()


async def download(ask: Ask) -> Response:
    """Give a file of the chat, or the part of it that a player asks for; what a browser might run is only saved."""
    kept = await ask.context.files.find(ask.session.user_id, ask.request.path_params["file_id"])
    if kept is None:
        raise Problem("There is no such file.", 404)
    try:
        path = await ask.context.files.path(kept)
    except FileNotFoundError:
        raise Problem("The file is not there any more.", 404) from None
    how = "inline" if kept.kind in SHOWN else "attachment"
    headers = {
        "content-disposition": f"{how}; filename*=UTF-8''{quote(kept.name, safe='')}",
        "content-security-policy": SEALED,
    }
    return FileResponse(path, headers=headers, media_type=kept.mime)
