"""The files of the page itself, read once at start and kept in memory, small enough for that."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, also packed."""

    data: bytes
    packed: bytes
    mime: str
    tag: str


def read_all() -> Mapping[str, Asset]:
    """Every file by its path. Blocks: call it in a thread."""
    return {
        path.relative_to(FOLDER).as_posix(): _read(path)
        for path in sorted(FOLDER.rglob("*"))
        if path.is_file() and path.suffix in TYPES
    }


def _read(path: Path) -> Asset:
    data = path.read_bytes()
    tag = f'"{hashlib.sha256(data).hexdigest()[:20]}"'
    return Asset(data, gzip.compress(data, 6, mtime=0), TYPES[path.suffix], tag)


def serve(assets: Mapping[str, Asset], request: Request, name: str) -> Response:
    """A file of the page, or that there is none."""
    asset = assets.get(name)
    if asset is None:
        return Response("There is nothing here.\n", 404, media_type="text/plain")
    headers = {"etag": asset.tag, "cache-control": "no-cache", "vary": "accept-encoding"}
    if request.headers.get("if-none-match") == asset.tag:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.packed, headers={**headers, "content-encoding": "gzip"}, media_type=asset.mime)
    return Response(asset.data, headers=headers, media_type=asset.mime)
