"""Other processes that have the service open on a home, and do what they are told."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from engine import pipeline
from engine.formats.manifest import PrintRow
from engine.service import enrolment
from engine.service import tenprint as service
from engine.service.results import Probe
from engine.service.tenprint import Tenprint
from tests.prints_at_no_cost import extract

Found = tuple[list[str], dict[str, int]]  # persons over the threshold; sequence by gallery


def search(tenprint: Tenprint, row: PrintRow) -> Found:
    """Who is found for a print, and the number that the search saw of each gallery."""
    (searched,) = tenprint.identify([Probe("probe", (row,))]).searches
    assert searched.search is not None
    persons = [found.person for found in searched.search.candidates if found.over_threshold]
    return persons, dict(searched.search.sequences)


def enrol(tenprint: Tenprint, rows: list[PrintRow]) -> tuple[int, int]:
    """How many were new, and how many were there already."""
    report = tenprint.enrol(rows)
    return report.enrolled, report.already


def enrol_each(tenprint: Tenprint, rows: list[PrintRow]) -> Iterator[str]:
    for row in rows:
        tenprint.enrol([row])
        yield row.person


def remove_each(tenprint: Tenprint, persons: list[str]) -> Iterator[str]:
    for person in persons:
        tenprint.remove_person(person)
        yield person


def rebuild(tenprint: Tenprint, times: int) -> None:
    for _ in range(times):
        tenprint.rebuild("default")


class Office:
    """One such process. What it is told it does in the order of telling."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def tell(self, work: Any, *arguments: Any) -> None:
        """Has it call `work(tenprint, *arguments)`, without waiting."""
        self._pipe.send((work, arguments))

    def hear(self) -> Any:
        """The next answer: what the work gave, or each of what it gave one after another and then
        None."""
        answer = self._pipe.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def ask(self, work: Any, *arguments: Any) -> Any:
        self.tell(work, *arguments)
        return self.hear()

    def has_said_something(self) -> bool:
        return self._pipe.poll()


@contextmanager
def office(home: Path) -> Iterator[Office]:
    """A process with the service open on a home, until the block ends."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(home, theirs))
    process.start()
    theirs.close()
    try:
        yield Office(ours)
        ours.send(None)
        process.join()
        assert process.exitcode == 0
    finally:
        process.kill()
        process.join()


def _work(home: Path, pipe: Connection) -> None:
    pipeline.extract = extract  # type: ignore[assignment]
    service.PRINTS_PER_WORKER = 10**9
    enrolment.COMMIT_AFTER = 2
    with Tenprint(home) as tenprint:
        while (told := pipe.recv()) is not None:
            work, arguments = told
            try:
                answer = work(tenprint, *arguments)
                if isinstance(answer, Iterator):
                    for each in answer:
                        pipe.send(each)
                    answer = None
            except Exception as error:
                answer = error
            pipe.send(answer)
