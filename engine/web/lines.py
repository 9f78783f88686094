"""Lines: work that waits its turn, the highest priority first, in a bounded number."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from engine import stages
from engine.web.faults import busy

Given = TypeVar("Given")
Heard = tuple[stages.Listener, ...]

SMOOTHING = 0.1  # weight of the newest duration in the mean
FIRST_GUESS = 0.5  # seconds that one piece of work takes, until that is known


class Line(Generic[Given]):
    """Threads that serve what is put into the line. Whatever was taken in is served, also when the
    line is closed."""

    def __init__(
        self,
        name: str,
        serve: Callable[[Sequence[Given]], Sequence[Any]],
        *,
        threads: int,
        waiting: int,
        batch: int = 1,
    ) -> None:
        """serve: gives the result of each of at most `batch` pieces; a result that is an Exception
        is raised where it was asked for. waiting: most pieces that wait."""
        self.name = name
        self._serve = serve
        self._most = waiting
        self._batch = batch
        self._heap: list[tuple[int, int, int, Heard, Given, Future[Any]]] = []
        self._counter = itertools.count()
        self._changed = threading.Condition()
        self._closed = False
        self._mean = FIRST_GUESS
        self._threads = [
            threading.Thread(target=self._run, name=f"{name}-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def __len__(self) -> int:
        """How many pieces wait."""
        return len(self._heap)

    def put(self, given: Given, priority: int) -> Future[Any]:
        """Puts a piece in line; a Fault 429 where too many wait already."""
        with self._changed:
            if self._closed or len(self._heap) >= self._most:
                share = len(self._threads) * self._batch
                raise busy("the service is at its limit", len(self._heap) * self._mean / share)
            future: Future[Any] = Future()
            place = (-priority, next(self._counter), stages.clock(), stages.listeners())
            heapq.heappush(self._heap, (*place, given, future))
            self._changed.notify()
            return future

    def close(self) -> None:
        """Takes nothing in any more, and waits until all is served."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while taken := self._take():
            began = time.monotonic()
            try:
                with stages.heard_by(each for heard, _, _ in taken for each in heard):
                    results = self._serve([given for _, given, _ in taken])
            except Exception as error:
                results = [error] * len(taken)
            for (_, _, future), result in zip(taken, results, strict=True):
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
            took = (time.monotonic() - began) / len(taken)
            self._mean += SMOOTHING * (took - self._mean)

    def _take(self) -> list[tuple[Heard, Given, Future[Any]]]:
        """The next pieces; none when the line is closed and empty."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._heap or self._closed)
                if not self._heap:
                    return []
                taken: list[tuple[Heard, Given, Future[Any]]] = []
                while self._heap and len(taken) < self._batch:
                    _, _, since, heard, given, future = heapq.heappop(self._heap)
                    if future.set_running_or_notify_cancel():  # False where nobody waits any more
                        stages.tell(heard, stages.WAIT + self.name, since)
                        taken.append((heard, given, future))
                if taken:
                    return taken


def call(pieces: Sequence[Callable[[], Any]]) -> list[Any]:
    """Serves pieces that are functions of nothing."""
    results: list[Any] = []
    for piece in pieces:
        try:
            results.append(piece())
        except Exception as error:
            results.append(error)
    return results
