"""What went wrong at Reddit, in words, and what may be done about it."""

import re
from collections.abc import Iterable, Sequence
from enum import Enum

WAIT = re.compile(r"(\d+) (millisecond|second|minute|hour)")
SECONDS = {"millisecond": 0.001, "second": 1.0, "minute": 60.0, "hour": 3600.0}
UNTOLD_WAIT = 600.0
"""Seconds to wait when Reddit says “too much” and not for how long."""

SAYINGS = {
    "USER_DOESNT_EXIST": "there is no user of that name",
    "NOT_WHITELISTED_BY_USER_MESSAGE": "that person takes messages from chosen people only",
    "USER_BLOCKED": "that person has blocked this account",
    "USER_BLOCKED_MESSAGE": "that person has blocked this account",
    "INVALID_USER": "that person cannot be written to",
    "SUBREDDIT_NOEXIST": "there is no subreddit of that name",
    "SUBREDDIT_REQUIRED": "a post needs a subreddit",
    "SUBREDDIT_NOTALLOWED": "this account may not write in that subreddit",
    "SUBREDDIT_DISABLED_SUBMISSIONS": "that subreddit takes no posts at the moment",
    "NO_LINKS": "that subreddit takes text posts only, no links",
    "NO_SELFS": "that subreddit takes links only, no text posts",
    "TOO_LONG": "a text is too long",
    "NO_TEXT": "a text is missing",
    "NO_URL": "the link is missing",
    "BAD_URL": "the link is no address that Reddit takes",
    "ALREADY_SUB": "that link was posted there before",
    "DOMAIN_BANNED": "Reddit takes no links to that site",
    "THREAD_LOCKED": "the thread is locked: nobody may comment any more",
    "TOO_OLD": "the post is archived: nobody may comment any more",
    "DELETED_COMMENT": "the comment was deleted",
    "DELETED_LINK": "the post was deleted",
    "NOT_AUTHOR": "it was written by somebody else; only what this account wrote can be changed",
    "SUBMIT_VALIDATION_FLAIR_REQUIRED": "that subreddit wants a flair: give payload.flair",
    "BAD_FLAIR_TEMPLATE_ID": "that subreddit has no such flair",
    "SUBMIT_VALIDATION_TITLE_MIN_LENGTH": "the title is too short for that subreddit",
    "SUBMIT_VALIDATION_TITLE_MAX_LENGTH": "the title is too long for that subreddit",
    "SUBMIT_VALIDATION_BODY_REQUIRED": "that subreddit wants a text in every post",
    "SUBMIT_VALIDATION_BODY_NOT_ALLOWED": "that subreddit takes posts without a text only",
}
"""Reddit's error names, in words."""


class Fate(Enum):
    """What became of a request: refused for good, wanted later, certainly not done, or nobody knows."""

    REFUSED = "refused"
    LATER = "later"
    NOT_DONE = "not done"
    UNSURE = "unsure"


class Fault(Exception):
    """Reddit did not do it. `words` complete the sentence “It was not done: …”; `wait` is in seconds, for `LATER`;
    `of_the_owner` says that a setting is wrong."""

    def __init__(self, fate: Fate, words: str, wait: float = 0.0, *, of_the_owner: bool = False) -> None:
        super().__init__(words)
        self.fate = fate
        self.words = words
        self.wait = wait
        self.of_the_owner = of_the_owner


def told_by_reddit(errors: Iterable[Sequence[str]]) -> Fault:
    """What the list of errors in an answer means: each is a name, words, a field."""
    told = [(name, words or "") for name, words, *_ in errors]
    for name, words in told:
        if name == "RATELIMIT":
            found = WAIT.search(words)
            wait = max(1.0, int(found[1]) * SECONDS[found[2]]) if found else UNTOLD_WAIT
            return Fault(Fate.LATER, f"Reddit's rate limit: it wants a pause of {spoken(wait)}", wait)
    return Fault(Fate.REFUSED, "; ".join(_saying(name, words) for name, words in told))


def _saying(name: str, words: str) -> str:
    said = f"Reddit says “{words}” ({name})" if words else f"Reddit says {name}"
    return f"{SAYINGS[name]} ({said})" if name in SAYINGS else said


def spoken(seconds: float) -> str:
    """`9 minutes`, `30 seconds`."""
    number, word = (round(seconds / 60), "minute") if seconds >= 120 else (round(seconds), "second")
    return f"{number} {word}{'' if number == 1 else 's'}"
