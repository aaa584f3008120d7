"""Writing on Reddit: what is asked for waits, goes out once, and its outcome is told."""

from dataclasses import replace
from typing import Any

import pytest

from rekku.testing import Bot, MemoryInterface
from tests.plugins.reddit_plugin.wishes import PICTURE, goes_out, post, refused, wished
from tests.road.words import action, answered, reply, say, texts, until
from tests.servers.reddit_server import RedditServer


async def test_a_person_asks_for_a_post_and_hears_where_it_stands(bot: Bot, reddit: RedditServer) -> None:
    bot.model_says(post(text="You may *not* have two.", nsfw=True, spoiler=True), say("It goes out in half a minute."))
    assert await bot.hears("post about borrowing on r/rust") == ["It goes out in half a minute."]
    assert "/undo 1 takes it back" in answered(bot)["outputs"][0]["output"]
    await bot.clock.advance(29)
    assert reddit.posts == []

    await goes_out(bot, 1)
    [there] = reddit.posts
    assert (there.subreddit, there.title, there.text) == ("rust", "Borrowing, explained", "You may *not* have two.")
    assert (there.form["kind"], there.form["nsfw"], there.form["spoiler"]) == ("self", "true", "true")
    assert texts(bot)[-1] == f"It is on Reddit: {reddit.url}/comments/{there.id} ({there.fullname})"


async def test_a_link_is_posted_with_a_flair(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post(subreddit="/r/Rust/", url="https://example.org/a?b=c", flair="show AND tell"))
    await goes_out(bot)

    [there] = reddit.posts
    assert (there.form["kind"], there.url, there.form["flair_id"]) == ("link", "https://example.org/a?b=c", "f-2")


async def test_the_picture_of_a_message_is_posted(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post(image="cat.png"), attachments=(PICTURE,))
    await goes_out(bot)

    [there] = reddit.posts
    assert there.form["kind"] == "image"
    assert list(reddit.uploads.values()) == [PICTURE.data]
    assert there.fullname in texts(bot)[-1]


async def test_a_picture_that_came_a_message_before_is_posted_by_its_name(bot: Bot, reddit: RedditServer) -> None:
    bot.model_says("A cat!")
    await bot.hears("look", attachments=(PICTURE,))
    assert "payload.image must be one of cat.png, dog.png" in await refused(
        bot, post(image="the cat"), attachments=(PICTURE, replace(PICTURE, name="dog.png"))
    )
    await wished(bot, post(image="cat.png"))
    await goes_out(bot)

    assert list(reddit.uploads.values()) == [PICTURE.data]


@pytest.mark.sqlite_only
async def test_nobody_posts_somebody_elses_picture_nor_an_old_one(bot: Bot, reddit: RedditServer) -> None:
    bot.model_says("A cat!", "A cat here!")
    await bot.hears("look", user="stranger", chat="group", direct=False, attachments=(PICTURE,))
    await bot.hears("look", chat="elsewhere", attachments=(PICTURE,))
    assert "there is no picture" in await refused(bot, post(image="cat.png"), chat="group", direct=False)
    bot.model_says("And here!")
    await bot.hears("look", attachments=(PICTURE,))
    await bot.clock.advance(3601)
    assert "there is no picture" in await refused(bot, post(image="cat.png"))
    assert reddit.uploads == {}


async def test_it_comments_replies_edits_and_deletes(bot: Bot, reddit: RedditServer) -> None:
    thread = reddit.write("t3", title="Ask me anything")
    await wished(
        bot, reply(action("reddit_comment", target=f"https://www.reddit.com/comments/{thread.id}/", text="Why?"))
    )
    await goes_out(bot)
    [comment] = reddit.comments
    assert (comment.parent, comment.text) == (thread.fullname, "Why?")

    await wished(bot, reply(action("reddit_comment", target=comment.fullname, text="And how?")))
    await goes_out(bot)
    assert reddit.comments[1].parent == comment.fullname

    await wished(bot, reply(action("reddit_edit", target=comment.fullname, text="Why not?")))
    await goes_out(bot)
    assert comment.text == "Why not?"

    await wished(bot, reply(action("reddit_delete", target=comment.fullname)))
    await goes_out(bot)
    assert comment.removed
    bot.model_says(reply(action("reddit_list")), say("Those."))
    await bot.hears("what did you write?")
    lines = answered(bot)["outputs"][0]["output"].splitlines()
    assert [line.split(" · ")[2] for line in lines] == ["done"] * 4


