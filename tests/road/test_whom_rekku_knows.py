"""`host.people` and what plugins are told about who spoke."""

from collections.abc import Mapping
from typing import Any

from rekku.core.ai_plugin_base import AIPluginBase
from rekku.core.message import Message, User
from rekku.core.people import Account
from rekku.core.principal import TRAINER_PERSON, Role
from rekku.testing import Bot, MemoryInterface


class Listener(AIPluginBase):
    """A plugin that keeps what it was told for the last prompt."""

    def __init__(self) -> None:
        self.memory: dict[str, list[dict[str, str]]] = {}

    async def get_static_injection(
        self, message: Message | None = None, context_memory: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        self.memory = dict(context_memory or {})
        return {}


async def says(bot: Bot, user: str, **told: Any) -> None:
    """Somebody says hello and is answered."""
    bot.model_says("Hello.")
    await bot.tell("hello", user=user, **told)


async def test_people_are_found_by_id_tag_and_name_with_all_their_accounts(bot: Bot) -> None:
    bot.add_interface(MemoryInterface("other", frozenset({"boss"})))
    host = bot.add(Listener())
    await says(bot, "ann")
    await says(bot, "owner")
    await says(bot, "boss", interface="other")

    for text in ("ann", "@ann", " Ann ", "memory:ann"):
        (ann,) = await host.host.people(text)
        assert ann.accounts == (Account("memory", User("ann", "Ann")),)
        assert (ann.role, ann.name) == (Role.UNKNOWN, "Ann")
    for text in ("owner", "Boss"):
        (owner,) = await host.host.people(text)
        assert owner.person_id == TRAINER_PERSON
        assert owner.role is Role.TRAINER
        assert [str(account) for account in owner.accounts] == ["memory:owner", "other:boss"]
    assert {person.name for person in await host.host.people()} == {"Ann", "Owner"}
    assert await host.host.people("nobody") == []


async def test_who_became_the_trainer_later_is_the_trainer(bot: Bot) -> None:
    listener = bot.add(Listener())
    await says(bot, "ann")
    bot.environ["TRAINER_IDS"] = "memory:ann"
    await bot.restart()
    (ann,) = await listener.host.people("ann")
    assert ann.person_id == TRAINER_PERSON


async def test_a_plugin_is_told_who_spoke_lately(bot: Bot) -> None:
    listener = bot.add(Listener())
    await says(bot, "ann", chat="room", direct=False)
    await says(bot, "owner", chat="room", direct=False)
    (ann,) = await listener.host.people("ann")
    assert [(line["person_id"], line["text"]) for line in listener.memory["room"]] == [
        (ann.person_id, "hello"),
        ("", "Hello."),
    ]
    assert "person_id" not in bot.engine.prompts[-1]
