"""What Prometheus is told, read by its own parser."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY, parser
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser as newer_parser

from rekku.core.errors import EngineRefused
from rekku.testing import Bot, bot_at
from tests.interface.webui.conftest import PLUGINS
from tests.interface.webui.visitor import PASSWORD, Visitor, address
from tests.road.test_database_away import Outage

PAGE = Path(__file__).parents[3] / "docs" / "interfaces" / "webui.md"
NEWER = "application/openmetrics-text; version=1.0.0"


class Scrape:
    """One answer, taken apart."""

    def __init__(self, text: str, parse: Any = parser.text_string_to_metric_families) -> None:
        self.families: Mapping[str, Metric] = {family.name: family for family in parse(text)}

    def value(self, name: str, **labels: str) -> float:
        """The one sample with that name and these labels."""
        every = [sample for family in self.families.values() for sample in family.samples]
        (found,) = [s.value for s in every if s.name == name and s.labels == labels]
        return found


class Prometheus:
    """Somebody who asks, with a token of the owner's."""

    def __init__(self, owner: Visitor) -> None:
        self._owner = owner
        self._token = ""

    async def ask(self, **more: str) -> tuple[int, str]:
        """The status and the text."""
        if not self._token:
            told: Any = (await self._owner.post("/web/tokens/new", {"name": "prometheus", "person": ""}))[1]
            self._token = told["token"]
        headers = {"authorization": f"Bearer {self._token}", **more}
        async with self._owner.http.get("/metrics", headers=headers) as response:
            return response.status, await response.text()

    async def scrape(self) -> Scrape:
        """What it says now."""
        status, text = await self.ask()
        assert status == 200, text
        return Scrape(text)


@pytest.fixture
def prometheus(owner: Visitor) -> Prometheus:
    """Prometheus, with the address and a token."""
    return Prometheus(owner)


@pytest.fixture
def web_settings() -> dict[str, str]:
    """The model has a price."""
    return {"MODEL_PRICES": "scripted-1=100/1000"}


async def test_it_is_for_the_owners_token_alone(bot: Bot, owner: Visitor, prometheus: Prometheus) -> None:
    bot.model_says("Hello.")
    await bot.hears("hello", user="ann")
    assert (await owner.get("/healthz"))[1] == b"ok\n"
    assert (await owner.get("/metrics"))[0] == 401
    assert (await prometheus.ask())[0] == 200
    ann = next(person["id"] for person in (await owner.get("/web/people"))[1] if person["name"] == "Ann")
    told = (await owner.post("/web/tokens/new", {"name": "hers", "person": ann}))[1]
    assert (await owner.get("/metrics", authorization=f"Bearer {told['token']}"))[0] == 403


async def test_counters_grow_with_each_message(bot: Bot, prometheus: Prometheus) -> None:
    before = await prometheus.scrape()
    assert before.value("rekku_messages_heard_total", interface="memory") == 0
    assert before.value("rekku_reply_seconds_count") == 0
    bot.model_says("One.", "Two.")
    await bot.hears("hello", user="ann")
    await bot.hears("hello again", user="ann")
    now = await prometheus.scrape()

    assert now.value("rekku_messages_heard_total", interface="memory") == 2
    assert now.value("rekku_messages_sent_total", interface="memory", outcome="sent") == 2
    assert now.value("rekku_turns_total", outcome="answered") == 2
    assert now.value("rekku_reply_seconds_count") == 2
    assert now.value("rekku_reply_seconds_bucket", le="+Inf") == 2
    model = {"engine": "scripted", "model": "scripted-1"}
    assert now.value("rekku_model_calls_total", **model, outcome="answered") == 2
    read, written = (now.value("rekku_model_tokens_total", **model, kind=kind) for kind in ("prompt", "completion"))
    assert read > 0
    assert now.value("rekku_model_cost_dollars_total", **model) == pytest.approx((100 * read + 1000 * written) / 1e6)
    assert now.value("rekku_model_call_seconds_count", **model) == 2


