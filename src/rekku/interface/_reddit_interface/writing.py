"""What Rekku says, on its way to Reddit: a comment, or a private message; each is one request that changes something.

Reddit has no idempotency keys. So it is noted before a piece goes out, and a piece that may have gone out before is
looked for in what the account wrote lately, before it is sent again.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rekku.core.clock import Clock
from rekku.core.errors import DeliveryDelayed, DeliveryRefused
from rekku.core.text import one_line, open_links, outside_code
from rekku.interface._reddit_interface.account import Account
from rekku.interface._reddit_interface.faults import for_outbox
from rekku.interface._reddit_interface.seen import Seen
from rekku.platforms.reddit.fault import Fate, Fault

LONGEST = 10_000
"""Characters of a comment or a private message."""
LONGEST_SUBJECT = 60
SETTLES = timedelta(seconds=10)
"""After so long, what the account wrote stands in its list."""
LATELY = 50

MENTION = re.compile(r"(?<![\w/\\])(/?u(?:ser)?)/(?=[\w-]{3})", re.IGNORECASE)
DEFINITION = re.compile(r"^( {0,3})\[(?=[^\]\n]+\]:)", re.MULTILINE)
COMMENT = re.compile(r"t1_[a-z0-9]{1,13}")
PRIVATE = re.compile(r"t4_[a-z0-9]{1,13}")
POST = re.compile(r"t3_[a-z0-9]{1,13}")
PERSON = "t2_"


def for_reddit(markdown: str) -> str:
    """The text as Reddit's Markdown: nobody is called by name, and no link hides where it goes."""
    return outside_code(open_links(markdown), _plain)


def _plain(text: str) -> str:
    return DEFINITION.sub(r"\1\\[", MENTION.sub(r"\1\\/", text))


class Writer:
    """Writes with one account."""

    def __init__(self, account: Account, seen: Seen, clock: Clock) -> None:
        self._account = account
        self._seen = seen
        self._clock = clock

    async def say(self, payload: Mapping[str, Any]) -> str:
        """Send a piece, once; its id at Reddit ("" if Reddit does not tell). Raises a DeliveryError."""
        words = payload["text"] or _named(payload)
        try:
            await self._account.log_in()
            place = await self._place(payload)
            piece = str(payload["key"])
            if (found := await self._before(piece, place, words)) is not None:
                return found
            made = await self._send(piece, place, words)
        except Fault as fault:
            raise for_outbox(fault) from fault
        await self._seen.done(piece, made)
        if made.startswith("t1_"):
            root = payload.get("thread_id") or made
            await self._seen.remember([made], payload["target"], root, self._clock.now())
        return made

    async def _place(self, payload: Mapping[str, Any]) -> dict[str, str]:
        """The form that says where it goes: under a comment, a post or a message, or to somebody."""
        chat, thread = str(payload["target"]), str(payload.get("thread_id") or "")
        answers, wanted = str(payload.get("answers") or ""), str(payload.get("reply_to") or "")
        if chat.startswith(PERSON):
            return {"thing_id": answers} if PRIVATE.fullmatch(answers) else {"to": await self._name(chat)}
        if not POST.fullmatch(chat):
            raise DeliveryRefused(f"Reddit has no chat {chat!r}")
        for comment in (wanted, answers, thread):  # what a model names counts only where it belongs to this chat
            known = await self._seen.thread(comment) if COMMENT.fullmatch(comment) else None
            if known and known[0] == chat:
                return {"thing_id": comment}
        return {"thing_id": chat}

    async def _name(self, person: str) -> str:
        """The name of an account now."""
        told = await self._account.ask("api/user_data_by_account_ids", ids=person)
        name = (told.get(person) or {}).get("name") if isinstance(told, dict) else None
        if not name:
            raise DeliveryRefused("Reddit: this person's account is gone")
        return str(name)

    async def _before(self, piece: str, place: Mapping[str, str], words: str) -> str | None:
        """What has become of a piece that was tried before; None if it has to be sent. It is noted as being sent."""
        now = self._clock.now()
        tried = await self._seen.begin(piece, now)
        if tried is None:
            return None
        thing, at = tried
        if thing:
            return thing
        if now - at < SETTLES:
            raise DeliveryDelayed("Reddit may have it already", (at + SETTLES - now).total_seconds())
        if found := await self._find(place, words):
            await self._seen.done(piece, found)
            return found
        await self._seen.again(piece, now)
        return None

    async def _send(self, piece: str, place: Mapping[str, str], words: str) -> str:
        try:
            if "to" in place:
                subject = one_line(words, LONGEST_SUBJECT)
                await self._account.do("api/compose/", to=place["to"], subject=subject, text=words)
                return await self._id_of(place, words)
            told = await self._account.do("api/comment/", thing_id=place["thing_id"], text=words)
        except Fault as fault:
            if fault.fate is not Fate.UNSURE:
                await self._seen.undo(piece)
            raise
        made = (told.get("things") or [{}])[0].get("data", {})
        return str(made.get("name") or made.get("id") or "")

    async def _id_of(self, place: Mapping[str, str], words: str) -> str:
        """The id of a message that has just gone out, which Reddit does not tell by itself."""
        try:
            return await self._find(place, words)
        except Fault:
            return ""

    async def _find(self, place: Mapping[str, str], words: str) -> str:
        """The id of what says the same in the same place and is no other piece's; "" if there is none."""
        private = "to" in place or place["thing_id"].startswith("t4_")
        path = "message/sent/" if private else f"user/{self._account.name}/comments"
        there, _ = await self._account.listing(path, limit=LATELY, sort="new")
        same = [
            str(thing["name"])
            for thing in there
            if (thing.get("body") or "").strip() == words.strip() and _stands(thing, place)
        ]
        taken = await self._seen.ours(same)
        return next((name for name in reversed(same) if name not in taken), "")


def _stands(thing: Mapping[str, Any], place: Mapping[str, str]) -> bool:
    if "to" in place:
        return str(thing.get("dest") or "").casefold() == place["to"].casefold()
    return bool(thing.get("parent_id") == place["thing_id"])


def _named(payload: Mapping[str, Any]) -> str:
    """What is said instead of files, which Reddit does not take here."""
    names = ", ".join(file.name or file.kind for file in payload.get("attachments") or ())
    return f"({names}: Reddit takes no files in comments and messages.)" if names else "…"
