"""Reddit: the suite of all interfaces, through the real client library."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

from tests.interface.conformance import GROUP, Conformance, asked
from tests.interface.reddit import Reddit
from tests.interface.world import Talk, World


class TestReddit(Conformance):
    """Reddit passes the suite."""

    can: ClassVar[Collection[str]] = Reddit.can

    def make_world(self, folder: Path) -> World:
        return Reddit()

    async def test_in_a_group_it_answers_a_mention_its_name_and_a_reply_and_else_is_silent(self, talk: Talk) -> None:
        """Reddit tells only of mentions and replies: what else is said in a thread never arrives, names neither."""
        talk.bot.model_says("Mentioned.", "Replied.")
        await talk.world.says("what weather", chat=GROUP)
        await talk.world.says("rekku, hello", chat=GROUP, user="bob")
        assert await talk.hears("hello", chat=GROUP, mention=True) == ["Mentioned."]
        last = talk.world.shown(GROUP)[-1]
        assert await talk.hears("and why?", chat=GROUP, user="bob", reply_to=last.id) == ["Replied."]
        await talk.rest()

        assert len(talk.bot.engine.prompts) == 2
        said = asked(talk.bot)["input"]["payload"]
        assert said["source"]["direct"] is False
        assert said["reply_to"][0]["text"] == "Mentioned."
        assert "Mentioned." in json.dumps(asked(talk.bot)["context"]["history"])
