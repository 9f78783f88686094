"""The order of work as examiners share it: made once for all of them, corrected meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from engine.service.results import Queued
from engine.store.hits import CLOSED

FRESH_SECONDS = 10.0  # to rank a hundred thousand cases takes some seconds


class WorkOrder:
    """The cases that are not closed, in their order, as of the last `FRESH_SECONDS`. For any
    number of threads, of which one makes it anew."""

    def __init__(self, make: Callable[[], Sequence[Queued]], fresh: float = FRESH_SECONDS) -> None:
        """make: gives the cases in order. fresh: seconds for which that is good enough."""
        self._make = make
        self._fresh = fresh
        self._lock = threading.Lock()
        self._cases: tuple[Queued, ...] = ()
        self._closed: set[str] = set()
        self._made: float | None = None

    def cases(self) -> tuple[Queued, ...]:
        """The cases, without those that `close` was told of since."""
        with self._lock:
            if self._made is None or time.monotonic() - self._made > self._fresh:
                self._closed = set()
                self._cases = tuple(self._make())
                self._made = time.monotonic()
            if not self._closed:
                return self._cases
            return tuple(x for x in self._cases if x.place.case.case_id not in self._closed)

    def note(self, case: str, stage: str) -> None:
        """Notes that a case has come to a stage."""
        if stage == CLOSED:
            with self._lock:
                self._closed.add(case)
