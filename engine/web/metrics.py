"""Metrics: what Prometheus is told. Names of galleries, never of persons."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
COUNT_EVERY = 15.0  # seconds: galleries are counted no more often
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The figures of one process that serves, for one tenant."""

    def __init__(self, tenant: str = "") -> None:
        """tenant: a label of every figure; "" for no label."""
        self.tenant = tenant
        self.registry = CollectorRegistry()
        own = self.registry
        self.requests = Histogram(
            "tenprint_request_seconds",
            "Time from a request to its answer.",
            ("operation", "status"),
            buckets=SECONDS,
            registry=own,
        )
        self.searches = Counter(
            "tenprint_searches", "Searches that were made and kept.", registry=own
        )
        self.hits = Counter(
            "tenprint_hits", "Candidates over the threshold of their search.", registry=own
        )
        self.refused = Counter(
            "tenprint_refused", "Requests that came at a limit (429).", registry=own
        )
        self.failures = Counter(
            "tenprint_failed_authentications",
            "Tokens and sign-ins of callers that are not who they say.",
            registry=own,
        )
        self.locks = Counter(
            "tenprint_locks", "Callers that were locked, or unlocked.", ("event",), registry=own
        )
        self.deliveries = Counter(
            "tenprint_deliveries",
            "Results delivered to callbacks, or not.",
            ("outcome",),
            registry=own,
        )

    def count(self, counts: Mapping[str, int]) -> None:
        """Counts what a search found."""
        self.searches.inc(counts.get("searches", 0))
        self.hits.inc(counts.get("hits", 0))

    def watch(
        self, lines: Callable[[], Mapping[str, int]], sizes: Callable[[], Mapping[str, int]]
    ) -> None:
        """Adds what is looked up when it is asked for: how many wait in each line, and how many
        templates each gallery searches."""
        self.registry.register(_Looked(lines, sizes))

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(_Labelled(self.registry, self.tenant))


class _Labelled(CollectorRegistry):
    """A registry whose every sample has the tenant's label."""

    def __init__(self, registry: CollectorRegistry, tenant: str) -> None:
        super().__init__()
        self._inner = registry
        self._labels = {"tenant": tenant} if tenant else {}

    def collect(self) -> Iterator[Metric]:
        for family in self._inner.collect():
            family.samples = [
                each._replace(labels={**each.labels, **self._labels}) for each in family.samples
            ]
            yield family


class _Looked(Collector):
    def __init__(
        self, lines: Callable[[], Mapping[str, int]], sizes: Callable[[], Mapping[str, int]]
    ) -> None:
        self._lines = lines
        self._sizes = sizes
        self._counted: Mapping[str, int] = {}
        self._counted_at = -COUNT_EVERY

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield from ()  # nothing is looked up for a registration

    def collect(self) -> Iterator[GaugeMetricFamily]:
        waiting = GaugeMetricFamily("tenprint_waiting", "Requests that wait.", labels=["line"])
        for name, count in self._lines().items():
            waiting.add_metric([name], count)
        yield waiting
        if time.monotonic() - self._counted_at >= COUNT_EVERY:
            self._counted, self._counted_at = self._sizes(), time.monotonic()
        held = GaugeMetricFamily(
            "tenprint_gallery_templates", "Templates that are searched.", labels=["gallery"]
        )
        for name, count in self._counted.items():
            held.add_metric([name], count)
        yield held
