"""What is told to Prometheus, as its own library writes it. Imported when somebody asks, not before.

Names: https://prometheus.io/docs/practices/naming/
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from rekku.core.house import Calls, Condition, Durations, Part, Tally

Counts = Iterable[tuple[Sequence[str], float]]


@dataclass(frozen=True, slots=True)
class Seen:
    """Rekku at one moment."""

    condition: Condition
    parts: Sequence[Part]
    tally: Tally
    pages: int
    waiting: int


def written(seen: Seen, accept: str) -> tuple[bytes, str]:
    """The text in the form that is wanted, and the name of the form.

    The registry is of this answer alone: two pages in one process do not meet in it.
    """
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Figures(seen))
    write, form = choose_encoder(accept)
    return write(registry), form


class _Figures(Collector):
    """Gives what was seen to the library."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def collect(self) -> Iterable[Metric]:
        """All families."""
        yield from _state(self._seen)
        yield from _messages(self._seen.tally)
        yield from _calls(self._seen.tally.calls)


def _state(seen: Seen) -> Iterable[Metric]:
    now = seen.condition
    about = {"version": now.version, "database": now.database}
    yield InfoMetricFamily("rekku", "Version of Rekku, and the database in use.", about)
    yield _gauge("rekku_engine_up", "Whether an engine answers.", 0 if now.down else 1)
    yield _gauge("rekku_messages_waiting", "Messages that wait for an answer.", now.open)
    yield _gauge("rekku_messages_undelivered", "Messages of Rekku that wait for their chat.", now.to_deliver)
    yield _gauge("rekku_turns_running", "Turns that run.", now.running)
    yield _gauge("rekku_pages_open", "Web pages that are open.", seen.pages)
    yield _gauge("rekku_desk_waiting", "Prompts that wait for the owner's words.", seen.waiting)
    family = GaugeMetricFamily("rekku_components", "Components by their state.", labels=["state"])
    states = Counter({"loaded": 0, "failed": 0, "ill": 0})
    states.update("ill" if part.health else part.state for part in seen.parts)
    for state, count in states.items():
        family.add_metric([state], count)
    yield family


def _messages(tally: Tally) -> Iterable[Metric]:
    heard = {(name,): count for name, count in tally.heard.items()}
    turns = {(how,): count for how, count in tally.turns.items()}
    yield _counter("rekku_messages_heard", "Messages of people.", ["interface"], heard.items())
    yield _counter(
        "rekku_messages_sent", "Messages of Rekku that are over.", ["interface", "outcome"], tally.sent.items()
    )
    yield _counter("rekku_turns", "Turns that are over.", ["outcome"], turns.items())
    family = HistogramMetricFamily("rekku_reply_seconds", "From hearing a message until its reply has arrived.")
    family.add_metric([], *_buckets(tally.replies))
    yield family


def _calls(calls: Sequence[Calls]) -> Iterable[Metric]:
    ended = {(c.engine, c.model, how): count for c in calls for how, count in c.ended.items()}
    tokens = {(c.engine, c.model, "prompt"): c.prompt_tokens for c in calls}
    tokens |= {(c.engine, c.model, "completion"): c.completion_tokens for c in calls}
    labels = ["engine", "model"]
    yield _counter("rekku_model_calls", "Calls of models.", [*labels, "outcome"], ended.items())
    yield _counter("rekku_model_tokens", "Tokens that models read and wrote.", [*labels, "kind"], tokens.items())
    costs = {(c.engine, c.model): c.cost for c in calls}
    yield _counter(
        "rekku_model_cost_dollars", "What answered calls cost, where a price is known.", labels, costs.items()
    )
    family = HistogramMetricFamily("rekku_model_call_seconds", "What calls took that were answered.", labels=labels)
    for call in calls:
        family.add_metric([call.engine, call.model], *_buckets(call.durations))
    yield family


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value)


def _counter(name: str, what: str, labels: Sequence[str], counts: Counts) -> Metric:
    family = CounterMetricFamily(name, what, labels=labels)
    for values, count in counts:
        family.add_metric(values, count)
    return family


def _buckets(durations: Durations) -> tuple[list[tuple[str, float]], float]:
    """The buckets as Prometheus has them, each with all that is below it, and the sum."""
    found, below = [], 0
    for bound, count in zip([*map(str, durations.bounds), "+Inf"], durations.counts, strict=True):
        below += count
        found.append((bound, float(below)))
    return found, durations.seconds
