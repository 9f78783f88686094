"""Extraction for a service: worker processes that stay, and outlive the image that kills one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

from engine.service.workers import (
    Job,
    Outcome,
    Refused,
    extract_job,
    lone_pool,
    make_pool,
    send,
)
from engine.settings import Settings

log = logging.getLogger(__name__)


class Extractors:
    """Worker processes for any number of threads; callers bound how many of them call at once."""

    def __init__(self, workers: int, form: logging.Formatter | None = None) -> None:
        """workers: processes; 0 extracts in the calling thread. form: of the processes' logs."""
        self._workers = workers
        self._form = form
        self._lock = threading.Lock()
        self._alone = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def run(self, jobs: Sequence[Job], settings: Settings) -> list[Outcome]:
        """The outcome of every job, in their order. SettingsError where none could be extracted."""
        work = partial(extract_job, settings=settings)
        if not self._workers:
            return [work(job) for job in jobs]
        sent: list[Future[Outcome]] = [self._send(work, job) for job in jobs]
        return [self._wait(future, work, job) for future, job in zip(sent, jobs, strict=True)]

    def close(self) -> None:
        """Waits for the jobs at work, and ends the processes."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool:
            pool.shutdown(wait=True, cancel_futures=False)

    def _send(self, work: partial[Outcome], job: Job) -> Future[Outcome]:
        with self._lock:  # to start a process sets the environment for a moment
            if self._pool is None:
                self._pool = make_pool(self._workers, self._form)
            return send(self._pool, work, job)

    def _wait(self, future: Future[Outcome], work: partial[Outcome], job: Job) -> Outcome:
        try:
            return future.result()
        except BrokenProcessPool:
            self._drop_broken()
        # One of those at work killed its process: who it was shows when each is tried by itself.
        with self._alone:
            with self._lock:
                pool = lone_pool(self._form)
            try:
                return send(pool, work, job).result()
            except BrokenProcessPool:
                log.error("the extracting process died on an image")
                return Refused("the extracting process died on this image (out of memory?)")
            finally:
                pool.shutdown(wait=True, cancel_futures=True)

    def _drop_broken(self) -> None:
        with self._lock:
            pool = self._pool
            if pool is None:
                return
            probe = send(pool, abs, 0)
            if probe.done() and isinstance(probe.exception(), BrokenProcessPool):
                self._pool = None
                pool.shutdown(wait=False, cancel_futures=True)
