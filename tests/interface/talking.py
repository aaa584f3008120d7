"""What people say and see on every platform alike."""

import asyncio
import json

from rekku.core.message import Choice
from rekku.store.schema import HISTORY
from tests.interface.suite import GROUP, OGG, PNG, Suite, asked, does, needs
from tests.interface.world import Talk


class Talking(Suite):
    """What people say and see."""

    async def test_it_hears_and_answers(self, talk: Talk) -> None:
        talk.bot.model_says("Hello to you.")

        assert await talk.hears("hello there", user=self.person) == ["Hello to you."]
        said = asked(talk.bot)["input"]
        assert said["payload"]["text"] == "hello there"
        assert said["interface"] == talk.world.interface
        assert said["payload"]["source"]["direct"] is True

    async def test_one_after_the_other_in_order(self, talk: Talk) -> None:
        talk.bot.engine.gate = asyncio.Event()
        talk.bot.model_says("One.", "Two and three.")
        for text in ("first", "second", "third"):
            await talk.world.says(text, user=self.person)
        await talk.until(lambda: talk.bot.engine.prompts)
        await talk.kept("second", "third")
        talk.bot.engine.gate.set()
        await talk.until(lambda: talk.texts(self.person) == ["One.", "Two and three."])

        assert asked(talk.bot)["input"]["payload"]["text"].split() == ["second", "third"]

    async def test_a_long_answer_arrives_whole_in_pieces_that_fit(self, talk: Talk) -> None:
        words = " ".join(f"word{n}" for n in range(talk.world.max_length // 3 + 50))
        talk.bot.model_says(f"{words}\n\n```python\nprint('end')\n```")
        await talk.world.says("talk", user=self.person)
        await talk.until(lambda: "end" in "".join(talk.texts(self.person)), "the end of a long answer")

        texts = talk.texts(self.person)
        assert len(texts) > 1 or not talk.world.max_length
        assert " ".join(texts).split()[: len(words.split())] == words.split()
        assert not talk.world.max_length or max(map(len, texts)) <= talk.world.max_length

    async def test_formatting_becomes_the_platforms_own_and_no_link_hides_where_it_goes(self, talk: Talk) -> None:
        talk.bot.model_says("**Bold**, `code` and [your bank](https://evil.example/x).")
        (text,) = await talk.hears("write", user=self.person)

        assert "Bold" in text
        assert "code" in text
        assert "https://evil.example/x" in text

    @needs("groups")
    async def test_nobody_is_called_by_what_it_says(self, talk: Talk) -> None:
        talk.bot.model_says("@everyone @here @room look, @all!")
        (text,) = await talk.hears("call them", chat=GROUP, mention=True)

        assert "look" in text
        assert list(talk.world.pings) == []

    @needs("edit")
    async def test_a_reply_that_grows_is_one_message(self, talk: Talk) -> None:
        talk.bot.engine.pieces = 8
        talk.bot.model_says("This reply comes slowly, a few letters at a time, until it is whole.")
        await talk.world.says("write", user=self.person)
        await talk.until(lambda: "whole." in "".join(talk.texts(self.person)))
        await talk.rest()

        assert talk.texts(self.person) == ["This reply comes slowly, a few letters at a time, until it is whole."]

    @needs("typing")
    async def test_it_shows_that_it_thinks(self, talk: Talk) -> None:
        talk.bot.engine.gate = asyncio.Event()
        talk.bot.model_says("Done.")
        await talk.world.says("think", user=self.person)
        await talk.until(lambda: talk.world.typed(self.person))
        talk.bot.engine.gate.set()
        await talk.until(lambda: talk.texts(self.person) == ["Done."])

    @needs("files")
    async def test_a_picture_arrives_with_its_message(self, talk: Talk) -> None:
        talk.bot.model_says("A cat!")
        await talk.hears("look", user=self.person, files=[("image", "cat.png", "image/png", PNG)])

        assert "image" in asked(talk.bot)["input"]["payload"]["attachments"][0]
        content = talk.bot.engine.messages[-1][1]["content"]
        assert content[1]["image_url"]["url"].startswith("data:image/")
        assert "base64,iVBORw0KGgo" in content[1]["image_url"]["url"]

    @needs("files")
    async def test_a_picture_goes_out_behind_its_words(self, talk: Talk) -> None:
        talk.bot.model_says(does("give_picture"))
        await talk.world.says("show me", user=self.person)
        await talk.until(lambda: any(shown.files for shown in talk.world.shown(self.person)))

        shown = talk.world.shown(self.person)
        assert "A cat." in [one.text.strip() for one in shown]
        assert [file for one in shown for file in one.files] == [("image", "cat.png", PNG)]

    @needs("audio")
    async def test_sound_goes_out_as_sound(self, talk: Talk) -> None:
        talk.bot.model_says(does("give_sound"))
        await talk.world.says("sing", user=self.person)
        await talk.until(lambda: any(shown.files for shown in talk.world.shown(self.person)))

        ((kind, _, data),) = talk.world.shown(self.person)[-1].files
        assert (kind, data) == ("audio", OGG)

    @needs("threads", "groups")
    async def test_a_thread_is_a_conversation_of_its_own(self, talk: Talk) -> None:
        talk.bot.model_says("In the thread.", "Outside.")
        assert await talk.hears("hi", chat=GROUP, thread="t1", mention=True) == ["In the thread."]
        assert await talk.hears("hi", chat=GROUP, mention=True) == ["Outside."]

        assert talk.texts(GROUP, "t1") == ["In the thread."]
        assert "In the thread." not in json.dumps(asked(talk.bot)["context"].get("history", []))

    @needs("groups")
    async def test_in_a_group_it_answers_a_mention_its_name_and_a_reply_and_else_is_silent(self, talk: Talk) -> None:
        talk.bot.model_says("Mentioned.", "Named.", "Replied.")
        await talk.world.says("what weather", chat=GROUP)
        assert await talk.hears("hello", chat=GROUP, mention=True) == ["Mentioned."]
        assert await talk.hears("rekku, hello", chat=GROUP, user="bob") == ["Named."]
        last = talk.world.shown(GROUP)[-1]
        assert await talk.hears("and why?", chat=GROUP, user="bob", reply_to=last.id) == ["Replied."]

        said = asked(talk.bot)["input"]["payload"]
        assert [(quote["from"], quote["text"]) for quote in said["reply_to"]] == [("you", "Named.")]
        assert said["source"]["direct"] is False
        assert "what weather" in json.dumps(asked(talk.bot)["context"]["history"])

    @needs("groups")
    async def test_a_burst_of_several_people_is_several_messages(self, talk: Talk) -> None:
        talk.bot.engine.gate = asyncio.Event()
        talk.bot.model_says("To the first.", "To Ann.", "To Bob.")
        await talk.world.says("wait", chat=GROUP, mention=True, user="bob")
        await talk.until(lambda: talk.bot.engine.prompts)
        await talk.world.says("mine", chat=GROUP, mention=True, user="ann")
        await talk.world.says("yours", chat=GROUP, mention=True, user="bob")
        await talk.kept("mine", "yours")
        talk.bot.engine.gate.set()
        await talk.until(lambda: len(talk.texts(GROUP)) == 3)

        sources = [asked(talk.bot, number)["input"]["payload"] for number in (1, 2)]
        assert "mine" in sources[0]["text"]
        assert "yours" in sources[1]["text"]
        assert sources[0]["source"]["user"]["id"] != sources[1]["source"]["user"]["id"]

    @needs("groups")
    async def test_another_program_is_not_answered(self, talk: Talk) -> None:
        await talk.world.says("rekku, hello", chat=GROUP, mention=True, user="robo", bot=True)
        talk.bot.model_says("Hello, Ann.")

        assert await talk.hears("hello", chat=GROUP, mention=True) == ["Hello, Ann."]
        assert len(talk.bot.engine.prompts) == 1

    @needs("people")
    async def test_only_the_owner_has_the_owners_commands_and_actions(self, talk: Talk) -> None:
        talk.bot.model_says("Hello.", "Hello, boss.")
        assert "is for the role trainer" in (await talk.hears("/block_list"))[0]
        await talk.hears("hi")
        assert "open_safe" not in talk.bot.engine.prompts[-1]
        assert await talk.hears("/block_list", user=talk.world.owner) == ["Nobody is blocked."]
        await talk.hears("hi", user=talk.world.owner)
        assert "open_safe" in talk.bot.engine.prompts[-1]

    @needs("edits_of_people")
    async def test_what_is_edited_while_it_waits_is_answered_as_it_is_now(self, talk: Talk) -> None:
        talk.bot.engine.gate = asyncio.Event()
        talk.bot.model_says("First.", "Second.")
        await talk.world.says("one", user=self.person)
        await talk.until(lambda: talk.bot.engine.prompts)
        wrong = await talk.world.says("tow", user=self.person)
        await talk.kept("tow")
        await talk.world.edits(wrong, "two")
        await talk.kept("two")
        talk.bot.engine.gate.set()
        await talk.until(lambda: len(talk.texts(self.person)) == 2)

        assert asked(talk.bot)["input"]["payload"]["text"] == "two"

    @needs("reactions")
    async def test_a_reaction_becomes_part_of_the_conversation(self, talk: Talk) -> None:
        talk.bot.model_says("A joke.", "Thanks.")
        await talk.hears("tell one", user=self.person)
        await talk.settled()  # nobody reacts before it is noted that the message was sent
        await talk.world.reacts(talk.world.shown(self.person)[-1], "👍", user=self.person)
        await talk.kept("👍", table=HISTORY)
        await talk.hears("so", user=self.person)

        assert "reacted with 👍" in json.dumps(asked(talk.bot)["context"]["history"], ensure_ascii=False)

    @needs("buttons")
    async def test_a_button_says_its_command(self, talk: Talk) -> None:
        talk.bot.model_says("hi")
        await talk.hears("hi", user=talk.world.owner)
        where = next(chat.where for chat in await talk.bot.running.road.people.chats() if chat.direct)
        choices = [Choice("Who", "/block_list"), Choice("No", "/help")]
        await talk.bot.running.road.voice.answer(where, "Well?", choices=choices)
        await talk.until(lambda: talk.texts(talk.world.owner)[-1] == "Well?")
        question = talk.world.shown(talk.world.owner)[-1]
        assert question.choices == ("Who", "No")
        await talk.world.presses(question, "Who", user=talk.world.owner)
        await talk.until(lambda: talk.texts(talk.world.owner)[-1] == "Nobody is blocked.")

    @needs("commands")
    async def test_the_platform_offers_the_slash_commands(self, talk: Talk) -> None:
        await talk.until(lambda: {"help", "status"} <= set(talk.world.commands()))
