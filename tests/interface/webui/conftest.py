"""A bot with a web page at a free port, and visitors."""

import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from rekku.interface.webui import passwords
from rekku.testing import Bot, bot_at
from tests.interface.webui.browser import Browser
from tests.interface.webui.terminals import Owner
from tests.interface.webui.visitor import PASSWORD, Visitor, address, link_in, welcome

PLUGINS = "message_plugin,time_plugin,webui"


@pytest.fixture(scope="session", autouse=True)
def web_libraries() -> None:
    """Import them once, before any test counts its time."""
    for name in ("web", "server"):
        importlib.import_module(f"rekku.interface.webui.{name}")


@pytest.fixture
def web_settings() -> dict[str, str]:
    """The settings of the bot; override it to set some."""
    return {}


@pytest.fixture
async def bot(bot_home: Path, web_settings: dict[str, str]) -> AsyncIterator[Bot]:
    """Whole Rekku with its web page."""
    settings = {"REKKU_PLUGINS": PLUGINS, "WEBUI_PORT": "0", **web_settings}
    async with bot_at(bot_home, settings, interfaces=["webui"]) as made:
        yield made


@pytest.fixture
async def stranger(bot: Bot) -> AsyncIterator[Visitor]:
    """Somebody who has opened the page and is not logged in."""
    visitor = Visitor(address(bot))
    yield visitor
    await visitor.close()


@pytest.fixture
async def owner(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Visitor]:
    """The owner, who has just set the password with the printed link. What it costs to try it is another test's."""
    visitor = Visitor(address(bot))
    monkeypatch.setattr(passwords, "COST", 2**8)
    status, told = await visitor.post("/web/link", {"link": link_in(welcome(bot)), "password": PASSWORD})
    assert status == 200, told
    yield visitor
    await visitor.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of a file."""
    browser = Browser()
    yield browser
    browser.quit()


@pytest.fixture
async def visit(bot: Bot) -> AsyncIterator[Callable[[], Awaitable[Visitor]]]:
    """Makes more visitors."""
    made: list[Visitor] = []

    async def make() -> Visitor:
        made.append(Visitor(address(bot)))
        return made[-1]

    yield make
    for visitor in made:
        await visitor.close()


@pytest.fixture
async def browser(chromium: Browser, bot: Bot) -> Browser:
    """The browser, in front of the page, after its password was set."""
    await chromium.do(chromium.forget)
    await chromium.do(chromium.come_in, f"{address(bot)}/#link={link_in(welcome(bot))}")
    return chromium


@pytest.fixture
async def at_home(owner: Visitor) -> AsyncIterator[Owner]:
    """The owner, logged in, at the page of terminals."""
    home = Owner(owner.base)
    await home.log_in()
    yield home
    await home.close()
