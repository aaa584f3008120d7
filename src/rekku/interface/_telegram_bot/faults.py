"""What went wrong at Telegram, as what Rekku's outbox understands."""

from datetime import timedelta

import httpx
from telegram import error as telegram

from rekku.core.errors import DeliveryDelayed, DeliveryError, DeliveryRefused, DeliveryUnknown

NOT_WRITTEN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""What is certain to have happened before anything was sent."""


def seconds(wait: "int | float | timedelta") -> float:
    """How long Telegram wants one to wait."""
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def delivery_error(error: telegram.TelegramError) -> DeliveryError | None:
    """What became of a message, if that is certain or certainly unknown; None for what can simply be tried again."""
    match error:
        case telegram.RetryAfter():
            return DeliveryDelayed("Telegram wants fewer messages", seconds(error.retry_after))
        case telegram.Forbidden() | telegram.BadRequest() | telegram.InvalidToken():
            return DeliveryRefused(f"Telegram says: {error.message}")
        case telegram.NetworkError() if isinstance(error.__cause__, httpx.HTTPError):
            if not isinstance(error.__cause__, NOT_WRITTEN):
                return DeliveryUnknown(f"Telegram did not answer ({type(error.__cause__).__name__})")
    return None
