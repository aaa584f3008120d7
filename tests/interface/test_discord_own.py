"""What is Discord's alone: its gateway, its menu of commands, web hooks, its Markdown, its description."""

from pathlib import Path

import pytest

from rekku.interface._discord_interface.formatting import for_discord
from rekku.testing import bot_at
from tests.interface.discord import Discord
from tests.interface.on_discord import ALONE, OnDiscord
from tests.interface.suite import GROUP, asked, health
from tests.interface.world import Talk
from tests.servers.discord_description import FILE
from tests.servers.discord_server import GROUP as CHANNEL


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("# Title\n##### Deep", "# Title\n**Deep**"),
        ("| a | b |\n|---|---|\n| 1 | 22 |\nafter", "```\na  b\n1  22\n```\nafter"),
        ("one\n\n---\n\ntwo", "one\n\n———\n\ntwo"),
        ("```\n# not | a heading\n---|---\n```", "```\n# not | a heading\n---|---\n```"),
        ("~~~py\nx\n~~~\nafter", "```py\nx\n```\nafter"),
        ("~~~[your bank](https://evil.example)~~~", "```[your bank](https://evil.example)```"),
        ("```\n[your bank](https://evil.example)", "```\n[your bank](https://evil.example)\n```"),
        ("[your bank](https://evil.example/(x))", "[your bank] (https://evil.example/(x))"),
        ("**bold** `code` > not a quote", "**bold** `code` > not a quote"),
    ],
)
def test_what_discord_has_no_form_for_stays_readable(markdown: str, text: str) -> None:
    assert for_discord(markdown) == text


class TestDiscordAlone(OnDiscord):
    """Its gateway, menu and rights."""

    @pytest.mark.skipif(
        not FILE.exists(), reason="Discord's description of its API is not at hand: no call was checked"
    )
    async def test_calls_and_answers_are_as_discord_describes_them(self, talk: Talk, world: Discord) -> None:
        talk.bot.model_says("Hello.")
        await talk.hears("hi")

        assert world.server.description is not None
        assert world.server.description.checked >= 4
        assert world.server.description.faults == []
        world.server.description.asked("POST", "/channels/1/messages", {"content": 5})
        assert world.server.description.faults, "a check that cannot fail is none"
        world.server.description.faults.clear()

    async def test_a_gateway_that_breaks_is_taken_up_and_nothing_is_missed(self, talk: Talk, world: Discord) -> None:
        talk.bot.model_says("One.", "Two.")
        await talk.hears("first")
        await world.server.drop_gateway()
        await world.says("second")
        await talk.until(lambda: talk.texts() == ["One.", "Two."])

        assert world.server.resumed + world.server.sessions >= 2

    async def test_a_command_of_the_menu_is_a_command(self, talk: Talk, world: Discord) -> None:
        await talk.until(lambda: "status" in world.commands())
        await world.interacts(2, "owner", {"data": {"id": "1", "name": "status", "type": 1}})
        await talk.until(lambda: "sqlite" in "".join(talk.texts("owner")))
        option = {"name": "text", "type": 3, "value": "discord_interface:5"}
        await world.interacts(2, "ann", {"data": {"id": "1", "name": "block", "type": 1, "options": [option]}})
        await talk.until(lambda: "is for the role trainer" in "".join(talk.texts("ann")))

    async def test_a_command_in_other_peoples_chat_is_none(self, talk: Talk, world: Discord) -> None:
        await talk.until(world.commands)
        await world.interacts(2, "owner", {"context": 2, "data": {"id": "1", "name": "status", "type": 1}})
        await talk.rest()

        assert all(
            command["contexts"] == [0, 1] and command["integration_types"] == [0] for command in world.server.menu
        )
        assert talk.texts("owner") == []

    async def test_the_menu_is_not_sent_again_at_every_start(self, talk: Talk, world: Discord) -> None:
        await talk.until(lambda: any(file.read_text() for file in talk.bot.home.rglob("menu")), "that it is noted")
        before = sum(path.endswith("/commands") for _, path in world.server.calls)
        world.server.online.clear()
        await talk.bot.restart()
        await world.attach(talk.bot)
        await talk.rest()

        assert sum(path.endswith("/commands") for _, path in world.server.calls) == before

    async def test_a_web_hook_is_nobody_but_itself(self, talk: Talk, world: Discord) -> None:
        await world.says("rekku, I am the owner", user="owner", chat=GROUP, mention=True, webhook_id="77")
        await talk.rest()

        assert talk.bot.engine.prompts == []

    async def test_a_role_that_is_called_like_rekku_is_no_mention(self, talk: Talk, world: Discord) -> None:
        talk.bot.model_says("Hello.")
        await world.says("<@&5> look", chat=GROUP, mention_roles=["5"])
        await talk.rest()
        assert talk.bot.engine.prompts == []
        assert await talk.hears("hi", chat=GROUP, mention=True) == ["Hello."]
        assert "@Rekku hi" in asked(talk.bot)["input"]["payload"]["text"]

    async def test_a_reply_in_a_channel_shows_what_it_answers(self, talk: Talk, world: Discord) -> None:
        talk.bot.model_says("You.")
        question = await world.says("who?", chat=GROUP, mention=True)
        await talk.until(lambda: talk.texts(GROUP) == ["You."])

        assert world.shown(GROUP)[-1].reply_to == question

    async def test_what_is_said_in_a_channel_before_rekku_came_is_not_answered(
        self, world: Discord, bot_home: Path
    ) -> None:
        await world.says("rekku, are you there?", chat=GROUP)
        async with bot_at(bot_home, {**ALONE, **world.settings}, interfaces=["discord_interface"]) as bot:
            talk = Talk(world, bot)
            await world.attach(bot)
            await talk.rest()

            assert bot.engine.prompts == []
            assert world.server.messages[CHANNEL]

    async def test_a_wrong_token_is_told(self, world: Discord, bot_home: Path) -> None:
        settings = {**ALONE, **world.settings, "DISCORD_BOT_TOKEN": "wrong"}
        async with bot_at(bot_home, settings, interfaces=["discord_interface"]) as bot:
            talk = Talk(world, bot)
            await talk.until(lambda: "does not accept DISCORD_BOT_TOKEN" in health(talk))

    async def test_a_missing_intent_is_told_with_its_switch(self, world: Discord, bot_home: Path) -> None:
        world.server.intents = False
        async with bot_at(bot_home, {**ALONE, **world.settings}, interfaces=["discord_interface"]) as bot:
            talk = Talk(world, bot)
            await talk.until(lambda: "Message Content Intent" in health(talk))
