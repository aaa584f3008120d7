"""Knows which requests change something. Loaded at first use, in a thread: asyncpraw takes a while."""

from urllib.parse import urlsplit

from rekku.platforms.reddit.client import Once

WRITES = ("/api/submit", "/api/comment", "/api/editusertext", "/api/del")


class Careful(Once):
    """Knows whether a change was on its way; only changes are issued once, questions may be repeated."""

    wrote = False

    def begins(self, method: str, url: str) -> bool:
        """Note a change."""
        writes = method == "POST" and changes(url)
        self.wrote = self.wrote or writes
        return writes


def changes(url: str) -> bool:
    """Whether a request to there changes something."""
    return urlsplit(url).path.rstrip("/") in WRITES
