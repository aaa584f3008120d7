"""Who comes in, how, and for how long."""

import asyncio
import socket
import stat
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from zxcvbn.matching import RANKED_DICTIONARIES

from rekku.core.commands import CommandCall
from rekku.core.message import Conversation, Message, User
from rekku.core.principal import Principal, Role
from rekku.core.registry import Kind
from rekku.interface.webui import passwords
from rekku.interface.webui.server import listen
from rekku.testing import Bot, bot_at
from tests.interface.webui.conftest import PLUGINS
from tests.interface.webui.visitor import PASSWORD, Visitor, address, link_in, welcome
from tests.road.words import until

DAY = 86_400.0
Visit = Callable[[], Awaitable[Visitor]]


async def test_the_printed_link_sets_the_password_once(bot: Bot, stranger: Visitor, visit: Visit) -> None:
    link = link_in(welcome(bot))
    assert (await stranger.get("/web/me"))[1]["kind"] == ""
    status, told = await stranger.post("/web/link", {"link": link, "password": PASSWORD})

    assert (status, told["kind"]) == (200, "owner")
    assert (await stranger.get("/web/condition"))[0] == 200
    thief = await visit()
    status, told = await thief.post("/web/link", {"link": link, "password": "another good password"})
    assert (status, "not good any more" in told["error"]) == (403, True)
    assert (await thief.get("/web/condition"))[0] == 401


@pytest.mark.parametrize(
    ("weak", "why"),
    [
        ("short", "at least 10 characters"),
        ("x" * 201, "at most 200 characters"),
        ("Password2024!", "one that many people have"),
        ("qwertyuiop", "one that many people have"),
        ("P@ssw0rd1234", "one that many people have"),
        ("hello world", "one that many people have"),
        ("Rekku@Socket1", "names that belong to this Rekku"),
        ("rekkurekku1", "repeats itself"),
        ("aaaaaaaaaaaaaa", "repeats itself"),
        ("x" * 73, "repeats itself"),
        ("abcdefghijkl", "it is a row"),
        ("1999-12-24", "it is a date"),
        ("jennifer1990", "little more than one word or name"),
    ],
)
async def test_a_weak_password_is_refused_with_the_reason_and_the_link_stays_good(
    bot: Bot, stranger: Visitor, weak: str, why: str
) -> None:
    (bot.home / "persona.md").write_text("# Socket\n\nYou are Socket.\n", encoding="utf-8")
    link = link_in(welcome(bot))
    status, told = await stranger.post("/web/link", {"link": link, "password": weak})
    assert (status, why in told["error"]) == (403, True), told
    assert (await stranger.post("/web/link", {"link": link, "password": PASSWORD}))[0] == 200


@pytest.mark.parametrize(
    "good",
    [
        "hund katze maus",
        "blue table seven",
        "gT7#kq9!xZ",
        "ñandú 漢字 🙂 abc",
        "the kitchen window was open, so we sang " * 5,
    ],
)
async def test_a_few_words_or_ten_random_characters_are_a_good_password(bot: Bot, stranger: Visitor, good: str) -> None:
    status, told = await stranger.post("/web/link", {"link": link_in(welcome(bot)), "password": good})
    assert status == 200, told


def test_none_of_the_thirty_thousand_most_common_passwords_is_good() -> None:
    common = list(RANKED_DICTIONARIES["passwords"])
    assert len(common) >= 30_000
    assert sum(len(password) >= 8 for password in common) >= 3_000
    assert [password for password in common if not passwords.fault(password, ())] == []


def test_the_worst_that_somebody_may_write_is_judged_within_seconds() -> None:
    began = time.process_time()
    passwords.fault("4@8({[<3&6969!1|1L0$57+%2" * 8, ())
    assert time.process_time() - began < 5


