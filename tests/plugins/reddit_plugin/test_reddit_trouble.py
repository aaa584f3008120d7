"""When Reddit says no, is away, or breaks off: nothing is lost, nothing is doubled, somebody is told."""

import asyncio
from datetime import datetime

import pytest

from rekku.core.errors import StoreError
from rekku.plugins._reddit_plugin.queue import Queue
from rekku.testing import Bot
from tests.plugins.reddit_plugin.wishes import PICTURE, goes_out, post, refused, wished
from tests.road.words import action, answered, asked, reply, say, texts, until
from tests.servers.reddit_server import RedditServer


async def test_a_rate_limit_is_told_with_the_time_and_waited_for(bot: Bot, reddit: RedditServer) -> None:
    reddit.errors = [["RATELIMIT", "Take a break for 9 minutes before trying again.", "ratelimit"]]
    await wished(bot, post())
    bot.model_says(say("Nine minutes more."))
    await goes_out(bot)
    assert texts(bot)[-1] == "Nine minutes more."
    assert "it wants a pause of 9 minutes" in asked(bot)["input"]["payload"]["text"]

    await goes_out(bot, 9 * 60)
    assert len(reddit.posts) == 1


async def test_what_reddit_refuses_after_all_goes_back_to_the_model_which_puts_it_right(
    bot: Bot, reddit: RedditServer
) -> None:
    reddit.errors = [["SUBMIT_VALIDATION_FLAIR_REQUIRED", "Your post must contain post flair.", "flair"]]
    await wished(bot, post())
    bot.model_says(post(flair="question"), say("It wanted a flair; I try again."))
    await goes_out(bot)

    told = asked(bot, -2)["input"]["payload"]["text"]
    assert "that subreddit wants a flair: give payload.flair (Reddit says “Your post must contain post flair.”" in told
    await goes_out(bot)
    assert [there.form["flair_id"] for there in reddit.posts] == ["f-1"]


@pytest.mark.sqlite_only
async def test_the_person_hears_it_in_plain_words_when_the_model_says_nothing(bot: Bot, reddit: RedditServer) -> None:
    reddit.errors = [["DOMAIN_BANNED", "", "url"]]
    await wished(bot, post(url="https://spam.example"))
    bot.model_says(reply())
    await goes_out(bot)

    assert texts(bot)[-1].startswith("The post “Borrowing, explained” in r/rust did not go out: Reddit takes no links")


@pytest.mark.parametrize("how", ["cut after it was done", "cut before", "status 503"])
async def test_what_may_have_gone_out_is_looked_for_and_never_repeated(
    bot: Bot, reddit: RedditServer, how: str
) -> None:
    match how:
        case "cut after it was done":
            reddit.cut_after = 5
        case "cut before":
            reddit.cut_before = 5
        case _:
            reddit.statuses = [503] * 5
    await wished(bot, post())
    bot.model_says(say("Nobody knows."))
    await bot.clock.advance(30)
    await until(bot, lambda: "POST /api/submit/" in reddit.requests)
    await goes_out(bot)

    assert reddit.requests.count("POST /api/submit/") == 1
    if reddit.posts:
        assert texts(bot)[-1].endswith(f"({reddit.posts[0].fullname})")
    else:
        assert texts(bot)[-1] == "Nobody knows."
        assert "It is not known whether the post" in asked(bot)["input"]["payload"]["text"]


@pytest.mark.sqlite_only
@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("too large", "the picture is too large: Reddit takes 7 bytes"),
        ("failed", "could not make anything of the picture"),
    ],
)
async def test_a_picture_that_reddit_does_not_take_is_given_up(
    bot: Bot, reddit: RedditServer, picture: str, words: str
) -> None:
    reddit.picture = picture
    await wished(bot, post(image="cat.png"), attachments=(PICTURE,))
    bot.model_says(reply())
    await goes_out(bot)

    assert words in texts(bot)[-1]
    assert reddit.posts == []


