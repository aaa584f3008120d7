"""Terminals on the page: a real bash behind a real socket, for the owner alone."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from rekku.core.registry import Kind
from rekku.testing import Bot
from tests.interface.webui.terminals import SIZE, Owner
from tests.interface.webui.visitor import Visitor


@pytest.fixture
def web_settings() -> dict[str, str]:
    """With the terminal; a guest may come."""
    return {"REKKU_PLUGINS": "message_plugin,time_plugin,webui,terminal", "WEBUI_GUESTS": "on"}


@pytest.fixture
async def at_home(owner: Visitor) -> AsyncIterator[Owner]:
    """The owner, logged in, at the page of terminals."""
    home = Owner(owner.base)
    await home.log_in()
    yield home
    await home.close()


async def test_a_command_is_typed_and_its_output_comes_with_its_colours(at_home: Owner) -> None:
    view = await at_home.look_at(await at_home.begin())
    await view.until("~")
    await view.type("printf '\\e[31m%s\\e[0m\\n' re''d; echo $TERM $COLORTERM\r")
    await view.until("\x1b[31mred\x1b[0m")
    await view.until("xterm-256color truecolor")
    await view.close()


async def test_it_has_the_size_of_the_page(at_home: Owner) -> None:
    view = await at_home.look_at(await at_home.begin(columns=132, rows=43))
    await view.type("stty size\r")
    await view.until("43 132")
    await view.socket.send_json({"type": "size", "columns": 61, "rows": 17})
    await view.type("stty size\r")
    await view.until("17 61")
    await view.socket.send_json({"type": "size", "columns": 100_000, "rows": -3})
    await view.type("stty size\r")
    await view.until("2 500")
    await view.close()


async def test_keys_reach_a_full_screen_program_and_control_and_c_ends_one(at_home: Owner) -> None:
    view = await at_home.look_at(await at_home.begin())
    await view.type("sleep 1000; echo 'status' $?\r")
    await view.until("sleep 1000")
    await at_home.until_running("sleep")
    await view.type("\x03")
    await at_home.until_running("bash")
    await view.type("cat -v\r")
    await at_home.until_running("cat")
    await view.type("\x1b[A\r")
    await view.until("\n^[[A")
    await view.type("\x04")
    await at_home.until_running("bash")
    await view.type("echo st''ill here\r")
    await view.until("still here")
    await view.close()


async def test_a_page_that_comes_back_sees_what_was_written_meanwhile_once(at_home: Owner) -> None:
    screen = await at_home.begin()
    view = await at_home.look_at(screen)
    await view.until("~")
    await view.type("sleep 0.3; echo one; sleep 0.7; echo t''wo\r")
    await view.until("\rone")
    seen = view.total
    await view.close()
    again = await at_home.look_at(screen, at=seen)
    await again.until("two")
    assert b"one" not in again.shown
    whole = await at_home.look_at(screen)
    await whole.until("two")
    assert whole.shown == view.shown + again.shown
    await again.close()
    await whole.close()


async def test_two_pages_see_the_same(at_home: Owner) -> None:
    screen = await at_home.begin()
    first, second = await at_home.look_at(screen), await at_home.look_at(screen)
    await first.type("echo a''b\r")
    await second.until("ab")
    await second.type("echo c''d\r")
    await first.until("cd")
    assert len((await at_home.do("screens"))["screens"]) == 1
    await first.close()
    await second.close()


async def test_an_output_without_end_waits_for_the_page_and_is_stopped_by_one_key(at_home: Owner) -> None:
    screen = await at_home.begin()
    view = await at_home.look_at(screen, shows_all=False)
    await view.type("yes\r")
    await view.wait_for(lambda: view.total > 256 * 1024)
    await asyncio.sleep(0.3)
    assert view.total < 512 * 1024, "the page has shown nothing yet"
    view.shows_all = True
    await view.socket.send_json({"type": "seen", "bytes": view.total})
    await view.wait_for(lambda: view.total > 2_000_000)
    await view.type("\x03")
    await at_home.until_running("bash")
    await view.type("echo st''opped\r")
    await view.until("stopped")
    await view.close()


async def test_an_output_that_nobody_reads_is_kept_in_bounds_and_shown_from_a_line_on(at_home: Owner) -> None:
    screen = await at_home.begin()
    view = await at_home.look_at(screen)
    await view.until("~")
    await view.type("sleep 0.2; seq 1 100000; echo d''one\r")
    await view.close()
    async with asyncio.timeout(40):
        while True:
            view = await at_home.look_at(screen, at=1)
            await view.wait_for(lambda v=view: v.shown)
            if b"done" in view.shown:
                break
            await view.close()
            await asyncio.sleep(0.2)
    assert view.records[0]["type"] == "anew"
    lines = view.shown.split(b"\r\n")
    assert lines[0].isdigit()
    assert int(lines[1]) == int(lines[0]) + 1
    assert len(view.shown) < 400_000
    await view.close()


async def test_a_shell_that_ends_says_so_and_its_place_is_free(at_home: Owner) -> None:
    view = await at_home.look_at(await at_home.begin())
    await view.type("exit\r")
    assert await view.ended() == "This shell has ended."
    assert (await at_home.do("screens"))["screens"] == []
    gone = await at_home.look_at("ffffffff")
    assert await gone.ended() == "This shell has ended."


async def test_closing_one_kills_what_runs_there(at_home: Owner) -> None:
    screen = await at_home.begin()
    view = await at_home.look_at(screen)
    await view.type("trap '' TERM HUP INT; sleep 98765 & sleep 98765\r")
    await view.until("98765")
    await asyncio.sleep(0.2)
    await at_home.do("close", screen=screen)
    assert await view.ended() == "This shell has ended."
    assert not [command for command in commands() if b"98765" in command]


async def test_there_are_only_so_many(at_home: Owner) -> None:
    for _ in range(8):
        await at_home.begin()
    status, told = await at_home.post("/web/plugin/terminal/open", SIZE)
    assert (status, told["error"]) == (409, "there are 8 terminals already; close one of them")


async def test_it_is_the_owners_alone(bot: Bot, at_home: Owner, stranger: Visitor) -> None:
    screen = await at_home.begin()
    path = f"/web/terminal/{screen}"
    assert (await stranger.post("/web/guest"))[0] == 200
    assert (await stranger.post("/web/plugin/terminal/screens"))[0] == 403
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await stranger.http.ws_connect(path, headers={"origin": stranger.base})
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await at_home.http.ws_connect(path, headers={"origin": "http://evil.example"})
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await at_home.http.ws_connect(path)


async def test_logging_out_hangs_up_and_the_shell_goes_on(at_home: Owner) -> None:
    screen = await at_home.begin()
    view = await at_home.look_at(screen)
    await view.type("x=5\r")
    await view.until("x=5")
    assert (await at_home.post("/web/logout"))[0] == 200
    await view.wait_for(lambda: view.socket.closed)
    assert view.socket.close_code == 4401
    await at_home.log_in()
    again = await at_home.look_at(screen)
    await again.type("echo x is $x\r")
    await again.until("x is 5")
    await again.close()


async def test_what_makes_no_sense_is_answered_with_a_sentence(at_home: Owner) -> None:
    view = await at_home.look_at(await at_home.begin())
    await view.socket.send_str("nonsense")
    await view.socket.send_json({"type": "dance"})
    await view.socket.send_json({"type": "keys", "keys": "x" * 70_000})
    await view.wait_for(lambda: len(view.records) == 3)
    assert [record["text"] for record in view.records] == [
        "That is not a line of JSON.",
        "The page said something that is not known here.",
        "at most 65536 characters can be typed at once",
    ]
    await view.type("echo al''ive\r")
    await view.until("alive")
    await view.close()


async def test_what_a_program_does_not_read_is_refused_in_the_end(at_home: Owner) -> None:
    view = await at_home.look_at(await at_home.begin())
    await view.type("stty raw -echo; sleep 1000\r")
    await view.until("sleep")
    await asyncio.sleep(0.3)
    for _ in range(20):
        await view.type("x" * 65_000)
    await view.wait_for(lambda: any(record["type"] == "fault" for record in view.records))
    assert "does not read" in view.records[-1]["text"]
    await view.close()


async def test_one_that_nobody_looks_at_is_ended_but_not_what_runs(bot: Bot, at_home: Owner) -> None:
    quiet, busy = await at_home.begin(), await at_home.begin()
    view = await at_home.look_at(busy)
    await view.type("sleep 1000\r")
    await view.until("sleep")
    await at_home.until_running("bash", "sleep")
    await view.close()
    component = bot.running.registry.get(Kind.PLUGIN, "terminal")
    assert component is not None
    component.instance._screens._idle = 0.0
    await component.instance._screens.end_idle()
    assert [s["screen"] for s in (await at_home.do("screens"))["screens"]] == [busy]
    assert quiet != busy


async def test_loading_the_plugin_again_ends_them_with_a_sentence(bot: Bot, at_home: Owner) -> None:
    view = await at_home.look_at(await at_home.begin())
    await view.until("~")
    await bot.running.house.reload("plugin", "terminal")
    assert await view.ended() in ("This shell has ended.", "The plugin 'terminal' is not there, or shows nothing.")
    assert (await at_home.do("screens"))["screens"] == []


def commands() -> Iterator[bytes]:
    """The command lines of all processes."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            yield file.read_bytes()