async def test_a_weak_password_in_the_settings_opens_nothing(bot_home: Path) -> None:
    settings = {"REKKU_PLUGINS": "webui", "WEBUI_PORT": "0", "WEBUI_PASSWORD": "Password2024!"}
    async with bot_at(bot_home, settings, interfaces=["webui"]) as bot:
        component = bot.running.registry.get(Kind.INTERFACE, "webui")
        assert component is not None
        assert "does not listen with the password in WEBUI_PASSWORD" in component.instance.health()
        assert "Password2024!" not in component.instance.health()
        assert welcome(bot) == ""


async def test_after_a_restart_the_password_is_asked_for_and_no_link_is_printed(bot: Bot, owner: Visitor) -> None:
    await bot.restart()
    assert "#link" not in welcome(bot)
    again = Visitor(address(bot))
    assert (await again.post("/web/login", {"password": "not the password"}))[0] == 403
    await again.log_in()
    assert (await again.get("/web/condition"))[0] == 200
    await again.close()


async def test_the_password_is_kept_as_a_hash_that_takes_work(bot: Bot, stranger: Visitor) -> None:
    await stranger.post("/web/link", {"link": link_in(welcome(bot)), "password": PASSWORD})
    data = await asyncio.to_thread((bot.home / "data" / "rekku.db-wal").read_bytes)
    data += await asyncio.to_thread((bot.home / "data" / "rekku.db").read_bytes)

    assert PASSWORD.encode() not in data
    assert stranger.cookie.encode() not in data
    assert b"scrypt$32768$8$3$" in data


async def test_the_cookie_is_for_the_server_alone_and_new_at_each_login(owner: Visitor) -> None:
    first = owner.cookie
    async with owner.http.post("/web/login", json={"password": PASSWORD}, headers={"origin": owner.base}) as response:
        told = response.headers["set-cookie"]

    assert "HttpOnly" in told
    assert "SameSite=strict" in told
    assert owner.cookie != first
    owner.http.cookie_jar.clear()
    assert (await owner.get("/web/condition", cookie=f"{told.partition('=')[0]}={first}"))[0] == 401


async def test_wrong_passwords_are_counted_and_the_owner_is_told(bot: Bot, owner: Visitor, stranger: Visitor) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello")
    tries = [stranger.post("/web/login", {"password": f"wrong {n}"}) for n in range(8)]
    statuses = [status for status, _ in await asyncio.gather(*tries)]

    assert sorted(statuses) == [403] * 5 + [429] * 3
    status, told = await stranger.post("/web/login", {"password": PASSWORD})
    assert (status, told["error"]) == (429, "Too many wrong passwords. Try again in 15 minutes.")
    await until(bot, lambda: "tried 5 wrong passwords" in bot.interface.sent[-1].text)
    await bot.clock.advance(15 * 60 - 20)
    status, told = await stranger.post("/web/login", {"password": PASSWORD})
    assert (status, told["error"]) == (429, "Too many wrong passwords. Try again in 1 minute.")
    await bot.clock.advance(21)
    await stranger.log_in()


async def test_a_session_ends_when_it_is_not_used_and_when_it_is_old(bot: Bot, owner: Visitor) -> None:
    bot.clock.jump(6 * DAY)
    assert (await owner.get("/web/condition"))[0] == 200
    bot.clock.jump(8 * DAY)
    assert (await owner.get("/web/condition"))[0] == 401

    await owner.log_in()
    for _ in range(5):
        bot.clock.jump(5 * DAY)
        assert (await owner.get("/web/condition"))[0] == 200
    bot.clock.jump(6 * DAY)
    assert (await owner.get("/web/condition"))[0] == 401


async def test_a_page_that_is_only_left_open_is_closed_in_the_end(bot: Bot, owner: Visitor) -> None:
    page = await owner.open()
    for _ in range(8):
        bot.clock.jump(DAY)
        if page.code is None:
            await page.send(type="ping")
            await page.until(lambda: page.code or page.records[-1]["type"] == "pong")
            page.records.append({"type": "read"})
    await page.until(lambda: page.code == 4401)