async def test_a_picture_that_is_posted_as_reddit_goes_away_is_not_posted_twice(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post(image="cat.png"), attachments=(PICTURE,))
    reddit.leaves = True
    await bot.clock.advance(30)
    await until(bot, reddit.left.is_set)
    await reddit.__aexit__()
    reddit.leaves = False
    async with reddit:
        await goes_out(bot)
        await bot.clock.advance(60)

        assert len(reddit.posts) == 1
        assert texts(bot)[-1].endswith(f"({reddit.posts[0].fullname})")


async def test_a_reddit_that_is_away_is_waited_for(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post())
    await reddit.__aexit__()
    bot.model_says(say("Reddit is away."))
    await goes_out(bot)
    assert texts(bot)[-1] == "Reddit is away."

    async with reddit:
        await goes_out(bot, 15)
        assert len(reddit.posts) == 1


async def test_a_database_that_is_away_at_the_start_holds_up_no_wish_for_good(
    bot: Bot, reddit: RedditServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Queue) -> list[datetime]:
        raise StoreError("the database is away")

    await wished(bot, post())
    with monkeypatch.context() as patched:
        patched.setattr(Queue, "open", away)
        await bot.restart()
        await bot.clock.advance(1)
    await goes_out(bot, 60)
    assert len(reddit.posts) == 1


@pytest.mark.settings(RESTRICT_ACTIONS="off", KNOWN_IDS="memory:bob")
async def test_what_a_person_wished_for_does_not_go_out_once_they_are_blocked(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post(), user="bob")
    await bot.hears("/block bob")
    await bot.clock.advance(30)
    bot.model_says(reply(action("reddit_list")), say("So."))
    await bot.hears("what is there?")

    assert "failed" in str(answered(bot)["outputs"][0]["output"])
    assert reddit.posts == []


async def test_the_same_post_of_an_earlier_wish_is_not_taken_for_this_one(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post())
    await goes_out(bot)
    reddit.cut_before = 1
    await wished(bot, post())
    bot.model_says(say("Nobody knows."))
    await bot.clock.advance(30)
    await until(bot, lambda: reddit.requests.count("POST /api/submit/") == 2)
    await goes_out(bot)

    assert texts(bot)[-1] == "Nobody knows."
    assert len(reddit.posts) == 1


@pytest.mark.settings(REDDIT_PASSWORD="a-wrong-password")
@pytest.mark.sqlite_only
async def test_a_wrong_password_is_told_to_the_owner_and_never_shown(bot: Bot) -> None:
    assert "does not accept REDDIT_USERNAME with REDDIT_PASSWORD" in await refused(bot, post())
    assert any("[notice] Nothing can be written on Reddit" in text for text in texts(bot))
    assert not any("a-wrong-password" in text for text in (*texts(bot), *bot.engine.prompts))


@pytest.mark.settings(REDDIT_CLIENT_SECRET="a-wrong-secret")
@pytest.mark.sqlite_only
async def test_a_wrong_app_is_told_too(bot: Bot) -> None:
    assert "does not accept REDDIT_CLIENT_ID with REDDIT_CLIENT_SECRET" in await refused(bot, post())


@pytest.mark.sqlite_only
async def test_an_expired_token_is_renewed(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post())
    reddit.tokens.clear()
    await goes_out(bot)
    assert len(reddit.posts) == 1


async def test_a_restart_while_it_is_on_its_way_neither_loses_nor_doubles_it(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post())
    reddit.gate = asyncio.Event()
    await bot.clock.advance(30)
    await until(bot, lambda: reddit.posts)
    await bot.restart()
    reddit.gate.set()
    await goes_out(bot, 180)

    assert len(reddit.posts) == 1
    assert texts(bot)[-1].endswith(f"({reddit.posts[0].fullname})")


@pytest.mark.sqlite_only
async def test_the_model_does_not_try_for_ever(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post())
    for _ in range(2):
        reddit.errors = [["BAD_URL", "", ""]]
        bot.model_says(post(), say("Again."))
        await goes_out(bot)
    reddit.errors = [["BAD_URL", "", ""]]
    asked_before = len(bot.engine.prompts)
    await goes_out(bot)

    assert "did not go out" in texts(bot)[-1]
    assert len(bot.engine.prompts) == asked_before
    assert reddit.posts == []
