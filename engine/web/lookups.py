"""Lookups: metrics that are asked of others, the database among them, when Prometheus asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from engine.errors import TenprintError
from engine.service.drift import Drift
from engine.web.memory import workers_bytes

COUNT_EVERY = 15.0  # seconds: galleries are counted no more often
DRIFT_EVERY = 300.0  # seconds: likewise what became of searches, of which there may be millions
Found = TypeVar("Found")

# Fields of a Drift, and what they are.
DRIFT = (
    ("searches", "Searches in the window that nobody was identified by."),
    ("excluded", "Of these, those with a candidate that was excluded."),
    ("open", "Of the others, those with a candidate not decided, or inconclusive."),
    ("promised", "False-positive identification rate that they were to keep."),
    ("observed", "False-positive identification rate that examiners found."),
    ("lower", "Lower 95 % bound of that rate: over the promised one, it drifted."),
    ("upper", "Upper 95 % bound, should every open case be an exclusion."),
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Who knows. lines: how many wait in each line, in memory; tasks: in the database. sizes: how
    many templates each gallery searches. drift: of every gallery."""

    lines: Callable[[], Mapping[str, int]]
    tasks: Callable[[], int]
    sizes: Callable[[], Mapping[str, int]]
    drift: Callable[[], Sequence[Drift]]


class Lookups(Collector):
    """Asks them. What the database does not answer is left out, and said."""

    def __init__(self, sources: Sources) -> None:
        self._lines = sources.lines
        self._tasks = sources.tasks
        self._sizes = _Seldom(sources.sizes, COUNT_EVERY)
        self._drift = _Seldom(sources.drift, DRIFT_EVERY)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield from ()  # nothing is looked up for a registration

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield _gauge("workers_bytes", "Memory of the processes that extract.", workers_bytes())
        waiting = dict(self._lines())
        told: list[GaugeMetricFamily] = []
        try:
            waiting["tasks"] = self._tasks()
            told.append(_by("gallery_templates", "Templates searched.", self._sizes()))
            told.extend(_of_drift(self._drift()))
            answers = 1
        except TenprintError:
            answers = 0
        yield _gauge("database_up", "Whether the database answers: 1 or 0.", answers)
        yield _by("waiting", "Requests that wait.", waiting, label="line")
        yield from told


@dataclass
class _Seldom(Generic[Found]):
    """Asks no more often than so many seconds; in between says what it was told last."""

    ask: Callable[[], Found]
    seconds: float
    _told: list[Found] = field(default_factory=list)
    _at: float = 0.0

    def __call__(self) -> Found:
        if not self._told or time.monotonic() - self._at >= self.seconds:
            self._told, self._at = [self.ask()], time.monotonic()
        return self._told[0]


def _of_drift(found: Sequence[Drift]) -> Iterator[GaugeMetricFamily]:
    for name, text in DRIFT:
        values = {each.gallery: getattr(each, name) for each in found}
        yield _by(f"fpir_{name}", text, values)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"tenprint_{name}", text, value=value)


def _by(
    name: str, text: str, values: Mapping[str, float], label: str = "gallery"
) -> GaugeMetricFamily:
    made = GaugeMetricFamily(f"tenprint_{name}", text, labels=[label])
    for key, value in values.items():
        made.add_metric([key], value)
    return made
