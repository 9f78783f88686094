"""The runner: does the tasks that wait in the database, and delivers their results."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from engine.errors import KeysError, StoreError, TenprintError, UnavailableError
from engine.service.results import Pending
from engine.service.tasks import TaskRow
from engine.stages import ANSWER, stage
from engine.web import faults
from engine.web.callbacks import Callbacks
from engine.web.calls import unpack
from engine.web.desk import Desk
from engine.web.faults import Fault
from engine.web.operations import BY_NAME, Kind

CLEAR_EVERY = 3600.0  # seconds
AFTER_TROUBLE = 5.0  # seconds, where the database cannot be read
UNAVAILABLE = 503  # a fault that says to come again
# It may be what ends the processes that try it: each that starts would end with it.
GIVEN_UP = Fault(500, "given up: processes that did it ended again and again; tell us when")

log = logging.getLogger(__name__)


class Runner:
    """Threads that do and deliver tasks, also those of processes that died."""

    def __init__(self, desk: Desk, callbacks: Callbacks) -> None:
        self._desk = desk
        self._tasks = desk.tasks
        self._limits = desk.limits
        self._callbacks = callbacks
        self._stop = threading.Event()
        self._woken = threading.Condition()
        self._held: set[int] = set()
        self._lock = threading.Lock()
        self._threads = [
            *self._make("task", self._do_one, self._limits.task_threads),
            *self._make("deliver", self._deliver_one, self._limits.deliver_threads),
            threading.Thread(target=self._keep_house, name="house", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Says that there is something new."""
        with self._woken:
            self._woken.notify_all()

    def close(self) -> None:
        """Waits for what is at work; what waits stays in the database."""
        self._stop.set()
        self.wake()
        for thread in self._threads:
            thread.join()

    def _make(self, name: str, step: Callable[[], bool], count: int) -> list[threading.Thread]:
        def run() -> None:
            while not self._stop.is_set():
                try:
                    busy = step()
                except TenprintError as error:
                    log.error("tasks cannot be read or kept", exc_info=error)
                    self._stop.wait(AFTER_TROUBLE)
                    continue
                except Exception as error:
                    log.error("task failed", exc_info=error)
                    self._stop.wait(AFTER_TROUBLE)
                    continue
                if not busy:
                    with self._woken:
                        self._woken.wait(self._limits.look_again)

        return [
            threading.Thread(target=run, name=f"{name}-{number}", daemon=True)
            for number in range(count)
        ]

    def _do_one(self) -> bool:
        task = self._tasks.next_to_do(self._limits.hold)
        if task is None:
            return False
        self._hold(task)
        try:
            if task.runs > self._limits.task_runs:
                log.error("a task that was begun %d times is given up", task.runs - 1)
                self._tasks.done(task, _as_bytes(GIVEN_UP), failed=True)
            elif _only_reads(task):
                self._tasks.leave(task)
            else:
                result, failed = self._result_of(task)
                self._tasks.done(task, result, failed=failed)
        except (KeysError, UnavailableError):  # no fault of the task
            with suppress(StoreError):
                self._tasks.excuse(task)
            raise
        finally:
            self._let_go(task)
        self.wake()
        return True

    def _result_of(self, task: TaskRow) -> tuple[bytes, bool]:
        pending = Pending(task.id, task.name)
        with self._desk.watching.task(task.operation) as watched:
            try:
                request = self._tasks.request_of(task)
                asked = unpack(task.operation, task.operator, request, pending)
                reply = self._desk.perform(asked)
            except (KeysError, UnavailableError):
                raise  # another process may have the key or the database, or this one soon
            except StoreError as error:
                fault = faults.of(error)
            except Fault as error:
                if error.status == UNAVAILABLE:  # it was accepted, so it is done some time
                    raise UnavailableError("the database does not answer") from error
                fault = error
            else:
                watched.status = reply.status
                with stage(ANSWER):
                    return reply.for_callback(), False
            watched.status = fault.status
            return _as_bytes(fault), True

    def _deliver_one(self) -> bool:
        task = self._tasks.next_to_deliver(self._limits.hold)
        if task is None:
            return False
        self._hold(task)
        try:
            trouble, again = self._deliver(task)
            if trouble is None:
                self._tasks.delivered(task)
            else:
                self._tasks.undelivered(task, trouble, again)
            outcome = "delivered" if trouble is None else "failed"
            self._desk.metrics.deliveries.labels(outcome).inc()
        finally:
            self._let_go(task)
        return True

    def _deliver(self, task: TaskRow) -> tuple[str | None, timedelta | None]:
        """(Why a result was not taken or None, when to try again or None)."""
        failed = task.failed
        try:
            if task.result is None:
                result, failed = self._result_of(task)
            else:
                result = self._tasks.result_of(task)
        except KeysError:
            raise
        except StoreError as error:
            log.error("a result cannot be delivered: %s", error)
            return "the sealed result is damaged", None
        trouble = self._callbacks.deliver(task, result, failed=failed)
        return trouble, self._callbacks.again(task.attempts + 1)

    def _keep_house(self) -> None:
        """Holds on to what is at work, and clears away what is old."""
        cleared = -CLEAR_EVERY
        while not self._stop.wait(self._limits.hold.total_seconds() / 3):
            try:
                with self._lock:
                    held = list(self._held)
                self._tasks.hold_on(held, self._limits.hold)
                if time.monotonic() - cleared >= CLEAR_EVERY:
                    self._tasks.clear_away(self._limits.keep_tasks)
                    cleared = time.monotonic()
            except TenprintError as error:
                log.error("tasks cannot be held", exc_info=error)

    def _hold(self, task: TaskRow) -> None:
        with self._lock:
            self._held.add(task.id)

    def _let_go(self, task: TaskRow) -> None:
        with self._lock:
            self._held.discard(task.id)


def _as_bytes(fault: Fault) -> bytes:
    return json.dumps(fault.content).encode()


def _only_reads(task: TaskRow) -> bool:
    return BY_NAME[task.operation].kind is Kind.READ
