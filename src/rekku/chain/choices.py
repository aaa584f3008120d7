"""The owner's settings, in the shapes that the parts of the road take."""

from datetime import timedelta

from rekku.chain.engine import EngineSettings
from rekku.chain.prices import Prices
from rekku.chain.runner import TurnLimits
from rekku.core.settings import Settings


def pairs(texts: tuple[str, ...]) -> list[tuple[str, str]]:
    """The interfaces and user ids in texts like `telegram_bot:42`; what is not of that form is left out."""
    return [(interface, user) for text in texts for interface, _, user in [text.partition(":")] if user]


def trainers(settings: Settings) -> list[tuple[str, str]]:
    """The owner's accounts."""
    telegram = settings["TELEGRAM_TRAINER_ID"]
    return pairs(settings["TRAINER_IDS"]) + ([("telegram_bot", telegram)] if telegram else [])


def engine_settings(settings: Settings) -> EngineSettings:
    """What the engines' part takes."""
    return EngineSettings(
        settings["ACTIVE_LLM"] or "",
        settings["FALLBACK_LLM"],
        settings["ENGINE_TIMEOUT"],
        settings["TOKENS_PER_DAY"],
        Prices(settings["MODEL_PRICES"]),
    )


def turn_limits(settings: Settings) -> TurnLimits:
    """What one turn may take."""
    return TurnLimits(
        settings["MAX_STEPS"],
        settings["CORRECTOR_RETRIES"],
        timedelta(hours=settings["DEFER_HOURS"]),
    )
