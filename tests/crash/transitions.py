"""The names of all transitions of the journal, and of what happens outside between them."""

from rekku.core.database import Write
from rekku.plugins._event import tables as events
from rekku.store import inbox, journal, outbox
from rekku.store.codec import load_deeds

COMMITS = (
    "outbox claimed",
    "inbox claimed",
    "message accepted",
    "command accepted",
    "command answered",
    "mark started",
    "note started",
    "step kept",
    "turn answered",
    "turn ended",
    "turn deferred",
    "draft kept",
    "draft shown",
    "draft dropped",
    "sending recorded",
)
"""What is committed. The process is killed right before each, and right after."""

OUTSIDE = (
    "received",
    "acknowledged",
    "engine asked",
    "engine half through",
    "engine done",
    "mark begins",
    "mark half done",
    "mark done",
    "note begins",
    "note done",
    "send begins",
    "send done",
    "draft send begins",
    "draft send done",
    "draft edit begins",
    "draft edit done",
    "final edit begins",
    "final edit done",
    "delete begins",
    "delete done",
    "command begins",
    "command done",
    "hook begins",
    "hook done",
)
"""What happens outside of the database, seen from where it happens."""

POINTS = (*(f"{when} {name}" for name in COMMITS for when in ("before:", "after:")), *OUTSIDE)

EVENTS = {
    events.ADD: "reminder kept",
    events.CLAIM: "reminder claimed",
    events.ADVANCE: "reminder handed over",
    events.SETTLE: "reminder settled",
}
"""What is committed of events."""

EVENT_POINTS = tuple(f"{when} {name}" for name in EVENTS.values() for when in ("before:", "after:"))


def transition(writes: tuple[Write, ...]) -> str:
    """The name of what these writes commit; "other" for what is no transition of the journal."""
    made = {write.statement: write.values for write in writes}
    for statement, name in EVENTS.items():
        if statement in made:
            return name
    if inbox.CLAIM_OWN in made:
        return "inbox claimed"
    if outbox.CLAIM in made:
        return "outbox claimed"
    if inbox.ADD in made:
        return "command accepted" if made[inbox.ADD]["status"] == "command" else "message accepted"
    if inbox.DEFER in made:
        return "turn deferred"
    if inbox.SET_STATUS in made:
        if outbox.ADD in made and made[outbox.ADD]["turn_id"] is None:
            return "command answered"
        return "turn answered" if made[inbox.SET_STATUS]["to"] == "ending" else "turn ended"
    if outbox.SENT in made:
        return "draft shown" if made[outbox.SENT]["to"] == "draft" else "sending recorded"
    if outbox.FILL in made and made[outbox.FILL]["to"] == "dropped":
        return "draft dropped"
    if outbox.ADD in made and made[outbox.ADD]["status"] == "draft":
        return "draft kept"
    return _of_the_journal(writes)


def _of_the_journal(writes: tuple[Write, ...]) -> str:
    plans = [
        write.values["plan" if write.statement is journal.ADD else "deeds"]
        for write in writes
        if write.statement in (journal.ADD, journal.SET_PLAN)
    ]
    if not plans:
        return "other"
    started = [deed.action for deed in load_deeds(plans[-1]) if deed.status == "started"]
    return f"{started[0]} started" if started else "step kept"
