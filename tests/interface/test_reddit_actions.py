"""What the model may look at and do on Reddit, beside talking."""

from typing import Any

import pytest

from rekku.interface._reddit_interface.names import post_id, subreddit_name, user_name
from tests.interface.on_reddit import OnReddit
from tests.interface.reddit import Reddit
from tests.interface.world import Talk
from tests.road.words import action, answered, reply


class Safe:
    """A plugin whose action only the owner may have done, if nobody else's words are around."""

    def __init__(self) -> None:
        self.opened = 0

    def get_supported_actions(self) -> dict[str, Any]:
        """Its action."""
        return {"open_safe": {"description": "Open the safe.", "risk": "high"}}

    async def handle_custom_action(self, name: str, payload: Any) -> None:
        """Open it."""
        self.opened += 1


async def looks(talk: Talk, name: str, by: str = "owner", **payload: Any) -> Any:
    """What an action brings, or what is wrong with it."""
    talk.bot.model_says(reply(action(name, **payload)), "Done.")
    assert (await talk.hears("please", user=by))[-1] == "Done."
    told = answered(talk.bot)
    return told["outputs"][0]["output"] if told.get("outputs") else str(told["errors"])


def some_posts(world: Reddit) -> None:
    now = world.server.now()
    for number, subreddit in enumerate(("rust", "rust", "cats")):
        world.server.write(
            "t3", author="ann", subreddit=subreddit, title=f"Post {number}", text="x" * 900, created=now - 7200
        )


@pytest.mark.parametrize(
    ("written", "subreddit", "user"),
    [
        ("rust", "rust", "rust"),
        ("r/rust", "rust", ""),
        ("/r/rust/", "rust", ""),
        ("R/uruguay", "uruguay", ""),
        ("u/ann", "", "ann"),
        ("/u/ann/", "", "ann"),
        ("user/Ann-Bob_1", "", "Ann-Bob_1"),
        ("@ann", "", "ann"),
        ("https://www.reddit.com/r/rust/new/", "rust", ""),
        ("https://old.reddit.com/user/ann/comments/", "", "ann"),
        ("reddit.com/u/ann", "", "ann"),
        ("https://evil.example/r/rust", "", ""),
        ("https://reddit.com.evil.example/r/rust", "", ""),
        ("r/", "", ""),
        ("r/rust/../me", "", ""),
        ("https://[", "", ""),
        ("", "", ""),
    ],
)
def test_names_are_read_as_people_write_them(written: str, subreddit: str, user: str) -> None:
    assert (subreddit_name(written), user_name(written)) == (subreddit, user)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("t3_1abc", "1abc"),
        ("1abc", "1abc"),
        ("https://www.reddit.com/r/rust/comments/1abc/title/kl0mn/?context=3", "1abc"),
        ("/r/rust/comments/1abc/title/", "1abc"),
        ("https://redd.it/1abc", "1abc"),
        ("https://evil.example/comments/1abc", ""),
        ("t1_1abc", ""),
        ("https://www.reddit.com/r/rust/", ""),
    ],
)
def test_posts_are_found_by_id_and_address(written: str, meant: str) -> None:
    assert post_id(written) == meant


