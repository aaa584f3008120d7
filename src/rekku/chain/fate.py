"""What became of a message that was handed over, as the database knows it."""

from rekku.core.message import Message
from rekku.core.turn import Fate
from rekku.store.inbox import OPEN, InboxStore
from rekku.store.outbox import OPEN as ON_THE_WAY
from rekku.store.outbox import OutboxStore


async def fate_of(message: Message, inbox: InboxStore, outbox: OutboxStore) -> Fate | None:
    """How it stands with a message and what is said in its turn; None if the database does not know it."""
    entry = await inbox.find(message)
    if entry is None:
        return None
    if entry.status in OPEN:
        return Fate.OPEN
    said = {row.status for row in await outbox.of_turn(entry.turn_id or entry.id)} - {"draft", "dropped"}
    if said & {*ON_THE_WAY}:
        return Fate.OPEN
    if entry.status == "cancelled":
        return Fate.CANCELLED
    return Fate.DELIVERED if said == {"sent"} else Fate.UNDELIVERED
