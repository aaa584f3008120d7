"""What went wrong at Telegram, as what Rekku's outbox understands."""

from datetime import timedelta

import httpx
from telegram import error as telegram

from rekku.core.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUnknown, NotReachable

NOT_WRITTEN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""What is certain to have happened before anything was sent."""

REFUSED = "Telegram does not accept BOTFATHER_TOKEN; get the right one from @BotFather"
CONFLICT = "another program fetches this bot's messages with the same token (BOTFATHER_TOKEN); stop it"
HOOKED = "a web hook of another program takes this bot's messages (BOTFATHER_TOKEN); it was taken away"

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0


def seconds(wait: "int | float | timedelta") -> float:
    """How long Telegram wants one to wait."""
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def delivery_error(error: telegram.TelegramError) -> DeliveryError | None:
    """What became of a message, if that is certain or certainly unknown; None for what can simply be tried again."""
    match error:
        case telegram.RetryAfter():
            return DeliveryDelayed("Telegram wants fewer messages", seconds(error.retry_after))
        case telegram.InvalidToken():  # nothing is wrong with the message: it waits for a right token
            return NotReachable(REFUSED)
        case telegram.Forbidden() | telegram.BadRequest():
            return DeliveryRefused(f"Telegram says: {error.message}")
        case telegram.NetworkError() if isinstance(error.__cause__, httpx.HTTPError):
            if not isinstance(error.__cause__, NOT_WRITTEN):
                return DeliveryUnknown(f"Telegram did not answer ({type(error.__cause__).__name__})")
    return None


def told(error: telegram.TelegramError) -> DeliveryError | telegram.TelegramError:
    """What to raise for an error."""
    return delivery_error(error) or error


def passing(error: telegram.TelegramError) -> bool:
    """Whether the same call may work later: the network, the server, too many calls."""
    lasting = telegram.BadRequest | telegram.Forbidden | telegram.InvalidToken | telegram.ChatMigrated
    return not isinstance(error, lasting)


def trouble_of(error: telegram.TelegramError, wait: float) -> tuple[str, float]:
    """What is wrong with the connection, in words, and after how many seconds to try again; it was `wait` last."""
    match error:
        case telegram.InvalidToken() | telegram.Forbidden():
            return REFUSED, LONGEST_WAIT
        case telegram.Conflict():
            return (HOOKED if "webhook" in error.message.lower() else CONFLICT), LONGEST_WAIT / 4
        case telegram.RetryAfter():
            return "Telegram wants fewer questions", seconds(error.retry_after)
    return f"Telegram cannot be reached ({type(error).__name__})", min(wait * 2, LONGEST_WAIT)
