"""What led to a reply, out of the journal."""

from rekku.chain.road import Road
from rekku.core.house import Because
from rekku.core.message import Conversation, Message, User
from rekku.store.journal import cost_of, steps_of


async def because(road: Road, where: Conversation, message_id: str) -> Because | None:
    """For a message of Rekku's, or one that it answered; None if no model was asked, or it is too long ago."""
    turn_id = await road.outbox_store.turn_of(where, message_id)
    if turn_id is None:
        asked = Message(where, User(""), "", road.clock.now(), message_id=message_id)
        entry = await road.inbox_store.find(asked)
        turn_id = (entry.turn_id or entry.id) if entry else None
    steps = await steps_of(road.database, turn_id) if turn_id is not None else []
    if turn_id is None or not steps:
        return None
    knew = steps[0].knew
    return Because(
        turn_id=turn_id,
        engine=steps[-1].engine,
        model=steps[-1].model,
        prompt_tokens=sum(step.prompt_tokens for step in steps),
        completion_tokens=sum(step.completion_tokens for step in steps),
        seconds=sum(step.seconds for step in steps),
        history=int(knew.get("history") or 0),
        facts=knew.get("facts") or {},
        cost=cost_of(steps),
        deeds=tuple(deed for step in steps for deed in step.deeds),
    )
