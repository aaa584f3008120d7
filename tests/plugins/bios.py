"""What the tests of the bios share: somebody tells something, and what is known of it then."""

from typing import Any

import pytest

from rekku.core.registry import Kind
from rekku.plugins._bio_manager.table import Bio, all_bios
from rekku.plugins.bio_manager import BioManager
from rekku.testing import Bot
from tests.road.words import action, answered, asked, reply, say

GROUP = {"chat": "room", "direct": False}
UNLIMITED = {"BIO_MAX_FIELDS": "0", "BIO_UPDATE_MINUTES": "0", "BIO_UPDATES_PER_DAY": "0", "UNKNOWN_PER_MINUTE": "1000"}
alone = pytest.mark.settings(REKKU_PLUGINS="bio_manager,message_plugin")
unlimited = pytest.mark.settings(**UNLIMITED)


def plugin(bot: Bot) -> BioManager:
    """The bio manager, as Rekku loaded it."""
    component = bot.running.registry.get(Kind.PLUGIN, "bio_manager")
    assert component is not None
    found: BioManager = component.instance
    return found


def update(**payload: Any) -> str:
    """A reply that writes something down and says so."""
    return reply(action("bio_update", **payload), action("message", text="Noted."))


async def notes(bot: Bot, told: dict[str, Any], **payload: Any) -> None:
    """Somebody tells something, and the model writes it down."""
    bot.model_says(update(**payload))
    assert await bot.hears("listen", **told) == ["Noted."], answered(bot)


async def problems(bot: Bot, told: dict[str, Any], **payload: Any) -> str:
    """Somebody tells something that the model may not write down; what the model is told then."""
    bot.model_says(reply(action("bio_update", **payload)), say("I cannot write that down."))
    assert await bot.hears("listen", **told) == ["I cannot write that down."]
    (error,) = answered(bot)["errors"]
    return "; ".join(error["problems"])


async def known(bot: Bot, told: dict[str, Any], **payload: Any) -> dict[str, Any]:
    """What `bio_full_request` gives in a turn of somebody, without the person's name."""
    bot.model_says(reply(action("bio_full_request", **payload)), "Well.")
    await bot.hears("what do you know?", **told)
    (output,) = answered(bot)["outputs"]
    return {key: value for key, value in output["output"].items() if key not in ("person", "nothing")}


async def participants(bot: Bot, **told: Any) -> dict[str, dict[str, Any]]:
    """What a prompt tells of those who take part, by name."""
    bot.model_says("Hm.")
    await bot.tell("hello", **told)
    return {p.pop("name"): p for p in asked(bot)["context"].get("participants", [])}


async def bios(bot: Bot) -> dict[str, Bio]:
    """All bios, by person id."""
    return await all_bios(bot.running.database)


async def the_bio(bot: Bot) -> Bio:
    """The only bio that there is."""
    (bio,) = (await bios(bot)).values()
    return bio


ANN = {"user": "ann"}
BOB = {"user": "bob"}
OWNER = {"user": "owner"}