async def test_a_slow_reply_falls_into_its_bucket(bot: Bot, prometheus: Prometheus) -> None:
    bot.engine.gate = asyncio.Event()
    bot.model_says("At last.")
    turn = asyncio.ensure_future(bot.hears("hello", user="ann"))
    while not bot.engine.prompts:
        await bot.clock.advance(0)
    assert (await prometheus.scrape()).value("rekku_turns_running") == 1
    await bot.clock.advance(7)
    bot.engine.gate.set()
    await turn

    now = await prometheus.scrape()
    for bound, count in (("5.0", 0), ("10.0", 1)):
        assert now.value("rekku_reply_seconds_bucket", le=bound) == count
    assert now.value("rekku_reply_seconds_sum") == pytest.approx(7, abs=1)


async def test_what_fails_is_counted_apart(bot: Bot, prometheus: Prometheus) -> None:
    bot.model_says(EngineRefused("no credit"))
    await bot.hears("hello", user="ann")
    now = await prometheus.scrape()
    assert now.value("rekku_model_calls_total", engine="scripted", model="", outcome="failed") == 1
    assert now.value("rekku_turns_total", outcome="deferred") == 1
    assert now.value("rekku_engine_up") == 0
    assert now.value("rekku_messages_waiting") == 1


async def test_a_database_that_is_away_is_said_in_a_sentence(
    bot: Bot, owner: Visitor, prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await prometheus.ask())[0] == 200
    outage = Outage(bot, monkeypatch)
    outage.away = True
    assert await prometheus.ask() == (503, '{"error": "The database does not answer. Try again in a moment."}')
    assert (await owner.get("/web/condition"))[0] == 503
    outage.away = False
    assert (await prometheus.ask())[0] == 200


async def test_it_begins_anew_with_each_process_and_two_do_not_meet(
    bot: Bot, prometheus: Prometheus, tmp_path: Path
) -> None:
    bot.model_says("One.")
    await bot.hears("hello", user="ann")
    settings = {"REKKU_PLUGINS": PLUGINS, "WEBUI_PORT": "0", "WEBUI_PASSWORD": PASSWORD}
    assert (await prometheus.scrape()).value("rekku_turns_total", outcome="answered") == 1
    await bot.stop()
    async with bot_at(tmp_path, settings, interfaces=["webui"]) as other:
        visitor = Visitor(address(other))
        await visitor.log_in()
        now = await Prometheus(visitor).scrape()
        assert now.value("rekku_turns_total", outcome="answered") == 0
        await visitor.close()
    assert not any(family.name.startswith("rekku") for family in REGISTRY.collect())


async def test_prometheus_gets_the_newer_form_if_it_asks_for_it(bot: Bot, prometheus: Prometheus) -> None:
    status, text = await prometheus.ask(accept=NEWER)
    assert status == 200
    assert text.endswith("# EOF\n")
    found = Scrape(text, newer_parser.text_string_to_metric_families)
    assert found.families["rekku"].type == "info"
    assert found.value("rekku_components", state="loaded") > 0


async def test_the_page_of_the_documentation_lists_exactly_what_there_is(bot: Bot, prometheus: Prometheus) -> None:
    bot.model_says("One.")
    await bot.hears("hello", user="ann")
    families = (await prometheus.scrape()).families
    rows = re.findall(r"^\| `(rekku\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    listed = {name: (kind, re.findall(r"`(\w+)`", labels)) for name, kind, labels, _ in rows}
    told = {
        (f"{name}_total" if family.type == "counter" else name): (
            family.type,
            sorted({label for sample in family.samples for label in sample.labels} - {"le"}),
        )
        for name, family in families.items()
        if name.startswith("rekku")
    }
    assert {name: (kind, sorted(labels)) for name, (kind, labels) in listed.items()} == told
    assert {f"process_{what}" for what in ("cpu_seconds", "resident_memory_bytes", "open_fds")} <= {*families}
