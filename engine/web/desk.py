"""The desk: everything that serves, wired together: lines, operations, worker processes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from engine.errors import ConflictError, NotFoundError
from engine.service.answering import Asked
from engine.service.extracting import Extractors
from engine.service.tenprint import DEFAULT_POLICY, Tenprint
from engine.web import faults, logs
from engine.web.calls import Call, Reply
from engine.web.faults import Fault
from engine.web.limits import Limits
from engine.web.lines import Line, call
from engine.web.logs import JsonLines
from engine.web.lookups import Sources
from engine.web.metrics import Metrics
from engine.web.operations import BY_NAME, Kind, methods
from engine.web.persons import Persons
from engine.web.searches import Searches
from engine.web.telemetry import Telemetry
from engine.web.watching import Watching

log = logging.getLogger(__name__)


class Desk:
    """What one process does for its clients. Close it: all that was taken in is answered then."""

    def __init__(
        self,
        tenprint: Tenprint,
        *,
        workers: int = 0,
        extractors: Extractors | None = None,
        policy: str | Path = DEFAULT_POLICY,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        tenant: str = "",
        telemetry: Telemetry = Telemetry(),  # noqa: B008 (has no state)
    ) -> None:
        """workers: processes that extract; 0 extracts in threads of this one. extractors: those of
        several desks, instead, which stay the caller's to close. tenant: whose desk it is."""
        self.limits = limits
        self.metrics = Metrics(tenant)
        self.watching = Watching(self.metrics, telemetry)
        self._telemetry = telemetry
        self.tasks = tenprint.task_list()
        self._is_owner = extractors is None
        self._extractors = extractors or Extractors(workers, JsonLines())
        encounters = tenprint.encounters(self._extractors)
        answering = tenprint.answering(policy)
        self._search: Line[Asked] = Line(
            "search",
            answering.answer,
            threads=limits.search_threads,
            waiting=limits.search_waiting,
            batch=limits.search_batch,
        )
        self._work: Line[Callable[[], Any]] = Line(
            "work", call, threads=limits.work_threads, waiting=limits.work_waiting
        )
        self._read: Line[Callable[[], Any]] = Line(
            "read", call, threads=limits.read_threads, waiting=limits.read_waiting
        )
        self._warm = threading.Event()
        self._warming = threading.Thread(
            target=self._warm_up, args=(answering.warm,), name="warm", daemon=True
        )
        searches = Searches(encounters, answering, self._search.put, limits)
        self.examining = tenprint.examining(policy)
        self._methods = methods(Persons(encounters, limits), searches)
        self.metrics.watch(
            Sources(
                lines=self._waiting,
                tasks=lambda: self.tasks.load()[0],
                sizes=answering.sizes,
                drift=tenprint.drift,
            )
        )

    @property
    def is_warm(self) -> bool:
        """Whether the first search takes as long as any other."""
        return self._warm.is_set()

    def warm(self) -> None:
        """Begins to load the galleries."""
        self._warming.start()

    def begin(self, asked: Call) -> Future[Reply]:
        """Puts a call in its line; a Fault 429 where that is full."""
        kind = BY_NAME[asked.operation].kind
        return self.put(kind, lambda: self.perform(asked), asked.priority)

    def put(self, kind: Kind, work: Callable[[], Any], priority: int) -> Future[Any]:
        """Puts any work in a line, likewise."""
        line = self._read if kind is Kind.READ else self._work
        return line.put(work, priority)

    def perform(self, asked: Call) -> Reply:
        """Does a call, in this thread. Raises Faults alone."""
        operation = BY_NAME[asked.operation]
        try:
            _ = asked.transaction
            reply = self._methods[asked.operation](asked)
        except ConflictError as error:
            raise _with_status(faults.of(error), operation.conflict) from error
        except NotFoundError as error:
            raise _with_status(faults.of(error), operation.missing) from error
        except Exception as error:
            raise faults.of(error) from error
        self.metrics.count(reply.counts)
        return reply

    def close(self) -> None:
        """Answers what was taken in, then ends."""
        for line in (self._work, self._read, self._search):
            line.close()
        if self._is_owner:
            self._extractors.close()
            self._telemetry.close()

    def _warm_up(self, work: Callable[[], None]) -> None:
        began = time.monotonic()
        try:
            work()
        except Exception as error:  # each search will say what is wrong with its galleries
            log.error("a gallery cannot be loaded", exc_info=error)
        logs.event("warm", ms=round(1000 * (time.monotonic() - began)))
        self._warm.set()

    def _waiting(self) -> Mapping[str, int]:
        lines: Sequence[Line[Any]] = (self._work, self._read, self._search)
        return {line.name: len(line) for line in lines}


def _with_status(fault: Fault, status: int) -> Fault:
    return Fault(status, fault.message, fault.headers)
