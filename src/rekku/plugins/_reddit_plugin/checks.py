"""What can be said about a wish without asking Reddit: names, addresses, lengths."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

TITLE_LIMIT = 300
POST_LIMIT = 40_000
COMMENT_LIMIT = 10_000
FLAIR_LIMIT = 64
"""Characters; Reddit's own limits."""

SUBREDDIT = re.compile(r"(?:[A-Za-z0-9]\w{1,20}|u_[\w-]{3,20})", re.ASCII)
THING = re.compile(r"t[13]_[a-z0-9]{1,13}")
_ID = re.compile(r"[a-z0-9]{1,13}")
_HOSTS = frozenset({"reddit.com", "redd.it"})


def subreddit_name(text: str) -> str:
    """`rust` for “rust”, “r/rust”, “/r/rust/” and its address; "" if it cannot be the name of a subreddit."""
    name = text.strip()
    if "://" in name:
        name = _path(name)
    name = name.strip("/")
    name = name[2:] if name[:2].lower() == "r/" else name
    return name if SUBREDDIT.fullmatch(name) else ""


def thing_id(text: str) -> str:
    """`t3_abc` for a post and `t1_abc` for a comment, out of that or of an address; "" if it is neither."""
    text = text.strip()
    if THING.fullmatch(text):
        return text
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host = ".".join((parts.hostname or "").split(".")[-2:])
    except ValueError:
        return ""
    steps = [step for step in parts.path.split("/") if step]
    if host not in _HOSTS or not steps:
        return ""
    if host == "redd.it":
        return _named("t3", steps[0])
    rest = steps[steps.index("comments") + 1 :] if "comments" in steps else []
    if len(rest) > 2:
        return _named("t1", rest[2])
    return _named("t3", rest[0]) if rest else ""


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _named(kind: str, number: str) -> str:
    return f"{kind}_{number}" if _ID.fullmatch(number) else ""


def problems(action: str, payload: Mapping[str, Any]) -> list[str]:
    """What is wrong with a payload, a sentence each; its fields have the right types."""
    match action:
        case "reddit_post":
            return _post_problems(payload)
        case "reddit_comment":
            return [*_target_problems(payload), *_text_problems(payload["text"], COMMENT_LIMIT)]
        case "reddit_edit":
            return [*_target_problems(payload), *_text_problems(payload["text"], POST_LIMIT)]
        case "reddit_delete":
            return _target_problems(payload)
    return []


def _post_problems(payload: Mapping[str, Any]) -> list[str]:
    found = []
    if not subreddit_name(payload["subreddit"]):
        found.append(f"payload.subreddit is no name of a subreddit: {payload['subreddit']!r}; write it like rust")
    title = payload["title"].strip()
    if not title:
        found.append("payload.title is empty")
    elif len(title) > TITLE_LIMIT:
        found.append(f"payload.title has {len(title)} characters; Reddit takes at most {TITLE_LIMIT}")
    if payload.get("url") and payload.get("image"):
        found.append("payload.url and payload.image exclude each other: a post has a link or a picture")
    if payload.get("url") and not _is_link(payload["url"]):
        found.append("payload.url must be a whole address that begins with https:// or http://")
    if len(payload.get("text") or "") > POST_LIMIT:
        found.append(f"payload.text has {len(payload['text'])} characters; Reddit takes at most {POST_LIMIT}")
    if len(payload.get("flair") or "") > FLAIR_LIMIT:
        found.append(f"payload.flair has more than {FLAIR_LIMIT} characters")
    return found


def _target_problems(payload: Mapping[str, Any]) -> list[str]:
    if thing_id(payload["target"]):
        return []
    return ["payload.target must be the address of a post or comment, or its id like t3_abc (post) or t1_abc (comment)"]


def _text_problems(text: str, most: int) -> list[str]:
    if not text.strip():
        return ["payload.text is empty"]
    return [f"payload.text has {len(text)} characters; Reddit takes at most {most}"] if len(text) > most else []


def _is_link(text: str) -> bool:
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)
