"""What went wrong at Reddit, as Rekku's outbox understands it."""

from rekku.core.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUnknown, NotReachable
from rekku.platforms.reddit.fault import Fate, Fault


def for_outbox(fault: Fault) -> DeliveryError:
    """The same, for a message that should have gone out."""
    if fault.of_the_owner:
        return NotReachable(fault.words)
    match fault.fate:
        case Fate.REFUSED:
            return DeliveryRefused(f"Reddit: {fault.words}")
        case Fate.LATER:
            return DeliveryDelayed(f"Reddit: {fault.words}", fault.wait)
        case Fate.UNSURE:
            return DeliveryUnknown(fault.words)
    return NotReachable(fault.words)
