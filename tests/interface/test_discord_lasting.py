"""Discord in bad times: nothing that is said is lost or answered twice, and the connection comes back."""

import asyncio
from pathlib import Path

from rekku.testing import bot_at
from tests.interface.discord import Discord, number
from tests.interface.on_discord import ALONE, OnDiscord
from tests.interface.suite import GROUP, asked, health
from tests.interface.world import Talk
from tests.servers.discord_server import account


class TestDiscordLasting(OnDiscord):
    """Cuts, files, tokens."""

    async def test_what_is_said_between_two_sessions_comes_before_what_is_said_after(
        self, talk: Talk, world: Discord
    ) -> None:
        talk.bot.model_says("One.", "Two.", "Three.")
        await talk.hears("first")
        world.server.forgets = True
        await world.server.drop_gateway()
        await world.says("second")
        await talk.until(lambda: world.server.sessions == 2)
        await world.says("third")
        await talk.until(lambda: talk.texts() == ["One.", "Two.", "Three."])

        assert ["second" in str(prompt) for prompt in talk.bot.engine.prompts[:2]] == [False, True]

    async def test_what_cannot_be_looked_up_at_once_is_looked_up_later(self, talk: Talk, world: Discord) -> None:
        talk.bot.model_says("Before.", "Afterwards.")
        await talk.hears("hello")
        await talk.bot.stop()
        await world.says("are you there?")
        world.server.hangs_up += ["GET /messages"] * 3
        await talk.bot.start()
        await talk.until(lambda: talk.texts() == ["Before.", "Afterwards."])

        assert world.server.hangs_up == []

    async def test_what_still_waits_to_be_heard_ends_with_rekku(self, talk: Talk, world: Discord) -> None:
        talk.bot.model_says("Before.", "Afterwards.", "Afterwards.")  # the two are answered together, or each by itself
        await talk.hears("hello")
        await talk.bot.stop()
        await world.says("are you there?")
        world.server.hangs_up += ["GET /messages"] * 1000
        await talk.bot.start()
        await world.attach(talk.bot)
        await talk.until(lambda: len(world.server.hangs_up) < 1000)
        await world.says("hello?")
        await talk.rest()
        await talk.bot.stop()
        left = [task.get_name() for task in asyncio.all_tasks() if "discord" in task.get_name()]
        world.server.hangs_up.clear()
        await talk.bot.start()
        await talk.until(lambda: "hello?" in str(talk.bot.engine.prompts) and talk.texts()[-1] == "Afterwards.")
        await talk.rest()

        assert not [name for name in left if "on_" in name or name.startswith("discord.py: ")]
        assert talk.texts() in (["Before.", "Afterwards."], ["Before.", "Afterwards.", "Afterwards."])

    async def test_a_thread_that_was_opened_while_rekku_was_away_is_read(self, talk: Talk, world: Discord) -> None:
        talk.bot.model_says("Hello.", "In here.")
        await talk.hears("hi", chat=GROUP, mention=True)
        await talk.bot.stop()
        thread = world.server.number()
        world.open_thread(thread, "news")
        world.server.put(thread, account("Ann", number=number("ann")), "rekku, and here?")
        await talk.bot.start()
        await talk.until(lambda: len(world.server.messages[thread]) == 2)

        assert world.server.messages[thread][-1]["content"] == "In here."

    async def test_a_file_that_breaks_off_does_not_take_the_words_with_it(self, talk: Talk, world: Discord) -> None:
        talk.bot.model_says("I cannot see it.")
        world.server.hangs_up += ["GET /cat.png"] * 3
        await talk.hears("look", files=[("image", "cat.png", "image/png", b"cat")])

        assert "could not be fetched" in asked(talk.bot)["input"]["payload"]["text"]

    async def test_an_event_that_nobody_understands_does_not_end_the_connection(
        self, talk: Talk, world: Discord
    ) -> None:
        await world.server.happens("MESSAGE_CREATE", {"nonsense": True})
        await talk.until(lambda: world.server.sessions == 2)
        talk.bot.model_says("Hello.")

        assert await talk.hears("hi") == ["Hello."]

    async def test_what_is_in_doubt_is_looked_up_and_sent_once(self, talk: Talk, world: Discord) -> None:
        world.server.knows_nonces = False  # as after some minutes
        talk.bot.model_says("Hello.", "Hello.", "Hello.")
        await talk.hears("hi")
        world.loses_answer()
        await talk.hears("hi again")
        await talk.rest()
        assert talk.texts() == ["Hello."] * 2

        world.server.hangs_up.append("POST /messages")
        await talk.hears("and again")
        await talk.rest()
        assert talk.texts() == ["Hello."] * 3

    async def test_a_reply_waits_as_long_as_there_is_no_connection(self, talk: Talk, world: Discord) -> None:
        talk.bot.engine.gate = asyncio.Event()
        talk.bot.model_says("At last.")
        await world.says("hello")
        await talk.until(lambda: talk.bot.engine.prompts)
        await world.cuts()
        await talk.until(lambda: "lost" in health(talk))
        talk.bot.engine.gate.set()
        for _ in range(20):
            await talk.bot.clock.advance(60)
            await asyncio.sleep(0.01)
        await world.mends()
        await talk.until(lambda: talk.texts() == ["At last."])

    async def test_a_reply_waits_for_a_token_that_is_accepted_again(self, talk: Talk, world: Discord) -> None:
        world.server.failures.append((401, {"message": "401: Unauthorized", "code": 0}, {}))
        talk.bot.model_says("Hello.")
        await world.says("hi")
        await talk.until(lambda: not world.server.failures)
        await talk.rest()
        assert talk.texts() == []

        await world.server.drop_gateway()
        await talk.until(lambda: talk.texts() == ["Hello."])

    async def test_a_wrong_token_is_not_tried_so_often_that_discord_takes_it_away(
        self, world: Discord, bot_home: Path
    ) -> None:
        settings = {**ALONE, **world.settings, "DISCORD_BOT_TOKEN": "wrong"}
        async with bot_at(bot_home, settings, interfaces=["discord_interface"]) as bot:
            talk = Talk(world, bot, step=10.0)
            await talk.until(lambda: len(world.server.calls) == 3)

            assert bot.clock.monotonic() > 500, "Discord takes 1,000 logins a day"
