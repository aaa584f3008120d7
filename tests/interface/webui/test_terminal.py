"""Terminals on the page: a real bash behind a real socket, for the owner alone."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from rekku.core.registry import Kind
from rekku.plugins._terminal import sandbox
from rekku.testing import Bot
from tests.interface.webui.terminals import SIZE, Owner
from tests.interface.webui.visitor import Visitor
from tests.road.words import until


@pytest.fixture
def web_settings() -> dict[str, str]:
    """With the terminal; a guest may come."""
    return {"REKKU_PLUGINS": "message_plugin,time_plugin,webui,terminal", "WEBUI_GUESTS": "on"}


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


async def test_two_pages_see_the_same(at_home: Owner) -> None:
    screen = await at_home.begin()
    first, second = await at_home.look_at(screen), await at_home.look_at(screen)
    await first.type("echo a''b\r")
    await second.until("ab")
    await second.type("echo c''d\r")
    await first.until("cd")
    told = [[record["on"] for record in view.records if record["type"] == "answers"] for view in (first, second)]
    assert told == [[False, True, False], [False, True]], "the one that was opened or typed at last answers programs"
    assert len((await at_home.do("screens"))["screens"]) == 1
    await first.close()
    await second.close()


async def test_a_shell_that_ends_says_so_and_its_place_is_free(at_home: Owner) -> None:
    view = await at_home.look_at(await at_home.begin())
    await view.type("exit\r")
    assert await view.ended() == "This shell has ended."
    assert (await at_home.do("screens"))["screens"] == []
    gone = await at_home.look_at("ffffffff")
    assert await gone.ended() == "This shell has ended."


async def test_closing_one_kills_what_runs_there(bot: Bot, at_home: Owner) -> None:
    screen = await at_home.begin()
    view = await at_home.look_at(screen)
    await view.type("trap '' TERM HUP INT; sleep 98765 & sleep 98765\r")
    await until(bot, lambda: [*commands()].count(b"sleep\x0098765\x00") == 2)
    await at_home.do("close", screen=screen)
    assert await view.ended() == "This shell has ended."
    assert not [command for command in commands() if b"98765" in command]


async def test_there_are_only_so_many(at_home: Owner) -> None:
    for _ in range(8):
        await at_home.begin()
    status, told = await at_home.post("/web/plugin/terminal/open", SIZE)
    assert (status, told["error"]) == (409, "there are 8 terminals already; close one of them")


@pytest.mark.parametrize("web_settings", [{"REKKU_PLUGINS": "webui,terminal", "TERMINAL_SANDBOX": "on"}])
async def test_where_the_sandbox_is_required_none_is_opened_without_it(
    at_home: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = await at_home.begin()
    monkeypatch.setattr(f"{sandbox.__name__}.why_no_sandbox", lambda: "bubblewrap is not installed")
    sentence = "no command runs without a sandbox (TERMINAL_SANDBOX): bubblewrap is not installed"
    assert await at_home.post("/web/plugin/terminal/open", SIZE) == (409, {"error": sentence})
    assert await at_home.post("/web/plugin/terminal/screens") == (409, {"error": sentence})
    assert await (await at_home.look_at(screen)).ended() == f"N{sentence[1:]}."


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


async def test_a_page_that_is_only_open_does_not_keep_its_session(bot: Bot, at_home: Owner) -> None:
    view = await at_home.look_at(await at_home.begin())
    await view.until("~")
    for day in range(1, 9):
        bot.clock.jump(24 * 60 * 60)
        if not view.socket.closed:
            await view.socket.send_json({"type": "ping"})
            await view.wait_for(lambda day=day: len(view.records) > day or view.socket.closed)
    await view.wait_for(lambda: view.socket.closed)
    assert view.socket.close_code == 4401


async def test_nothing_of_rekku_is_in_it(at_home: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    view = await at_home.look_at(await at_home.begin())
    await view.type("env; ls -l /proc/$$/fd; echo d''one\r")
    await view.until("done")
    assert b"HOME=" in view.shown
    assert b"OPENAI" not in view.shown
    assert b"socket:" not in view.shown
    assert b"pipe:" not in view.shown
    await view.close()


async def test_what_makes_no_sense_is_answered_with_a_sentence(at_home: Owner) -> None:
    view = await at_home.look_at(await at_home.begin())
    await view.socket.send_str("nonsense")
    await view.socket.send_json({"type": "dance"})
    await view.socket.send_json({"type": "keys", "keys": "x" * 70_000})
    await view.wait_for(lambda: len(view.faults) == 3)
    assert view.faults == [
        "That is not a line of JSON.",
        "The page said something that is not known here.",
        "at most 65536 characters can be typed at once",
    ]
    await view.type("echo al''ive\r")
    await view.until("alive")
    await view.close()


@pytest.mark.parametrize("command", ["exec sleep 1000", "bash -c 'echo b''egun; read; :'"])
async def test_one_that_nobody_looks_at_is_ended_but_not_what_runs(bot: Bot, at_home: Owner, command: str) -> None:
    quiet, busy = await at_home.begin(), await at_home.begin()
    view = await at_home.look_at(busy)
    await view.type(f"(echo be''gun; {command})\r")
    await view.until("\rbegun")
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
