"""What is Reddit's alone: its inbox, its threads, its ways to call somebody and to say no."""

from pathlib import Path

import pytest

from rekku.core.message import Conversation
from rekku.testing import bot_at
from tests.interface.on_reddit import ALONE, OnReddit
from tests.interface.reddit import Reddit
from tests.interface.suite import GROUP, Giver, asked, does, health
from tests.interface.world import Talk


async def restarted(talk: Talk, world: Reddit) -> None:
    await talk.bot.restart()
    await world.attach(talk.bot)


class TestRedditAlone(OnReddit):
    """Its inbox and its threads."""

    async def test_an_answer_stands_under_the_very_comment_and_quotes_what_it_replied_to(
        self, talk: Talk, world: Reddit
    ) -> None:
        first = await world.says("It will rain.", chat=GROUP, user="bob")
        talk.bot.model_says("So it will.")
        second = await world.says("is he right?", chat=GROUP, reply_to=first, mention=True)
        await talk.until(lambda: talk.texts(GROUP) == ["So it will."])

        assert world.shown(GROUP)[0].reply_to == second
        said = asked(talk.bot)["input"]["payload"]
        assert said["text"] == "is he right?"
        assert said["reply_to"] == [{"from": "bob", "text": "It will rain."}]
        assert said["source"]["chat"] == "r/talk: The weather"
        assert said["source"]["user"] == {"id": "t2_ann", "name": "ann", "tag": "ann"}

    async def test_a_deep_discussion_is_one_conversation_also_after_a_restart(self, talk: Talk, world: Reddit) -> None:
        above = await world.says("one", chat=GROUP, user="bob")
        for word in ("two", "three", "four"):
            above = await world.says(word, chat=GROUP, user="bob", reply_to=above)
        talk.bot.model_says("Five.", "Seven.")
        await talk.hears("what comes next?", chat=GROUP, reply_to=above, mention=True)
        await restarted(talk, world)
        await talk.hears("and then?", chat=GROUP, reply_to=world.shown(GROUP)[0].id)

        assert "Five." in str(asked(talk.bot)["context"]["history"])
        said = asked(talk.bot)["input"]["payload"]["source"]
        assert said["chat_id"] == world.post.fullname
        assert said["thread_id"] == world.roots[""].fullname

    async def test_a_comment_on_a_post_of_its_own_is_a_reply_and_a_thread(self, talk: Talk, world: Reddit) -> None:
        post = world.server.write("t3", author=world.settings["REDDIT_USERNAME"], title="My garden", text="It grows.")
        talk.bot.model_says("Thank you.")
        comment = world.server.comes("t1", author="ann", parent=post.fullname, text="lovely")
        await talk.until(lambda: any(thing.text == "Thank you." for thing in world.server.comments))

        assert world.server.comments[-1].parent == comment.fullname
        said = asked(talk.bot)["input"]["payload"]
        assert said["reply_to"] == [{"from": "you", "text": "My garden\n\nIt grows."}]
        assert said["source"]["thread_id"] == comment.fullname

    async def test_programs_are_not_answered(self, talk: Talk, world: Reddit) -> None:
        for name in ("AutoModerator", "haiku_bot", "RemindMeBot", "gifbot2000"):
            await world.says("rekku, hello", chat=GROUP, mention=True, user=name)
        talk.bot.model_says("Hello, Ann.")

        assert await talk.hears("hello", chat=GROUP, mention=True) == ["Hello, Ann."]
        assert len(talk.bot.engine.prompts) == 1

    async def test_who_has_no_account_any_more_and_rekku_itself_are_not_answered(
        self, talk: Talk, world: Reddit
    ) -> None:
        for author in ("[deleted]", world.settings["REDDIT_USERNAME"]):
            await world.says("hello", user=author)
            await world.says("hello", user=author, chat=GROUP, mention=True)
        talk.bot.model_says("Hello, Ann.")

        assert await talk.hears("hello") == ["Hello, Ann."]
        assert len(talk.bot.engine.prompts) == 1
        chats = await talk.bot.running.road.people.chats()
        assert [chat.where.chat_id for chat in chats] == ["t2_ann"]

    async def test_a_name_in_front_does_not_hide_a_command_and_a_subject_is_read(
        self, talk: Talk, world: Reddit
    ) -> None:
        await world.says("/status", chat=GROUP, mention=True, user="owner")
        await talk.until(lambda: talk.texts(GROUP))
        assert "sqlite" in talk.texts(GROUP)[0]
        talk.bot.model_says("Yes.")
        world.server.comes("t4", author="ann", title="A question about tea", text="Do you drink it?")
        await talk.until(talk.texts)

        assert asked(talk.bot)["input"]["payload"]["text"] == "A question about tea\n\nDo you drink it?"

    async def test_nobody_is_called_and_no_link_hides(self, talk: Talk, world: Reddit) -> None:
        talk.bot.model_says(
            "Ask u/bob, /u/ann or `u/carl`; see [home][1] and https://x.example/u/eve\n\n[1]: https://evil.example"
        )
        (text,) = await talk.hears("who knows?", chat=GROUP, mention=True)

        assert list(world.pings) == []
        assert r"u\/bob, /u\/ann or `u/carl`" in text
        assert r"\[1]: https://evil.example" in text
        assert "https://x.example/u/eve" in text

    async def test_what_is_read_is_marked_as_read_only_when_it_is_kept(self, talk: Talk, world: Reddit) -> None:
        from rekku.core.errors import StoreError

        gate = talk.bot.running.road.gate
        keep, tries = gate._keep, []

        async def refuse(writes: object) -> list[int]:
            tries.append(world.server.inbox[-1].unread)
            raise StoreError("the database is away")

        gate._keep = refuse  # type: ignore[method-assign]
        await world.says("hello")
        await talk.until(lambda: len(tries) > 2)
        assert all(tries)
        gate._keep = keep  # type: ignore[method-assign]
        talk.bot.model_says("Hello.")
        await talk.until(lambda: talk.texts() == ["Hello."])
        await talk.until(lambda: not world.server.inbox[-1].unread)

    async def test_what_somebody_has_read_in_the_browser_is_answered_too_and_what_is_old_is_not(
        self, world: Reddit, bot_home: Path
    ) -> None:
        world.server.comes("t4", author="ann", text="from long ago", created=world.server.now() - 86_400)
        async with bot_at(bot_home, {**ALONE, **world.settings}, interfaces=["reddit_interface"]) as bot:
            await world.attach(bot)
            talk = Talk(world, bot)
            await bot.stop()
            bot.model_says("Answered.")
            await world.says("hello")
            world.server.inbox[-1].unread = False
            await bot.start()
            await talk.until(lambda: talk.texts() == ["Answered."])
            await talk.rest()

            assert asked(bot)["input"]["payload"]["text"] == "hello"
            assert len(bot.engine.prompts) == 1

    async def test_a_comment_whose_surroundings_are_hidden_is_answered_all_the_same(
        self, talk: Talk, world: Reddit
    ) -> None:
        world.server.hidden = True
        talk.bot.model_says("Hello.", "Hello to you.")

        assert await talk.hears("hello", chat=GROUP, mention=True) == ["Hello."]
        assert await talk.hears("hello") == ["Hello to you."]

    async def test_a_full_inbox_is_read_to_its_end_in_order(self, talk: Talk, world: Reddit) -> None:
        world.server.page_size = 3
        await talk.bot.stop()
        for number in range(8):
            await world.says(f"hello {number}", user=f"person{number}", created=world.server.now() + number)
        talk.bot.model_says(*["Hello."] * 8)
        await talk.bot.start()
        await talk.until(lambda: sum(len(talk.texts(f"person{number}")) for number in range(8)) == 8)
        await talk.rest()

        assert len(talk.bot.engine.prompts) == 8

    async def test_an_odd_thing_in_the_inbox_does_not_stop_the_others(self, talk: Talk, world: Reddit) -> None:
        world.server.comes("t4", author="bob", text="odd").created = float("inf")
        talk.bot.model_says("Hello.")

        assert await talk.hears("hello") == ["Hello."]

    async def test_files_are_refused_in_words(self, talk: Talk, world: Reddit) -> None:
        talk.bot.add(Giver())
        await talk.bot.settle()
        talk.bot.model_says(does("give_picture"))

        await talk.hears("show me", "A cat.", "(cat.png")
        assert talk.texts() == ["A cat.", "(cat.png: Reddit takes no files in comments and messages.)"]

    async def test_a_private_message_is_answered_in_place_and_a_reminder_finds_the_person(
        self, talk: Talk, world: Reddit
    ) -> None:
        talk.bot.model_says("Hello.")
        asked_for = await world.says("hello")
        await talk.until(lambda: talk.texts() == ["Hello."])
        assert world.shown()[0].reply_to == asked_for
        await talk.bot.running.road.voice.send("Tea is ready.", Conversation("reddit_interface", "t2_ann"))
        await talk.until(lambda: talk.texts() == ["Hello.", "Tea is ready."])

        assert world.shown()[1].reply_to == ""
        assert world.server.messages[-1].title == "Tea is ready."

    async def test_a_rate_limit_that_is_told_in_words_is_waited_for(self, talk: Talk, world: Reddit) -> None:
        world.server.errors = [["RATELIMIT", "Take a break for 5 seconds before trying again.", "ratelimit"]]
        talk.bot.model_says("In time.")
        said = talk.bot.clock.now()

        assert await talk.hears("hello") == ["In time."]
        assert (talk.bot.clock.now() - said).total_seconds() >= 5

    async def test_when_reddit_says_that_no_requests_are_left_none_is_made(self, talk: Talk, world: Reddit) -> None:
        world.server.fewer = {"x-ratelimit-remaining": "0", "x-ratelimit-used": "600", "x-ratelimit-reset": "500"}
        await talk.until(lambda: "wants fewer requests" in health(talk))
        before = len(world.server.requests)
        await talk.rest()

        assert len(world.server.requests) == before

    async def test_a_locked_thread_is_told_to_the_owner(self, talk: Talk, world: Reddit) -> None:
        talk.bot.model_says("Hello, boss.", "Too late.")
        await talk.hears("hi", user="owner")
        comment = await world.says("hello", chat=GROUP, mention=True)
        world.server.things[comment].locked = True
        await talk.until(lambda: "the thread is locked" in talk.texts("owner")[-1])

    @pytest.mark.parametrize(
        ("setting", "value", "words"),
        [
            ("REDDIT_PASSWORD", "a-wrong-secret", "does not accept REDDIT_USERNAME with REDDIT_PASSWORD"),
            ("REDDIT_CLIENT_SECRET", "a-wrong-secret", "does not accept REDDIT_CLIENT_ID with REDDIT_CLIENT_SECRET"),
            ("REDDIT_USER_AGENT", "rekku", "wants a longer REDDIT_USER_AGENT"),
        ],
    )
    async def test_wrong_credentials_are_told_and_not_tried_without_end(
        self, world: Reddit, bot_home: Path, setting: str, value: str, words: str
    ) -> None:
        settings = {**ALONE, **world.settings, setting: value}
        async with bot_at(bot_home, settings, interfaces=["reddit_interface"]) as bot:
            talk = Talk(world, bot)
            await talk.until(lambda: words in health(talk))
            before = len(world.server.requests)
            await talk.rest()

            assert len(world.server.requests) == before
            assert "a-wrong-secret" not in health(talk)
