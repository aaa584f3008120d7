"""The conversation on the page: live, whole, once, whatever happens to the connection."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from rekku.interface.webui.web import OWNERS
from rekku.testing import Bot
from tests.interface.webui.visitor import Page, Visitor, address
from tests.road.gates import Ajar, Paced

Visit = Callable[[], Awaitable[Visitor]]


def begun(page: Page) -> bool:
    """Whether the beginning of a reply stands on a page."""
    return any(line["state"] == "draft" and line["text"] for line in page.lines.values())


async def test_a_line_is_shown_kept_and_answered(bot: Bot, owner: Visitor) -> None:
    bot.model_says("Hello to you.")
    page = await owner.open()
    number = await page.say("hello")
    await page.record("done", id=number, outcome="answered")

    assert page.texts("me") == ["hello"]
    assert page.texts() == ["Hello to you."]
    kinds = [record["type"] for record in page.records]
    assert kinds.index("kept") < kinds.index("done")
    line = next(line for line in page.lines.values() if line["from"] == "rekku")
    assert line["answers"] == number


async def test_the_owner_on_the_page_is_the_trainer(bot: Bot, owner: Visitor) -> None:
    page = await owner.open()
    await page.say("/block_list")
    await page.until(lambda: page.texts() == ["Nobody is blocked."])


async def test_a_reply_grows_in_one_line(bot: Bot, owner: Visitor) -> None:
    bot.engine.pieces, bot.engine.gate = 3, Paced(bot)
    words = "This reply comes slowly, a few letters at a time, until it is whole."
    bot.model_says(words)
    page = await owner.open()
    await page.say("write")
    await page.until(lambda: page.texts() == [words])

    assert len(page.drafts) > 1
    assert all(words.startswith(draft) for draft in page.drafts)
    assert len(page.lines) == 2


async def test_two_pages_see_the_same_and_a_page_in_the_middle_sees_the_draft(bot: Bot, owner: Visitor) -> None:
    bot.engine.pieces, bot.engine.gate = 4, Ajar(6)
    bot.model_says("A reply that is on its way while another page is opened.")
    one = await owner.open()
    await one.say("write")
    await one.until(lambda: begun(one))
    two = await owner.open()
    assert begun(two)
    bot.engine.gate.set()
    await two.until(lambda: two.texts() and one.texts() == two.texts())


async def test_who_comes_back_gets_what_was_missed_and_nothing_twice(bot: Bot, owner: Visitor) -> None:
    bot.model_says("One.", "Two.", "Three.")
    other, page = await owner.open(), await owner.open()
    await page.say("first")
    await page.until(lambda: page.texts() == ["One."])
    last = page.last
    await page.close()
    await other.say("second")
    await other.until(lambda: other.texts() == ["One.", "Two."])
    back = await owner.open(last=last)

    record = back.records[0]
    assert (record["anew"], [line["text"] for line in record["lines"]]) == (False, ["second", "Two."])
    await back.say("third")
    await back.until(lambda: back.texts() == ["Two.", "Three."])


async def test_the_same_line_again_is_shown_and_answered_once(bot: Bot, owner: Visitor) -> None:
    bot.model_says("Once.")
    page = await owner.open()
    number = await page.say("hello")
    await page.until(lambda: page.texts() == ["Once."])
    await page.say("hello", number)
    await page.until(lambda: sum(r["type"] == "kept" for r in page.records) == 2)

    assert page.texts("me") == ["hello"]
    assert page.texts() == ["Once."]
    assert len(bot.engine.prompts) == 1


async def test_a_reply_waits_for_the_page_that_was_closed(bot: Bot, owner: Visitor) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("At last.")
    page = await owner.open()
    await page.say("hello")
    await page.record("kept")
    await page.close()
    bot.engine.gate.set()
    while not (await bot.running.house.condition()).to_deliver:
        await bot.clock.advance(0.1)
    back = await owner.open(last=page.last)
    await back.until(lambda: back.texts() == ["At last."])


async def test_a_restart_in_the_middle_of_a_reply_loses_and_doubles_nothing(bot: Bot, owner: Visitor) -> None:
    bot.engine.pieces, bot.engine.gate = 3, Ajar(6)
    bot.model_says("This reply is broken off in the middle.", "This reply is whole now.")
    page = await owner.open()
    await page.say("write")
    await page.until(lambda: begun(page))
    await bot.stop()
    bot.engine.gate.set()
    await bot.start()
    back = Visitor(address(bot))
    await back.log_in()
    again = await back.open(last=page.last)
    await again.until(lambda: again.texts() == ["This reply is whole now."])
    whole = await back.open()

    assert whole.texts("me") == ["write"]
    assert whole.texts() == ["This reply is whole now."]
    await back.close()


async def test_older_lines_come_when_they_are_asked_for(bot: Bot, owner: Visitor) -> None:
    page = await owner.open()
    for number in range(30):
        await page.say(f"/unknown{number}")
        await page.until(lambda n=number: len(page.texts()) == n + 1)  # type: ignore[misc]
        await bot.clock.advance(1)
    fresh = await owner.open()
    assert len(fresh.lines) == 50
    first = min(line["n"] for line in fresh.lines.values())
    await fresh.send(type="older", before=first)
    record = await fresh.record("older")
    assert (len(record["lines"]), record["more"]) == (10, False)
    assert len(fresh.texts("me")) == len(fresh.texts()) == 30


async def test_what_waits_on_the_desk_is_answered_from_the_page(bot: Bot, owner: Visitor) -> None:
    page = await owner.open()
    waiting = asyncio.create_task(bot.running.desk.ask("somebody says: hello", "[]"))
    await page.until(lambda: any(r["type"] == "desk" and r["waiting"] for r in page.records))
    question = next(r for r in page.records if r["type"] == "desk" and r["waiting"])["waiting"][0]
    assert question["text"] == "somebody says: hello"
    await page.send(type="answer", question=question["number"], text="Good evening.")
    assert await waiting == "Good evening."
    await page.send(type="answer", question=question["number"], text="again")
    await page.record("notice")


async def test_the_log_is_live_and_without_secrets(bot: Bot, owner: Visitor) -> None:
    logging.getLogger("rekku.test").warning("What happened before.")
    page = await owner.open()
    await page.send(type="log", on=True)
    assert (await page.record("log", anew=True))["records"]
    bot.running.house.log.redaction.learn(["open-sesame"])
    logging.getLogger("rekku.test").warning("The key is open-sesame <script>.")
    await page.until(lambda: "The key is [secret] <script>." in str(page.records))
    assert "sesame" not in str(page.records)


class TestGuests:
    """Strangers, where they may come in."""

    @pytest.fixture
    def web_settings(self) -> dict[str, str]:
        """Guests may come in."""
        return {"WEBUI_GUESTS": "on"}

    async def test_a_guest_is_an_unknown_person_with_a_chat_of_its_own(
        self, bot: Bot, owner: Visitor, visit: Visit
    ) -> None:
        guest = await visit()
        status, told = await guest.post("/web/guest")
        assert (status, told["kind"]) == (200, "guest")
        bot.model_says("Hello, guest.", "Hello, boss.")
        mine, theirs = await owner.open(), await guest.open()
        await theirs.say("hello")
        await theirs.until(lambda: theirs.texts() == ["Hello, guest."])
        await theirs.say("/block_list")
        await theirs.until(lambda: "is for the role trainer" in theirs.texts()[-1])
        await mine.say("hello")
        await mine.until(lambda: mine.texts() == ["Hello, boss."])

        assert mine.texts("me") == ["hello"]
        assert len(theirs.texts()) == 2
        assert not any(record["type"] == "desk" for record in theirs.records)
        names = {command["name"] for command in told["commands"]}
        assert "help" in names
        assert "block_list" not in names

    async def test_a_guest_reaches_nothing_of_the_owners(self, bot: Bot, owner: Visitor, visit: Visit) -> None:
        _, kept = await owner.post("/web/files?name=secret.txt", b"my secret", content_type="text/plain")
        guest = await visit()
        await guest.post("/web/guest")
        for path, (method, _) in OWNERS.items():
            path = path.replace("{message_id}", "1")
            assert (await (guest.get(path) if method == "GET" else guest.post(path)))[0] == 403, path
        assert (await guest.get(f"/web/files/{kept['id']}"))[0] == 404
        page = await guest.open()
        for record in ({"type": "log", "on": True}, {"type": "answer", "question": 1, "text": "x"}):
            await page.send(**record)
        await page.until(lambda: sum(r["type"] == "notice" for r in page.records) == 2)

    async def test_a_guest_sends_only_so_many_files(self, visit: Visit) -> None:
        guest = await visit()
        await guest.post("/web/guest")
        statuses = [
            (await guest.post("/web/files?name=x", b"x" * 9_000_000, content_type="text/plain"))[0] for _ in range(4)
        ]
        assert statuses == [200, 200, 200, 413]

    async def test_what_a_guest_said_can_be_forgotten(self, bot: Bot, owner: Visitor, visit: Visit) -> None:
        guest = await visit()
        await guest.post("/web/guest")
        bot.model_says("Hello.")
        page = await guest.open()
        await page.say("remember me")
        await page.until(lambda: page.texts() == ["Hello."])
        _, people = await owner.get("/web/people")
        person = next(p for p in people if p["role"] == "unknown")
        _, counted = await owner.post("/web/people/forget", {"id": person["id"]})
        assert counted["counts"]["lines of the web page"] == 2
        assert counted["erased"] is False
        _, erased = await owner.post("/web/people/forget", {"id": person["id"], "sure": True})
        assert erased["erased"] is True
        assert not (await guest.open()).lines


async def test_guests_are_not_let_in_by_default(stranger: Visitor) -> None:
    assert (await stranger.post("/web/guest"))[0] == 403


async def test_a_page_that_says_too_much_is_hung_up_on(owner: Visitor) -> None:
    page = await owner.open()
    for _ in range(80):
        await page.send(type="ping")
    await page.until(lambda: page.code == 1008)


async def test_a_frame_that_is_too_large_is_hung_up_on(owner: Visitor) -> None:
    page = await owner.open()
    await page.socket.send_str("x" * 600_000)
    await page.until(lambda: page.code in (1009, 1006))


@pytest.mark.parametrize("frame", ["{", "[]", "null", '{"type": "say"}', '{"type": "hello", "last": -1}', "[" * 5000])
async def test_a_frame_that_means_nothing_gets_a_sentence(owner: Visitor, frame: str) -> None:
    page = await owner.open()
    await page.socket.send_str(frame)
    await page.record("notice")
    assert not page.socket.closed


async def test_before_its_greeting_a_page_may_say_nothing(bot: Bot, owner: Visitor) -> None:
    socket = await owner.http.ws_connect("/web/socket", headers={"origin": owner.base})
    await socket.send_json({"type": "say", "id": "12345678", "text": "hello"})
    assert (await socket.receive_json())["type"] == "notice"
    await socket.close()
    assert not bot.engine.prompts


async def test_a_greeting_with_a_number_that_no_database_knows_gets_a_sentence(bot: Bot, owner: Visitor) -> None:
    socket = await owner.http.ws_connect("/web/socket", headers={"origin": owner.base})
    await socket.send_json({"type": "hello", "last": 2**70})
    assert (await socket.receive_json())["type"] == "notice"
    await socket.send_json({"type": "hello", "last": 0})
    assert (await socket.receive_json())["type"] == "lines"
    await socket.close()


async def test_five_hundred_pages_hear_the_same_though_a_fifth_comes_and_goes(bot: Bot, owner: Visitor) -> None:
    bot.model_says("To all of you.", "And again.")
    pages = [await owner.open() for _ in range(500)]
    await pages[0].say("hello")
    await asyncio.gather(*(page.until(lambda p=page: p.texts() == ["To all of you."]) for page in pages))  # type: ignore[misc]
    gone = pages[::5][1:]
    await asyncio.gather(*(page.close() for page in gone))
    await pages[0].say("again")
    back = [await owner.open(last=page.last) for page in gone]
    await asyncio.gather(*(page.until(lambda p=page: p.texts()[-1:] == ["And again."]) for page in back))  # type: ignore[misc]
    assert all(page.texts() == ["And again."] for page in back)


async def test_a_session_that_has_ended_opens_no_socket(owner: Visitor) -> None:
    await owner.post("/web/logout")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await owner.http.ws_connect("/web/socket", headers={"origin": owner.base})