async def test_undo_takes_it_back_in_time_and_says_so_when_it_is_too_late(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post())
    assert await bot.hears("/undo") == ["Taken back: the post “Borrowing, explained” in r/rust (number 1)."]
    assert await bot.hears("/undo") == ["Nothing of yours waits to go out to Reddit."]
    await bot.clock.advance(120)
    assert reddit.posts == []

    await wished(bot, post())
    await goes_out(bot)
    assert "is on Reddit already" in (await bot.hears("/undo 2"))[0]
    assert len(reddit.posts) == 1


async def test_nobody_takes_back_what_somebody_else_wished_for(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post())
    assert await bot.hears("/undo 1", user="mallory") == ["There is no number 1 of yours."]
    assert await bot.hears("/undo", user="mallory") == ["Nothing of yours waits to go out to Reddit."]
    await goes_out(bot)
    assert len(reddit.posts) == 1


@pytest.mark.settings(RESTRICT_ACTIONS="off", KNOWN_IDS="memory:bob,other:bobby")
async def test_a_person_with_two_accounts_takes_back_on_one_what_was_wished_for_on_the_other(
    bot: Bot, reddit: RedditServer
) -> None:
    bot.add_interface(MemoryInterface("other", frozenset()))
    await bot.settle()
    await wished(bot, post(), user="bobby", interface="other")
    (words,) = await bot.hears("/link", user="bob")
    code = words.split("/link ", 1)[1].split()[0]
    await bot.hears(f"/link {code} yes", user="bobby", interface="other")

    assert (await bot.hears("/undo", user="bob"))[0].startswith("Taken back: the post")
    await bot.clock.advance(60)
    assert reddit.posts == []


@pytest.mark.settings(RESTRICT_ACTIONS="off", KNOWN_IDS="memory:bob")
async def test_what_others_wish_for_is_not_shown_before_it_is_public(bot: Bot, reddit: RedditServer) -> None:
    async def listed(user: str, **more: Any) -> str:
        bot.model_says(reply(action("reddit_list")), say("So."))
        await bot.hears("what is there?", user=user, **more)
        return str(answered(bot)["outputs"][0]["output"])

    await wished(bot, post())
    assert await listed("bob") == "Nothing yet."
    assert "waiting" in await listed("owner")
    await goes_out(bot)
    assert "done" in await listed("bob")


async def test_a_group_does_not_learn_what_was_wished_for_elsewhere(bot: Bot, reddit: RedditServer) -> None:
    group: dict[str, Any] = {"chat": "hall", "direct": False}
    await wished(bot, post())
    bot.model_says(reply(action("reddit_list")), say("So."))
    await bot.hears("what is there?", **group)
    assert answered(bot)["outputs"][0]["output"] == "Nothing yet."
    assert await bot.hears("/undo", **group) == ["Taken back: number 1."]

    await wished(bot, post(), **group)
    bot.model_says(reply(action("reddit_list")), say("So."))
    await bot.hears("what is there?", **group)
    assert "waiting" in answered(bot)["outputs"][0]["output"]
    assert (await bot.hears("/undo", **group))[0].startswith("Taken back: the post")


@pytest.mark.sqlite_only
async def test_help_says_how_to_write_it(bot: Bot, reddit: RedditServer) -> None:
    (words,) = await bot.hears("/help")
    assert "/undo [NUMBER]" in words
    assert "/undo /undo" not in words


@pytest.mark.sqlite_only
async def test_a_stranger_may_not_post(bot: Bot, reddit: RedditServer) -> None:
    assert "not permitted" in await refused(bot, post(), user="stranger")
    assert "reddit_post" not in bot.engine.prompts[0]
    assert reddit.requests == []


