"""Names on Reddit, out of what people and models write: subreddits, users, posts."""

import re
from urllib.parse import urlsplit

SUBREDDIT = re.compile(r"[A-Za-z0-9]\w{1,20}", re.ASCII)
USER = re.compile(r"[\w-]{3,20}", re.ASCII)
ID = re.compile(r"[a-z0-9]{1,13}")
HOSTS = frozenset({"reddit.com", "redd.it"})


def subreddit_name(text: str) -> str:
    """`rust` for “rust”, “r/rust”, “/r/rust/” and its address; "" if it cannot be the name of a subreddit."""
    return _name(text, ("r",), SUBREDDIT)


def user_name(text: str) -> str:
    """`ann` for “ann”, “@ann”, “u/ann”, “/user/ann/” and its address; "" if it cannot be the name of a user."""
    return _name(text.strip().removeprefix("@"), ("u", "user"), USER)


def post_id(text: str) -> str:
    """`abc` for “t3_abc”, “abc” and every address of that post or of a comment under it; "" if it is none."""
    text = text.strip()
    if ID.fullmatch(text.removeprefix("t3_")):
        return text.removeprefix("t3_")
    steps = _steps(text)
    if "comments" in steps:
        steps = steps[steps.index("comments") + 1 :]
    elif _host(text) != "redd.it":
        return ""
    return steps[0] if steps and ID.fullmatch(steps[0]) else ""


def _name(text: str, marks: tuple[str, ...], form: re.Pattern[str]) -> str:
    """The last step of `mark/name`, of an address, or the bare name."""
    steps = _steps(text)
    if len(steps) >= 2 and steps[0].lower() in marks and (len(steps) == 2 or "://" in text):
        steps = [steps[1]]
    return steps[0] if len(steps) == 1 and form.fullmatch(steps[0]) else ""


def _steps(text: str) -> list[str]:
    """The parts of a path, or of the path of an address at Reddit."""
    path = text.strip()
    if _host(path):
        path = urlsplit(path if "://" in path else f"https://{path}").path
    elif "://" in path:
        return []
    return [step for step in path.split("/") if step]


def _host(text: str) -> str:
    """`reddit.com` or `redd.it` if a text is an address there; else ""."""
    try:
        name = urlsplit(text.strip() if "://" in text else f"https://{text.strip()}").hostname or ""
    except ValueError:
        return ""
    host = ".".join(name.split(".")[-2:])
    return host if host in HOSTS else ""
