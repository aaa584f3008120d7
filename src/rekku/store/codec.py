"""Messages and deeds as JSON, for the columns that keep them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import orjson

from rekku.core.message import Attachment, Conversation, Errand, Message, Quote, User
from rekku.core.turn import Deed


def dump(value: Any) -> str:
    """Any value as JSON; what JSON does not know becomes its text, half surrogates become question marks."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except (TypeError, ValueError, RecursionError):
        return orjson.dumps(_plain(value), default=str).decode()


def load(text: str) -> Any:
    """What `dump` wrote."""
    return orjson.loads(text)


def dump_message(message: Message) -> str:
    """A message without its attachments and raw object."""
    body: dict[str, Any] = {
        "user": _user(message.user),
        "text": message.text,
        "at": message.at.isoformat(),
        "message_id": message.message_id,
        "chat_name": message.chat_name,
        "direct": message.direct,
    }
    if message.reply_to:
        quote = message.reply_to
        body["reply_to"] = [quote.message_id, _user(quote.user), quote.text, quote.from_rekku]
    if message.errand:
        errand = message.errand
        body["errand"] = [errand.kind, errand.person_id, errand.fallback, errand.patience]
    return dump(body)


def load_message(conversation: Conversation, text: str, attachments: tuple[Attachment, ...] = ()) -> Message:
    """What `dump_message` wrote."""
    body = load(text)
    quote = None
    if "reply_to" in body:
        message_id, user, quoted, from_rekku = body["reply_to"]
        quote = Quote(message_id, User(*user), quoted, from_rekku)
    return Message(
        conversation=conversation,
        user=User(*body["user"]),
        text=body["text"],
        at=datetime.fromisoformat(body["at"]),
        message_id=body["message_id"],
        chat_name=body["chat_name"],
        direct=body["direct"],
        reply_to=quote,
        errand=Errand(*body["errand"]) if "errand" in body else None,
        attachments=attachments,
    )


def dump_deeds(deeds: Iterable[Deed]) -> str:
    """A plan with the state of each deed."""
    return dump([[d.action, d.payload, d.status, d.output, d.problems] for d in deeds])


def load_deeds(text: str) -> list[Deed]:
    """What `dump_deeds` wrote."""
    return [
        Deed(action, payload, status, output, tuple(problems))
        for action, payload, status, output, problems in load(text)
    ]


def _user(user: User) -> list[Any]:
    return [user.id, user.name, user.tag, True] if user.bot else [user.id, user.name, user.tag]


def _plain(value: Any, depth: int = 0) -> Any:
    """The value with everything replaced that JSON cannot hold."""
    if depth > 50:
        return "…"
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_plain(str(k), depth + 1): _plain(v, depth + 1) for k, v in value.items()}
        case list() | tuple() | set():
            return [_plain(item, depth + 1) for item in value]
        case int() if not isinstance(value, bool) and abs(value) >= 1 << 63:
            return str(value)
        case bytes():
            return value.decode("utf-8", "replace")
    return value
