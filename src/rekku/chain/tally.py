"""What this process counts along the road, for whoever asks now and then: numbers in memory that only grow.

To count costs less than a microsecond each time; nothing is stored.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence

from rekku.core.house import Calls, Durations
from rekku.core.model_call import ModelCall

MOST, OTHER = 100, "other"
"""So many models are told apart, as a server may say another name each time; what comes then is counted as one."""
BOUNDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0)
"""Seconds, from a local model that says yes to a person who answers by hand."""


class Spread:
    """How long things took."""

    __slots__ = ("_counts", "_seconds")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self._counts[bisect_left(BOUNDS, seconds)] += 1
        self._seconds += seconds

    def told(self) -> Durations:
        """As it is now."""
        return Durations(BOUNDS, tuple(self._counts), self._seconds)


class CallTally:
    """The calls of models."""

    def __init__(self) -> None:
        self._ended: defaultdict[tuple[str, str], _Ended] = defaultdict(_Ended)

    def add(self, engine: str, call: ModelCall, how: str, seconds: float) -> None:
        """One more call; `how` it ended: answered (in so many seconds), failed, cancelled."""
        which = (engine, call.model)
        if which not in self._ended and len(self._ended) >= MOST:
            which = (engine, OTHER)
        ended = self._ended[which]
        ended.how[how] += 1
        ended.prompt_tokens += call.prompt_tokens
        ended.completion_tokens += call.completion_tokens
        ended.cost += call.cost or 0.0
        if how == "answered":
            ended.spread.add(seconds)

    def told(self) -> Sequence[Calls]:
        """As they are now."""
        return [
            Calls(engine, model, dict(e.how), e.prompt_tokens, e.completion_tokens, e.cost, e.spread.told())
            for (engine, model), e in self._ended.items()
        ]


class _Ended:
    """The calls of one model that are over."""

    __slots__ = ("completion_tokens", "cost", "how", "prompt_tokens", "spread")

    def __init__(self) -> None:
        self.how = {"answered": 0, "failed": 0, "cancelled": 0}
        self.prompt_tokens = self.completion_tokens = 0
        self.cost = 0.0
        self.spread = Spread()