async def test_logging_out_elsewhere_closes_the_page_there(owner: Visitor, visit: Visit) -> None:
    other = await visit()
    await other.log_in()
    page = await other.open()
    _, sessions = await owner.get("/web/sessions")
    theirs = next(one for one in sessions if not one["this"])
    await owner.post("/web/sessions/end", {"id": theirs["id"]})

    await page.until(lambda: page.code == 4401)
    assert (await other.get("/web/condition"))[0] == 401
    assert (await owner.get("/web/condition"))[0] == 200


async def test_another_password_logs_all_others_out(owner: Visitor, visit: Visit) -> None:
    other = await visit()
    await other.log_in()
    assert (await owner.post("/web/password", {"old": "wrong one", "password": "a completely new one"}))[0] == 403
    assert (await owner.post("/web/password", {"old": PASSWORD, "password": "a completely new one"}))[0] == 200

    assert (await owner.get("/web/condition"))[0] == 200
    assert (await other.get("/web/condition"))[0] == 401
    assert (await other.post("/web/login", {"password": PASSWORD}))[0] == 403


async def test_the_terminal_gives_a_new_link_and_no_other_place_does(
    bot: Bot, owner: Visitor, stranger: Visitor
) -> None:
    assert "in the terminal alone" in (await bot.hears("/web"))[0]
    component = bot.running.registry.get(Kind.INTERFACE, "webui")
    assert component is not None
    command = component.instance.get_commands()[0]
    message = Message(Conversation("cli", "local"), User("local"), "/web", bot.clock.now())
    call = CommandCall("web", "", Principal("trainer", Role.TRAINER, "cli", "local"), message)
    link = link_in(command.run(call))
    await bot.clock.advance(14 * 60)
    assert (await stranger.post("/web/link", {"link": link, "password": "a completely new one"}))[0] == 200
    assert (await owner.get("/web/condition"))[0] == 401
    link = link_in(command.run(call))
    await bot.clock.advance(16 * 60)
    assert (await stranger.post("/web/link", {"link": link, "password": "a completely new one"}))[0] == 403


async def test_beyond_this_machine_it_does_not_listen_without_a_password(bot_home: Path) -> None:
    settings = {"REKKU_PLUGINS": "webui", "WEBUI_PORT": "0", "WEBUI_HOST": "0.0.0.0"}
    async with bot_at(bot_home, settings, interfaces=["webui"]) as bot:
        component = bot.running.registry.get(Kind.INTERFACE, "webui")
        assert component is not None
        assert "does not listen at 0.0.0.0" in component.instance.health()
        assert welcome(bot) == ""
    async with bot_at(bot_home, {**settings, "WEBUI_PASSWORD": PASSWORD}, interfaces=["webui"]) as bot:
        visitor = Visitor(address(bot).replace("0.0.0.0", "127.0.0.1"))
        await visitor.log_in()
        assert (await visitor.get("/web/condition"))[0] == 200
        await visitor.close()


async def test_a_port_that_is_taken_gives_way_to_the_next(bot: Bot) -> None:
    port = int(address(bot).rpartition(":")[2])
    taken = await asyncio.to_thread(listen, "127.0.0.1", port)
    assert taken.getsockname()[1] != port
    taken.close()
    with pytest.raises(OSError, match="in use"):
        await asyncio.to_thread(listen, "0.0.0.0", port)


async def test_without_a_port_rekku_goes_on_without_the_page(bot: Bot, tmp_path: Path) -> None:
    settings = {"WEBUI_HOST": "0.0.0.0", "WEBUI_PORT": address(bot).rpartition(":")[2], "WEBUI_PASSWORD": PASSWORD}
    await bot.stop()
    with socket.create_server(("127.0.0.1", int(settings["WEBUI_PORT"]))):
        async with bot_at(tmp_path, {"REKKU_PLUGINS": PLUGINS, **settings}, interfaces=["webui"]) as other:
            component = other.running.registry.get(Kind.INTERFACE, "webui")
            assert component is not None
            assert "cannot listen at 0.0.0.0" in component.instance.health()
            other.model_says("Hello.")
            assert await other.hears("hello") == ["Hello."]


def test_only_the_owner_may_look_into_the_folder_of_files(bot: Bot) -> None:
    folder = bot.home / "data" / "webui"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
