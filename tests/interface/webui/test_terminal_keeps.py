"""How much a terminal on the page holds: for pages that are slow or away, and for programs that do not read."""

import asyncio
import re

import pytest

from tests.interface.webui.terminals import Owner


@pytest.fixture
def web_settings() -> dict[str, str]:
    """With the terminal."""
    return {"REKKU_PLUGINS": "message_plugin,time_plugin,webui,terminal"}


async def test_a_page_that_comes_back_sees_what_was_written_meanwhile_once(at_home: Owner) -> None:
    screen = await at_home.begin()
    view = await at_home.look_at(screen)
    await view.until("~")
    await view.type("mkfifo go gone; echo one; read < go; echo t''wo; echo > gone\r")
    await view.until("\rone")
    await view.close()
    other = await at_home.look_at(await at_home.begin())
    await other.type("echo > go; read < gone; echo d''one\r")
    await other.until("done")
    await other.close()
    again = await at_home.look_at(screen, at=view.total)
    await again.until("two")
    assert b"one" not in again.shown
    whole = await at_home.look_at(screen)
    await whole.wait_for(lambda: whole.shown == view.shown + again.shown)
    await whole.until("two")
    await again.close()
    await whole.close()


async def test_an_output_without_end_waits_for_the_page_and_is_stopped_by_one_key(at_home: Owner) -> None:
    screen = await at_home.begin()
    view = await at_home.look_at(screen, shows_all=False)
    await view.type("yes\r")
    await view.wait_for(lambda: view.total > 256 * 1024)
    await asyncio.sleep(0.3)
    assert view.total < 512 * 1024, "the page has shown nothing yet"
    await view.show_all()
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
    assert [record["type"] for record in view.records] == ["begin", "anew"]
    lines = view.shown.split(b"\r\n")
    assert lines[0].isdigit()
    assert int(lines[1]) == int(lines[0]) + 1
    assert len(view.shown) < 400_000
    await view.close()


async def test_a_full_screen_program_keeps_its_screen_and_paints_it_anew_for_a_page_that_comes_late(
    at_home: Owner,
) -> None:
    screen = await at_home.begin()
    view = await at_home.look_at(screen)
    painted = "trap 'echo pain\"\"ted $(stty size)' WINCH"
    looks = "printf '\\e[?1049h\\e[?25l\\e[?1000;1006h\\e[?1000l'"
    await view.type(f"""bash -c "{painted}; {looks}; seq 100000; echo rea''dy; while :; do sleep 0.1; done"\r""")
    await view.until("\nready")
    await view.close()
    again = await at_home.look_at(screen, at=1)
    await again.until("painted 24 80")
    assert again.shown.startswith(b"\x1b[?1049h\x1b[?25l\x1b[?1006h")
    await again.type("\x03")
    await at_home.until_running("bash")
    await again.close()


@pytest.mark.parametrize(
    ("written", "begins"),
    [
        (r"printf '\e[?1049h\e[?25l\ec'; seq 100000", rb"\d+\r\n"),
        (r"printf '\e[?1049h\e[?2004;25l\e[!p'; seq 100000", rb"\d+\r\n"),
        (r"printf '\e[?1049h\e[?1049l\e[?4711h'; seq 100000", rb"\d+\r\n"),
        (r"yes $'\e[38;5;123mx' | head -n 80000 | tr -d '\n'", rb"\x1b\[38;5;123mx"),
        (r"yes $'\e[?1006;1000h' | head -n 60000 | tr -d '\n'", rb"(\x1b\[\?1006h\x1b\[\?1000h)?(\x1b\[\?1006;1000h)+"),
    ],
)
async def test_what_is_shown_late_begins_with_no_needless_mode_and_with_a_whole_sequence(
    at_home: Owner, written: str, begins: bytes
) -> None:
    screen = await at_home.begin()
    view = await at_home.look_at(screen)
    await view.type(f"{written}; echo d''one\r")
    await view.until("done")
    again = await at_home.look_at(screen, at=1)
    await again.until("done")
    assert re.match(begins, again.shown), again.shown[:100]
    await view.close()
    await again.close()


@pytest.mark.parametrize("first", [312, 376])
async def test_the_last_words_of_a_program_reach_a_page_that_was_slow(at_home: Owner, first: int) -> None:
    """It ends while it need not wait any more: the terminal itself has room for what it writes last."""
    views = [await at_home.look_at(await at_home.begin(), shows_all=False) for _ in range(8)]
    for number, view in enumerate(views):
        await view.type(f"exec bash -c 'head -c {first + 8 * number}K /dev/zero; echo last wo\"\"rds'\r")
    await asyncio.gather(*(view.wait_for(lambda view=view: view.total > 256 * 1024) for view in views))
    await asyncio.sleep(1.5)
    for view in views:
        await view.show_all()
        await view.ended()
        assert view.shown.endswith(b"last words\r\n")
        await view.close()


async def test_what_a_program_does_not_read_is_refused_in_the_end_and_an_interrupt_still_gets_through(
    at_home: Owner,
) -> None:
    view = await at_home.look_at(await at_home.begin())
    await view.type("stty -echo; sleep 1000\r")
    await at_home.until_running("sleep")
    for _ in range(20):
        await view.type("echo no\n" * 8_000)
    await view.wait_for(lambda: view.faults)
    assert "does not read" in view.faults[0]
    faults = len(view.faults)
    await view.type("x")
    await view.wait_for(lambda: len(view.faults) > faults)
    await view.type("\x03")
    await at_home.until_running("bash")
    await view.type("echo st''ill here\r")
    await view.until("still here")
    assert b"no" not in view.shown.split(b"sleep 1000")[-1]
    await view.close()
