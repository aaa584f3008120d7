"""What the model may ask of Reddit: the actions, in the form in which interfaces declare them."""

from collections.abc import Mapping, Sequence
from typing import Any

from rekku.interface._reddit_interface.names import post_id, subreddit_name, user_name

FEEDS = ("home", "popular", "all")
SORTS = ("hot", "new", "top", "rising", "controversial")
TIMES = ("hour", "day", "week", "month", "year", "all")
SEARCH_SORTS = ("relevance", "hot", "top", "new", "comments")
COMMENT_SORTS = ("confidence", "top", "new", "controversial", "old", "qa")
MOST, USUAL = 25, 10
MOST_COMMENTS, USUAL_COMMENTS = 50, 20
DEEPEST = 8
LONGEST_QUERY = 512
LONGEST_MESSAGE = 10_000

SUBREDDIT = {"type": "string", "description": "its name without r/", "example": "rust"}
TIME = {"type": "string", "description": "of top and controversial: from how long back", "enum": list(TIMES)}
LIMIT = {"type": "integer", "description": f"1 to {MOST}, {USUAL} if left out"}

TOLD: Mapping[str, Mapping[str, Any]] = {
    "reddit_read": {
        "description": "Read posts on Reddit: of a subreddit, a user or a feed.",
        "payload": {
            "where": {
                "type": "string",
                "description": "a subreddit (r/rust), a user (u/ann), or home, popular, all; home if left out",
            },
            "sort": {"type": "string", "description": "hot if left out", "enum": list(SORTS)},
            "time": TIME,
            "limit": LIMIT,
        },
    },
    "reddit_search": {
        "description": "Search posts on Reddit.",
        "payload": {
            "query": {"type": "string", "description": "what to look for", "example": "borrow checker"},
            "subreddit": {**SUBREDDIT, "description": "only there; its name without r/"},
            "sort": {"type": "string", "description": "relevance if left out", "enum": list(SEARCH_SORTS)},
            "time": TIME,
            "limit": LIMIT,
        },
    },
    "reddit_comments": {
        "description": "Read a post on Reddit with the comments under it.",
        "payload": {
            "post": {"type": "string", "description": "its id or address", "example": "t3_1abcde"},
            "sort": {"type": "string", "description": "confidence if left out", "enum": list(COMMENT_SORTS)},
            "limit": {"type": "integer", "description": f"1 to {MOST_COMMENTS}, {USUAL_COMMENTS} if left out"},
            "depth": {"type": "integer", "description": f"how deep replies go, 1 to {DEEPEST}"},
        },
    },
    "reddit_subscriptions": {"description": "List the subreddits that your account on Reddit has joined."},
    "reddit_subscribe": {
        "description": "Join a subreddit, so that its posts stand in home.",
        "payload": {"subreddit": SUBREDDIT},
    },
    "reddit_unsubscribe": {"description": "Leave a subreddit.", "payload": {"subreddit": SUBREDDIT}},
    "reddit_message": {
        "description": "Write a private message on Reddit to somebody by name, also for the first time.",
        "payload": {
            "user": {"type": "string", "description": "the name without u/", "example": "ann"},
            "text": {"type": "string", "description": f"Markdown, at most {LONGEST_MESSAGE} characters"},
        },
    },
}
REQUIRED: Mapping[str, Sequence[str]] = {
    "reddit_search": ["query"],
    "reddit_comments": ["post"],
    "reddit_subscribe": ["subreddit"],
    "reddit_unsubscribe": ["subreddit"],
    "reddit_message": ["user", "text"],
}
RESTRICTED = frozenset({"reddit_subscribe", "reddit_unsubscribe", "reddit_message"})

CHOICES: Mapping[str, Mapping[str, Sequence[str]]] = {
    "reddit_read": {"sort": SORTS, "time": TIMES},
    "reddit_search": {"sort": SEARCH_SORTS, "time": TIMES},
    "reddit_comments": {"sort": COMMENT_SORTS},
}
RANGES: Mapping[str, Mapping[str, int]] = {
    "reddit_read": {"limit": MOST},
    "reddit_search": {"limit": MOST},
    "reddit_comments": {"limit": MOST_COMMENTS, "depth": DEEPEST},
}


def supported() -> dict[str, dict[str, Any]]:
    """The actions. What they bring is other people's text, so none says `trusted_output`."""
    found: dict[str, dict[str, Any]] = {}
    for name, told in TOLD.items():
        required = REQUIRED.get(name, [])
        found[name] = {
            "description": told["description"],
            "required_fields": list(required),
            "optional_fields": [f for f in told.get("payload", ()) if f not in required],
            "restricted": name in RESTRICTED,
            "idempotent": name != "reddit_message",
        }
    return found


def place(text: str) -> tuple[str, str]:
    """What `where` means: ("feed", "home"), ("subreddit", "rust") or ("user", "ann"); ("", "") if nothing."""
    text = text.strip() or "home"
    if text.lower() in FEEDS:
        return "feed", text.lower()
    marked = text.lower().lstrip("/").startswith(("u/", "user/", "@")) or "/user/" in text or "/u/" in text
    if marked:
        return ("user", name) if (name := user_name(text)) else ("", "")
    return ("subreddit", name) if (name := subreddit_name(text)) else ("", "")


def problems(action: str, payload: Mapping[str, Any]) -> list[str]:
    """What is wrong with a payload, a sentence each; its fields have the right types."""
    found = []
    for name, most in RANGES.get(action, {}).items():
        if payload.get(name) is not None and not 1 <= payload[name] <= most:
            found.append(f"payload.{name} must be from 1 to {most}")
    for name, choices in CHOICES.get(action, {}).items():
        if payload.get(name) is not None and payload[name] not in choices:
            found.append(f"payload.{name} must be one of {', '.join(choices)}")
    if payload.get("subreddit") and not subreddit_name(payload["subreddit"]):
        found.append(f"payload.subreddit is no name of a subreddit: {payload['subreddit']!r}; write it like rust")
    match action:
        case "reddit_read" if not place(payload.get("where") or "")[0]:
            found.append("payload.where must be like r/rust, u/ann, home, popular or all")
        case "reddit_search" if not 0 < len(payload["query"].strip()) <= LONGEST_QUERY:
            found.append(f"payload.query must have 1 to {LONGEST_QUERY} characters")
        case "reddit_comments" if not post_id(payload["post"]):
            found.append("payload.post must be the address of a post, or its id like t3_abc")
        case "reddit_subscribe" | "reddit_unsubscribe" if not payload["subreddit"].strip():
            found.append("payload.subreddit is empty")
        case "reddit_message":
            found += _message_problems(payload)
    return found


def _message_problems(payload: Mapping[str, Any]) -> list[str]:
    found = [] if user_name(payload["user"]) else ["payload.user is no name of a user; write it like ann"]
    if not payload["text"].strip():
        found.append("payload.text is empty")
    elif len(payload["text"]) > LONGEST_MESSAGE:
        found.append(f"payload.text has {len(payload['text'])} characters; at most {LONGEST_MESSAGE} go")
    return found
