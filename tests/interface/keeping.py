"""What every interface keeps, whatever happens to its connection."""

import asyncio

from tests.interface.suite import Suite, needs
from tests.interface.world import Talk


class Keeping(Suite):
    """Nothing is lost, and nothing is doubled."""

    async def test_a_message_that_is_delivered_twice_is_answered_once(self, talk: Talk) -> None:
        talk.bot.model_says("Once.")
        await talk.hears("hello", user=self.person)
        await talk.world.redelivers()
        await talk.rest()

        assert talk.texts(self.person) == ["Once."]

    @needs("faults")
    async def test_it_comes_back_after_the_connection_broke(self, talk: Talk) -> None:
        talk.bot.model_says("Before.", "After.")
        await talk.hears("hello", user=self.person)
        await talk.world.cuts()
        await talk.rest()
        await talk.world.mends()

        assert await talk.hears("still there?", user=self.person) == ["After."]

    @needs("faults")
    async def test_an_answer_that_cannot_go_out_goes_out_later_once(self, talk: Talk) -> None:
        talk.bot.engine.gate = asyncio.Event()
        talk.bot.model_says("At last.")
        await talk.world.says("hello", user=self.person)
        await talk.until(lambda: talk.bot.engine.prompts)
        await talk.world.cuts()
        talk.bot.engine.gate.set()
        await talk.rest()
        await talk.world.mends()
        await talk.until(lambda: talk.texts(self.person) == ["At last."])
        await talk.rest()

        assert talk.texts(self.person) == ["At last."]

    @needs("faults")
    async def test_a_platform_that_wants_fewer_messages_is_obeyed(self, talk: Talk) -> None:
        talk.world.limits(3)
        talk.bot.model_says("In time.")

        assert await talk.hears("hello", user=self.person) == ["In time."]

    @needs("faults")
    async def test_what_arrived_though_its_answer_did_not_is_not_doubled(self, talk: Talk) -> None:
        talk.world.loses_answer()
        talk.bot.model_says("Only once.")
        await talk.hears("hello", user=self.person)
        await talk.rest()
        await talk.rest()

        assert talk.texts(self.person).count("Only once.") == 1

    @needs("edit", "faults", "keys")
    async def test_a_growing_reply_whose_first_words_seem_lost_is_still_one_message(self, talk: Talk) -> None:
        talk.world.loses_answer()
        talk.bot.engine.pieces = 8
        talk.bot.model_says("This reply comes slowly, a few letters at a time, until it is whole.")
        await talk.world.says("write", user=self.person)
        await talk.until(lambda: "whole." in "".join(talk.texts(self.person)))
        await talk.rest()

        assert talk.texts(self.person) == ["This reply comes slowly, a few letters at a time, until it is whole."]

    @needs("faults", "people")
    async def test_the_owner_hears_of_what_is_refused(self, talk: Talk) -> None:
        talk.bot.model_says("Hello, boss.", "Refused.")
        await talk.hears("hi", user=talk.world.owner)
        talk.world.refuses()
        await talk.world.says("hello", user="ann")
        await talk.until(lambda: "could not be delivered" in talk.texts(talk.world.owner)[-1])

    @needs("backlog")
    async def test_what_is_said_while_it_is_down_is_answered_afterwards_once(self, talk: Talk) -> None:
        talk.bot.model_says("Before.", "Afterwards.")
        await talk.hears("hello", user=self.person)
        await talk.bot.stop()
        await talk.world.says("are you there?", user=self.person)
        await talk.bot.start()
        await talk.world.attach(talk.bot)
        await talk.until(lambda: talk.texts(self.person) == ["Before.", "Afterwards."])
        await talk.rest()

        assert talk.texts(self.person) == ["Before.", "Afterwards."]

    @needs("faults")
    async def test_after_a_restart_it_goes_on_at_the_piece_that_failed(self, talk: Talk) -> None:
        words = [f"word{n}" for n in range(talk.world.max_length * 2 // 7)]
        talk.bot.model_says(" ".join(words))
        talk.world.limits(100_000, after=1)
        await talk.world.says("talk", user=self.person)
        await talk.until(lambda: talk.texts(self.person))
        await talk.rest()
        await talk.bot.restart()
        await talk.world.attach(talk.bot)
        await talk.until(lambda: words[-1] in " ".join(talk.texts(self.person)).split())
        await talk.rest()

        assert " ".join(talk.texts(self.person)).split() == words