async def test_it_survives_a_restart_while_it_waits(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post())
    await bot.restart()
    await goes_out(bot, 31)

    assert len(reddit.posts) == 1


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"title": "a" * 301}, "payload.title has 301 characters; Reddit takes at most 300"),
        ({"title": "  "}, "payload.title is empty"),
        ({"subreddit": "not a name"}, "is no name of a subreddit"),
        ({"url": "example.org"}, "payload.url must be a whole address"),
        ({"url": "https://a.example", "image": "cat.png"}, "exclude each other"),
        ({"text": "a" * 40_001}, "payload.text has 40001 characters"),
    ],
)
async def test_what_cannot_be_right_is_refused_without_asking_reddit(
    bot: Bot, reddit: RedditServer, payload: dict[str, Any], words: str
) -> None:
    assert words in await refused(bot, post(**payload))
    assert reddit.requests == []


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"subreddit": "nowhere"}, "there is no subreddit r/nowhere"),
        ({"subreddit": "locked_up"}, "r/locked_up is private"),
        ({"subreddit": "links"}, "r/links takes links only, no text posts"),
        ({"flair": "poetry"}, "r/rust has no flair 'poetry'; it has: question, Show and tell"),
        ({"image": "cat.png"}, "there is no picture in the message"),
    ],
)
async def test_what_reddit_would_refuse_is_told_to_the_model_at_once(
    bot: Bot, reddit: RedditServer, payload: dict[str, Any], words: str
) -> None:
    assert words in await refused(bot, post(**payload))
    await bot.clock.advance(60)
    assert reddit.posts == []


@pytest.mark.sqlite_only
async def test_only_its_own_words_can_be_changed_and_only_open_threads_answered(bot: Bot, reddit: RedditServer) -> None:
    other = reddit.write("t1", parent="t3_x", author="alice")
    shut = reddit.write("t3", locked=True)
    for name in ("reddit_edit", "reddit_delete"):
        more = {"text": "Mine."} if name == "reddit_edit" else {}
        assert "written by alice, not by this account" in await refused(
            bot, reply(action(name, target=other.fullname, **more))
        )
    assert "is locked" in await refused(bot, reply(action("reddit_comment", target=shut.fullname, text="Hi")))
    assert "there is no comment t1_gone" in await refused(bot, reply(action("reddit_delete", target="t1_gone")))


async def test_who_is_forgotten_leaves_no_wish_behind(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post())
    assert "1 wishes for Reddit" in (await bot.hears("/forgetme"))[0]
    await bot.hears("/forgetme yes")
    await bot.clock.advance(60)

    assert reddit.posts == []


@pytest.mark.settings(REDDIT_APPROVAL="on")
@pytest.mark.parametrize("answer", ["/approve", "/deny"])
async def test_the_owner_is_asked_first_if_the_owner_wants_to_be(bot: Bot, reddit: RedditServer, answer: str) -> None:
    bot.model_says(post(), say("Well."))
    receipt = await bot.send("please")
    await until(bot, lambda: texts(bot))
    assert "May I do this?" in texts(bot)[0]
    assert '"Borrowing, explained"' in texts(bot)[0]

    await bot.hears(answer)
    await receipt.outcome()
    await bot.clock.advance(30)
    if answer == "/approve":
        await until(bot, lambda: reddit.posts)
    else:
        assert "the trainer said no" in str(answered(bot)["errors"])
        await bot.clock.advance(60)
        assert reddit.posts == []


@pytest.mark.settings(REDDIT_APPROVAL="on", RESTRICT_ACTIONS="off", KNOWN_IDS="memory:bob")
async def test_the_owner_is_asked_for_others_too_and_nobody_else_can_say_yes(bot: Bot, reddit: RedditServer) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello")
    bot.model_says(post(), say("Soon."))
    receipt = await bot.send("please", user="bob")
    await until(bot, lambda: len(texts(bot)) > 1)
    assert "this is for Bob in memory:bob" in texts(bot)[-1]
    code = texts(bot)[-1].partition("/approve ")[2].split()[0]
    assert "is for the role trainer" in (await bot.hears(f"/approve {code}", user="bob"))[0]

    await bot.hears(f"/approve {code}")
    await receipt.outcome()
    await bot.clock.advance(30)
    await until(bot, lambda: reddit.posts)
    await until(bot, lambda: texts(bot, "bob")[-1].startswith("It is on Reddit"))