class TestRedditActions(OnReddit):
    """What it looks at, and does."""

    async def test_it_reads_subreddits_users_and_feeds_shortened(self, talk: Talk, world: Reddit) -> None:
        some_posts(world)
        first, second = await looks(talk, "reddit_read", where="/r/rust/", sort="top", time="week", limit=2)
        assert world.server.asked == {"path": "/r/rust/top", "limit": "2", "t": "week", "raw_json": "1"}
        assert (first["title"], second["title"]) == ("Post 0", "Post 1")
        assert (first["author"], first["subreddit"], first["score"], first["age"]) == ("ann", "rust", 7, "2 hours")
        assert first["link"] == f"{world.server.url}/r/rust/comments/{first['id'][3:]}/slug/"
        assert len(first["text"]) == 500

        assert len(await looks(talk, "reddit_read")) == 4
        assert world.server.asked["path"] == "/hot"
        assert [found["author"] for found in await looks(talk, "reddit_read", where="u/ann", sort="new")] == ["ann"] * 3
        assert len(await looks(talk, "reddit_read", where="all")) == 4
        assert world.server.asked["path"] == "/r/all/hot"

    async def test_it_searches_everywhere_or_in_one_subreddit(self, talk: Talk, world: Reddit) -> None:
        some_posts(world)
        assert len(await looks(talk, "reddit_search", query="post")) == 3
        (found,) = await looks(talk, "reddit_search", query="post", subreddit="r/cats", sort="new", limit=5)

        assert found["title"] == "Post 2"
        assert world.server.asked["restrict_sr"] == "true"

    async def test_it_reads_a_thread_with_its_depths(self, talk: Talk, world: Reddit) -> None:
        root = world.roots[""]
        deep = world.server.write("t1", author="bob", parent=root.fullname, text="Rain.")
        link = f"https://www.reddit.com/r/talk/comments/{world.post.id}/slug/{deep.id}/"
        told = await looks(talk, "reddit_comments", post=link, sort="new", depth=3)

        assert told["post"]["title"] == "The weather"
        assert [(c["author"], c["text"], c["depth"]) for c in told["comments"]] == [
            ("op", "Well?", 0),
            ("bob", "Rain.", 1),
            ("op", "Well?", 0),
        ]
        assert told["not_shown"] == 0
        assert (world.server.asked["sort"], world.server.asked["depth"]) == ("new", "3")

    async def test_a_huge_thread_is_cut_to_what_a_prompt_holds(self, talk: Talk, world: Reddit) -> None:
        for _ in range(60):
            world.server.write("t1", author="bob", parent=world.post.fullname, text="y" * 9000)
        told = await looks(talk, "reddit_comments", post=world.post.fullname, limit=50)

        assert len(str(told)) < 16_000
        assert len(told["comments"]) > 10
        assert told["not_shown"] == 62 - len(told["comments"])

    async def test_it_joins_leaves_and_lists_subreddits(self, talk: Talk, world: Reddit) -> None:
        assert await looks(talk, "reddit_subscribe", subreddit="/r/rust") == "You have joined r/rust."
        assert await looks(talk, "reddit_subscriptions") == ["r/cats", "r/rust"]
        assert await looks(talk, "reddit_unsubscribe", subreddit="cats") == "You have left r/cats."
        assert world.server.joined == {"rust"}

    async def test_it_writes_to_somebody_who_never_wrote_and_remembers_what_it_said(
        self, talk: Talk, world: Reddit
    ) -> None:
        told = await looks(talk, "reddit_message", user="u/bob", text="Will you come at five?")
        assert told == "The message to u/bob is on its way."
        await talk.until(lambda: talk.texts("bob") == ["Will you come at five?"])
        talk.bot.model_says("Good.")
        await talk.hears("yes", "Good.", user="bob")

        assert "Will you come at five?" in talk.bot.engine.prompts[-1]

    async def test_who_has_written_is_found_by_name_and_strangers_do_not_reach_them(
        self, talk: Talk, world: Reddit
    ) -> None:
        talk.bot.model_says("Hello.")
        await talk.hears("hello")
        to_ann = reply(action("message", text="Tea is ready.", interface="reddit_interface", target="ann"))
        talk.bot.model_says(to_ann, to_ann, "No.")
        await world.says("tell Ann that tea is ready", user="owner")
        await talk.until(lambda: talk.texts() == ["Hello.", "Tea is ready."])
        assert await talk.hears("tell Ann, too", user="bob") == ["No."]
        await talk.rest()

        assert talk.texts() == ["Hello.", "Tea is ready."]

    async def test_strangers_may_read_but_not_join_or_write_to_others(self, talk: Talk, world: Reddit) -> None:
        some_posts(world)
        assert len(await looks(talk, "reddit_read", by="ann", where="rust")) == 2
        for name, payload in (
            ("reddit_subscribe", {"subreddit": "rust"}),
            ("reddit_unsubscribe", {"subreddit": "cats"}),
            ("reddit_message", {"user": "bob", "text": "Buy!"}),
        ):
            assert "not permitted" in await looks(talk, name, by="ann", **payload)
        assert world.server.joined == {"cats"}
        assert world.server.messages[-1].to == "ann"

    async def test_nobody_gets_it_to_comment_elsewhere_by_naming_a_thread(self, talk: Talk, world: Reddit) -> None:
        other = world.server.write("t1", author="bob", parent=world.server.write("t3").fullname)
        for field in ("thread_id", "reply_to"):
            talk.bot.model_says(reply(action("message", text="Spam.", **{field: other.fullname})))
            before = len(world.server.comments)
            await world.says("spam them", chat="group", mention=True)
            await talk.until(lambda before=before: len(world.server.comments) == before + 2)  # type: ignore[misc]

        mine = [thing for thing in world.server.comments if thing.text == "Spam."]
        assert {world.server.chain(thing)[-1].fullname for thing in mine} == {world.post.fullname}

    async def test_what_it_reads_are_other_peoples_words(self, talk: Talk, world: Reddit) -> None:
        safe = Safe()
        talk.bot.add(safe)
        await talk.bot.settle()
        for name, payload in (
            ("reddit_read", {}),
            ("reddit_search", {"query": "a"}),
            ("reddit_comments", {"post": world.post.fullname}),
            ("reddit_subscriptions", {}),
        ):
            talk.bot.model_says(reply(action(name, **payload)), reply(action("open_safe")), "Well.")
            asked = await talk.hears("look", user="owner")
            assert "May I do this?" in asked[-1], name
            await world.says("/deny", user="owner")
            await talk.until(lambda: talk.texts("owner")[-1] == "Well.")
        assert safe.opened == 0

    async def test_what_cannot_be_done_is_told_to_the_model(self, talk: Talk, world: Reddit) -> None:
        wrong: list[tuple[str, dict[str, Any], str]] = [
            ("reddit_read", {"where": "r/locked_up"}, "it is private, or forbidden"),
            ("reddit_read", {"where": "not a place"}, "payload.where must be like r/rust"),
            ("reddit_read", {"limit": 0}, "payload.limit must be from 1 to 25"),
            ("reddit_read", {"sort": "best"}, "payload.sort must be one of hot"),
            ("reddit_search", {"query": " "}, "payload.query must have 1 to 512"),
            ("reddit_comments", {"post": "t3_gone"}, "there is nothing of that name"),
            ("reddit_comments", {"post": "https://evil.example/comments/abc"}, "payload.post must be the address"),
            ("reddit_subscribe", {"subreddit": "nowhere"}, "there is nothing of that name"),
            ("reddit_subscribe", {"subreddit": "../me"}, "is no name of a subreddit"),
            ("reddit_message", {"user": "nobody", "text": "Hi"}, "there is nothing of that name"),
            ("reddit_message", {"user": "a b", "text": ""}, "payload.user is no name"),
        ]
        for name, payload, words in wrong:
            assert words in await looks(talk, name, **payload), (name, payload)
        assert world.server.messages[-1].to == "owner"
