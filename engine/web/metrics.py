"""Metrics: what Prometheus is told. Names of galleries, never of persons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import Metric

from engine.web.lookups import Lookups, Sources

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
STAGE_SECONDS = (0.0005, 0.001, 0.0025, *SECONDS)  # a stage may be much shorter than its request
NANO = 1e-9
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
            "Time from a request to its answer; of a page the operation is its route.",
            ("operation", "status"),
            buckets=SECONDS,
            registry=own,
        )
        self.tasks = Histogram(
            "tenprint_task_seconds",
            "Time from the beginning of a task, which was kept for later, to its result.",
            ("operation", "outcome"),
            buckets=SECONDS,
            registry=own,
        )
        self.stages = Histogram(
            "tenprint_stage_seconds",
            "Time that a request or task spent in a stage.",
            ("stage",),
            buckets=STAGE_SECONDS,
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
        ProcessCollector(registry=own)  # memory, processor time and open files, on Linux

    def count(self, counts: Mapping[str, int]) -> None:
        """Counts what a search found."""
        self.searches.inc(counts.get("searches", 0))
        self.hits.inc(counts.get("hits", 0))

    def took(self, stage: str, began: int, ended: int) -> None:
        """Counts a stage: a listener of `engine.stages`."""
        self.stages.labels(stage).observe((ended - began) * NANO)

    def watch(self, sources: Sources) -> None:
        """Adds what is looked up when it is asked for."""
        self.registry.register(Lookups(sources))

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
