"""Extracts prints in worker processes: a bounded number in flight, and none can stop the rest."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import wait as wait_for
from typing import TypeVar

import cv2

from engine import pipeline
from engine.errors import InputError, TenprintError
from engine.formats import template as template_format
from engine.formats.images import read_image
from engine.formats.manifest import PrintRow
from engine.settings import THREAD_VARIABLES, Settings

IN_FLIGHT = 3  # jobs for each worker: one at work, the others waiting or done

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A print to extract. number: its place in the batch. data: the bytes of its file. sha256:
    hex, of data."""

    number: int
    row: PrintRow
    data: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """A template in the form of formats.template, and what the database asks about it."""

    template: bytes
    maker: str
    quality: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a print gave no template."""

    reason: str


Outcome = Extracted | Refused
Given = TypeVar("Given")
Made = TypeVar("Made")


def extract_job(job: Job, settings: Settings) -> Outcome:
    """Extracts one print; what is wrong with it becomes a Refused. SettingsError where no print
    could be extracted."""
    try:
        image = read_image(
            job.data,
            ppi=job.row.ppi,
            position=job.row.position,
            name=str(job.row.path),
            limits=settings.images,
        )
        template = pipeline.extract(image, settings)
        return Extracted(template_format.encode(template), str(template.maker), template.quality)
    except InputError as error:
        return Refused(error.reason)
    except TenprintError:
        raise
    except Exception as error:
        # A defect met by one image must cost that image, not the batch: say so and go on.
        log.error("%s: extraction failed", job.row.path, exc_info=error)
        # Its words may hold paths, and a client of the service reads this.
        return Refused(f"extraction failed ({type(error).__name__}); please report it")


def extract_all(
    jobs: Iterable[Job], settings: Settings, workers: int
) -> Generator[tuple[Job, Outcome], None, None]:
    """The outcome of every job, in the order in which they end.

    One worker extracts in this process. More are processes of one thread each; where one dies,
    the prints that were at work are tried again one by one, and that which kills again is refused.
    Jobs are taken as workers come free, so they may be made as they are needed.
    """
    work = partial(extract_job, settings=settings)
    if workers <= 1:
        for job in jobs:
            yield job, work(job)
        return
    crew = Crew(work, workers)
    try:
        for job in jobs:
            crew.submit(job)
            while len(crew.running) >= IN_FLIGHT * workers:
                yield from crew.finished()
        while crew.running:
            yield from crew.finished()
    finally:
        crew.dismiss()


class Crew:
    """Worker processes and the jobs they are at."""

    def __init__(self, work: Callable[[Job], Outcome], workers: int) -> None:
        self.running: dict[Future[Outcome], Job] = {}
        self._work = work
        self._workers = workers
        self._pool = make_pool(workers)

    def submit(self, job: Job) -> None:
        """Gives a job to whoever comes free."""
        self.running[send(self._pool, self._work, job)] = job

    def finished(self) -> Iterator[tuple[Job, Outcome]]:
        """Waits until something is done, and gives it."""
        done, _ = wait(self.running, return_when=FIRST_COMPLETED)
        try:
            results = [(future, future.result()) for future in done]
        except BrokenProcessPool:
            yield from self._one_by_one()
            return
        for future, outcome in results:
            yield self.running.pop(future), outcome

    def dismiss(self) -> None:
        """Drops the jobs not begun, waits for those at work."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _one_by_one(self) -> Iterator[tuple[Job, Outcome]]:
        """Tries each job that was at work alone, to find the one that killed its worker."""
        suspects = list(self.running.values())
        self.running.clear()
        self.dismiss()
        self._pool = lone_pool()
        for job in suspects:
            try:
                outcome = send(self._pool, self._work, job).result()
            except BrokenProcessPool:
                log.error("%s: the extracting process died", job.row.path)
                outcome = Refused("the extracting process died on this image (out of memory?)")
                self._pool = lone_pool()
            yield job, outcome
        self.dismiss()
        self._pool = make_pool(self._workers)


def make_pool(workers: int, form: logging.Formatter | None = None) -> ProcessPoolExecutor:
    """Worker processes of one thread each, not started before the first job. form: of logs."""
    # Processes started afresh: a fork would copy locks that other threads hold.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, _prepare_worker, (form,))


def lone_pool(form: logging.Formatter | None = None) -> ProcessPoolExecutor:
    """One worker that is known to live; TenprintError where none can."""
    pool = make_pool(1, form)
    try:
        send(pool, abs, 0).result()
    except BrokenProcessPool as error:
        raise TenprintError(
            "extracting processes cannot be started here: extract in one process with --workers 1"
        ) from error
    return pool


def send(pool: ProcessPoolExecutor, work: Callable[[Given], Made], job: Given) -> Future[Made]:
    """Submits a job; to a broken pool, gives a future that says so, as a job at work would."""
    try:
        with _birth_of_workers():
            return pool.submit(work, job)
    except BrokenProcessPool as error:
        failed: Future[Made] = Future()
        failed.set_exception(error)
        return failed


@contextmanager
def _birth_of_workers() -> Iterator[None]:
    """Processes started inside compute with one thread, and leave Ctrl-C to this process."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _prepare_worker(form: logging.Formatter | None) -> None:
    """Runs first in each worker: one thread, and no life beyond that of the parent."""
    cv2.setNumThreads(1)
    if form:
        logging.basicConfig()
        logging.getLogger().handlers[0].setFormatter(form)
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=_die_with, args=(parent.sentinel,), daemon=True).start()


def _die_with(sentinel: int) -> None:
    wait_for([sentinel])
    os._exit(1)
