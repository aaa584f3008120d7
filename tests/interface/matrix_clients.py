"""The clients of Matrix's people: what they are told of, and what they see of Rekku."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from tests.interface.world import Shown

Call = Callable[[str, str, str], Awaitable[dict[str, Any]]]
"""A call of the client-server API: who, method, path."""
Fetch = Callable[["Client", str], Awaitable[bytes]]


@dataclass
class Client:
    """Somebody's client: what it was told of, by room."""

    user: str
    token: str
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)
    since: str = ""


async def follow(client: Client, rekku: str, call: Call, fetch: Fetch) -> None:
    """See what happens, as a client does, for ever."""
    while True:
        query = {"timeout": "10000"} | ({"since": client.since} if client.since else {})
        told = await call(client.user, "GET", f"/sync?{urlencode(query)}")
        for room, joined in told.get("rooms", {}).get("join", {}).items():
            for event in joined["timeline"]["events"]:
                if event["sender"] == rekku and event["type"] == "m.room.message":
                    if "url" in event["content"]:
                        event["content"]["data"] = await fetch(client, event["content"]["url"])
                    client.events.setdefault(room, []).append(event)
            for event in joined["ephemeral"]["events"]:
                if event["type"] == "m.typing" and rekku in event["content"]["user_ids"]:
                    client.typed.add(room)
        client.since = told["next_batch"]


def seen(events: list[dict[str, Any]], threads: dict[str, str]) -> list[Shown]:
    """What stands in a room, each message as it was last edited."""
    found: dict[str, Shown] = {}
    for event in events:
        content, relation = event["content"], event["content"].get("m.relates_to", {})
        if relation.get("rel_type") == "m.replace":
            old = found[relation["event_id"]]
            text = content["m.new_content"]["body"]
            found[old.id] = Shown(old.id, text, old.thread, old.reply_to, old.files, old.edits + 1)
        elif "body" in content:
            found[event["event_id"]] = _shown(event, threads)
    return list(found.values())


def _shown(event: dict[str, Any], threads: dict[str, str]) -> Shown:
    content, relation = event["content"], event["content"].get("m.relates_to", {})
    names = {root: name for name, root in threads.items()}
    thread = names.get(relation.get("event_id", ""), "") if relation.get("rel_type") == "m.thread" else ""
    reply = "" if relation.get("is_falling_back") else relation.get("m.in_reply_to", {}).get("event_id", "")
    files: tuple[tuple[str, str, bytes], ...] = ()
    text = content["body"]
    if "data" in content:
        kind = content["msgtype"].removeprefix("m.")
        files, text = ((kind, content["filename"], content["data"]),), ""
    return Shown(event["event_id"], text, thread, reply, files, 0, content.get("formatted_body"))
