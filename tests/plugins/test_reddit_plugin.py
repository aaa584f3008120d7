"""Writing on Reddit: what is asked for waits, goes out once, and its outcome is told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from rekku.core.message import Attachment
from rekku.store.database import MariaServer
from rekku.testing import Bot
from tests.road.conftest import reached_by
from tests.road.words import action, answered, asked, reply, say, texts, until
from tests.servers import reddit_server
from tests.servers.reddit_server import RedditServer

pytestmark = [  # asyncpraw 8 still uses what aiohttp 4 will not have
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:parameter 'timeout' of type 'float':DeprecationWarning"),
]

PICTURE = Attachment("image", "cat.png", "image/png", b"\x89PNG and a cat")


@pytest.fixture
async def reddit() -> AsyncIterator[RedditServer]:
    async with RedditServer() as running:
        yield running


@pytest.fixture
def bot_environ(
    request: pytest.FixtureRequest, reddit: RedditServer, server_for_home: MariaServer | None
) -> dict[str, str]:
    environ = {
        "REDDIT_CLIENT_ID": reddit_server.CLIENT_ID,
        "REDDIT_CLIENT_SECRET": reddit_server.CLIENT_SECRET,
        "REDDIT_USERNAME": reddit_server.USERNAME,
        "REDDIT_PASSWORD": reddit_server.PASSWORD,
        "REDDIT_USER_AGENT": reddit_server.USER_AGENT,
        "REDDIT_URL": reddit.url,
        "REKKU_PLUGINS": "message_plugin,reddit_plugin",
        **({} if server_for_home is None else reached_by(server_for_home)),
    }
    for mark in request.node.iter_markers("settings"):
        environ |= mark.kwargs
    return environ


def post(**payload: Any) -> str:
    return reply(action("reddit_post", **{"subreddit": "rust", "title": "Borrowing, explained", **payload}))


async def wished(bot: Bot, wish: str, **told: Any) -> list[str]:
    """What the person hears when the model wishes for something and then says “Soon.”"""
    bot.model_says(wish, say("Soon."))
    return await bot.hears("please", **told)


async def refused(bot: Bot, wish: str, **told: Any) -> str:
    """What goes back to the model for a wish that is not put into the queue."""
    bot.model_says(wish, say("Alas."))
    assert (await bot.hears("please", **told))[-1] == "Alas."
    return str(answered(bot)["errors"])


async def goes_out(bot: Bot, seconds: float = 30) -> None:
    """Let the time pass, until something new stands in the chat."""
    before = len(bot.interface.sent)
    await bot.clock.advance(seconds)
    await until(bot, lambda: len(bot.interface.sent) > before)


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


async def test_a_stranger_may_not_post(bot: Bot, reddit: RedditServer) -> None:
    assert "not permitted" in await refused(bot, post(), user="stranger")
    assert "reddit_post" not in bot.engine.prompts[0]
    assert reddit.requests == []


async def test_it_survives_a_restart_while_it_waits(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post())
    await bot.restart()
    await goes_out(bot, 31)

    assert len(reddit.posts) == 1


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


async def test_a_reddit_that_is_away_is_waited_for(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post())
    await reddit.__aexit__()
    bot.model_says(say("Reddit is away."))
    await goes_out(bot)
    assert texts(bot)[-1] == "Reddit is away."

    async with reddit:
        await goes_out(bot, 15)
        assert len(reddit.posts) == 1


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
async def test_a_wrong_password_is_told_to_the_owner_and_never_shown(bot: Bot) -> None:
    assert "does not accept REDDIT_USERNAME with REDDIT_PASSWORD" in await refused(bot, post())
    assert any("[notice] Nothing can be written on Reddit" in text for text in texts(bot))
    assert not any("a-wrong-password" in text for text in (*texts(bot), *bot.engine.prompts))


@pytest.mark.settings(REDDIT_CLIENT_SECRET="a-wrong-secret")
async def test_a_wrong_app_is_told_too(bot: Bot) -> None:
    assert "does not accept REDDIT_CLIENT_ID with REDDIT_CLIENT_SECRET" in await refused(bot, post())


async def test_an_expired_token_is_renewed(bot: Bot, reddit: RedditServer) -> None:
    await wished(bot, post())
    reddit.tokens.clear()
    await goes_out(bot)
    assert len(reddit.posts) == 1


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
