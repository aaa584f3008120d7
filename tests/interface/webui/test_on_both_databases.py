"""What the page keeps, kept the same on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rekku.store.database import MariaServer
from rekku.testing import Bot, bot_at
from tests.interface.webui.conftest import PLUGINS
from tests.interface.webui.visitor import PASSWORD, Visitor, address, link_in, welcome
from tests.road.conftest import reached_by


@pytest.fixture
async def bot(bot_home: Path, server_for_home: MariaServer | None) -> AsyncIterator[Bot]:
    """A bot on each of them."""
    where = {} if server_for_home is None else reached_by(server_for_home)
    settings = {"REKKU_PLUGINS": f"{PLUGINS},event,ai_diary", "WEBUI_PORT": "0", "MODEL_PRICES": "*=1/1", **where}
    async with bot_at(bot_home, settings, interfaces=["webui"]) as made:
        yield made


async def test_a_visit_from_the_first_link_to_a_restart(bot: Bot) -> None:
    owner = Visitor(address(bot))
    status, told = await owner.post("/web/link", {"link": link_in(welcome(bot)), "password": PASSWORD})
    assert status == 200, told
    bot.engine.pieces = 4
    bot.model_says("A reply that is shown while it is written. 🐈")
    page = await owner.open()
    number = await page.say("hello, “you” – 你好")
    await page.record("done", id=number, outcome="answered")
    assert page.texts() == ["A reply that is shown while it is written. 🐈"]
    status, kept = await owner.post("/web/files?name=a.txt", b"a text", content_type="text/plain")
    assert status == 200
    status, told = await owner.post("/web/tokens/new", {"name": "editor"})
    assert status == 200
    assert (await owner.get("/v1/models", authorization=f"Bearer {told['token']}"))[0] == 200
    (day,) = (await owner.get("/web/usage?days=3"))[1]
    assert (day["day"], day["calls"], day["heard"], day["said"]) == ("2026-03-01", 1, 1, 1)
    assert day["cost"] == pytest.approx((day["prompt_tokens"] + day["completion_tokens"]) / 1_000_000)
    for deed in ("event/list", "ai_diary/entries", "ai_diary/moods"):
        assert (await owner.post(f"/web/plugin/{deed}", {}))[0] == 200
    await owner.close()
    await bot.restart()

    back = Visitor(address(bot))
    await back.log_in()
    again = await back.open()
    assert again.texts("me") == ["hello, “you” – 你好"]
    assert again.texts() == page.texts()
    assert (await back.get(f"/web/files/{kept['id']}"))[1] == b"a text"
    assert len((await back.get("/web/sessions"))[1]) == 2
    await back.close()


async def test_loading_the_page_itself_again_closes_and_opens_it(bot: Bot) -> None:
    owner = Visitor(address(bot))
    await owner.post("/web/link", {"link": link_in(welcome(bot)), "password": PASSWORD})
    page = await owner.open()
    file = next(c.file for c in bot.running.registry if c.name == "webui")
    assert file is not None
    told = await bot.running.loader.reload(file)
    assert told.state == "loaded"
    await page.until(lambda: page.code is not None)
    await owner.close()
    back = Visitor(address(bot))
    await back.log_in()
    bot.model_says("Here again.")
    again = await back.open()
    await again.say("hello")
    await again.until(lambda: again.texts() == ["Here again."])
    await back.close()
