"""The order of work as examiners share it: made once for all of them, corrected meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

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
        self._made: float | None = None

    def cases(self) -> tuple[Queued, ...]:
        """The cases, each at the stage that is known of."""
        with self._lock:
            if self._made is None or time.monotonic() - self._made > self._fresh:
                self._cases = tuple(self._make())
                self._made = time.monotonic()
            return self._cases

    def note(self, case: str, stage: str) -> None:
        """Notes that a case has come to a stage; a closed one is out of the order."""
        with self._lock:
            self._cases = tuple(
                replace(item, hit=replace(item.hit, stage=stage)) if is_it else item
                for item in self._cases
                if not (is_it := item.place.case.case_id == case) or stage != CLOSED
            )
