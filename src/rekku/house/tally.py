"""What the parts of the road have counted, brought together."""

from rekku.chain.road import Road
from rekku.core.house import Tally
from rekku.core.registry import Kind
from rekku.core.turn import Outcome

TURNS = (Outcome.ANSWERED, Outcome.FAILED, Outcome.DEFERRED, Outcome.CANCELLED, Outcome.IGNORED)


def tally(road: Road) -> Tally:
    """As it is now. What did not happen yet is there with 0: from then on one can see it grow."""
    names = [interface.name for interface in road.registry.of(Kind.INTERFACE)]
    return Tally(
        heard=dict.fromkeys(names, 0) | road.gate.heard,
        sent=dict.fromkeys([(name, "sent") for name in names], 0) | road.sender.ended,
        turns={outcome.value: road.inbox.outcomes[outcome] for outcome in TURNS},
        replies=road.inbox.replies.told(),
        calls=road.engines.calls.told(),
    )
