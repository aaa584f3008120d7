"""A draft that can be seen, though its id was lost, becomes the answer: also after a restart."""

from collections.abc import Mapping
from typing import Any

from rekku.core.errors import DeliveryUnknown
from rekku.testing import Bot, MemoryInterface
from tests.road.gates import Paced
from tests.road.words import until


class Keyed(MemoryInterface):
    """A platform that knows a message by its key, and whose first answer gets lost; then it is away."""

    idempotent_sends = True

    def __init__(self) -> None:
        super().__init__("keyed", frozenset())
        self.ids: dict[str, str] = {}

    async def send_message(self, payload: Mapping[str, Any], original_message: object = None) -> str:
        key = payload["key"]
        if self.here and key in self.ids:
            return self.ids[key]
        self.ids[key] = await super().send_message(payload, original_message)
        self.here = False
        raise DeliveryUnknown("the connection broke")


async def test_a_draft_whose_id_was_lost_becomes_the_answer_after_a_restart(bot: Bot) -> None:
    keyed = bot.add_interface(Keyed())
    bot.engine.pieces, bot.engine.gate = 4, Paced(bot)
    bot.model_says("A long reply that is shown while it is written.")
    await bot.tell("hello", interface="keyed", user="ann")
    (shown,) = keyed.sent
    assert shown.text != "A long reply that is shown while it is written."
    await bot.stop()
    keyed.here = True
    await bot.start()

    await until(bot, lambda: keyed.sent[0].text == "A long reply that is shown while it is written.")
    assert len(keyed.sent) == 1
