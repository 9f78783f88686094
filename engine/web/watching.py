"""Watching: one request or task at work, told to metrics and telemetry by the same stages."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from engine.stages import heard_by
from engine.web.metrics import Metrics
from engine.web.operations import Operation
from engine.web.telemetry import Telemetry

FAILED = 500  # of work that ended otherwise than with a status


@dataclass
class Watched:
    """A request at work. metrics: those that are told of it, which change once it is known whose
    request it is. status: say it before the block ends. seconds: known after that."""

    metrics: Metrics
    status: int = FAILED
    seconds: float = 0.0


class Watching:
    """Tells what happens to requests and tasks."""

    def __init__(self, metrics: Metrics, telemetry: Telemetry) -> None:
        self._metrics = metrics
        self._telemetry = telemetry

    @contextmanager
    def request(self, operation: Operation, headers: Mapping[str, str]) -> Iterator[Watched]:
        """A request from its beginning to its answer."""
        with self._request(operation.name, operation.method, operation.path, headers) as watched:
            yield watched

    @contextmanager
    def page(self, method: str, route: str, headers: Mapping[str, str]) -> Iterator[Watched]:
        """A request for a page, likewise. route: as it is written, without ids."""
        with self._request(f"{method} {route}", method, route, headers) as watched:
            yield watched

    @contextmanager
    def _request(
        self, name: str, method: str, route: str, headers: Mapping[str, str]
    ) -> Iterator[Watched]:
        facts = {"http.request.method": method, "http.route": route}
        with self._watch(name, headers, facts) as watched:
            yield watched
        watched.metrics.requests.labels(name, str(watched.status)).observe(watched.seconds)
        if watched.status == 429:
            watched.metrics.refused.inc()

    @contextmanager
    def task(self, operation: str) -> Iterator[Watched]:
        """A task from its beginning to its result."""
        with self._watch(f"task {operation}", None, {}) as watched:
            yield watched
        outcome = "done" if watched.status < 400 else "failed"
        self._metrics.tasks.labels(operation, outcome).observe(watched.seconds)

    @contextmanager
    def _watch(
        self, name: str, headers: Mapping[str, str] | None, facts: Mapping[str, str]
    ) -> Iterator[Watched]:
        watched, began = Watched(self._metrics), time.monotonic()
        span = self._telemetry.begin(name, headers, **facts)
        try:
            with heard_by((lambda *told: watched.metrics.took(*told), span.took)):
                yield watched
        finally:
            watched.seconds = time.monotonic() - began
            span.end(watched.status)
