"""Worker processes: every job has an outcome, whatever becomes of the worker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import TenprintError
from engine.formats.manifest import PrintRow
from engine.service import workers
from engine.service.workers import Crew, Extracted, Job, Outcome, Refused, extract_all
from engine.settings import Settings
from engine.types import FingerPosition


def job(number: int, data: bytes) -> Job:
    row = PrintRow("P", FingerPosition.UNKNOWN, Path(f"{number}.png"))
    return Job(number, row, data, "")


def work(given: Job) -> Outcome:
    if given.data == b"deadly":
        os._exit(1)
    return Extracted(given.data, str(os.getpid()), os.environ["OMP_NUM_THREADS"] == "1")


def test_a_print_that_kills_its_worker_costs_only_itself() -> None:
    crew = Crew(work, 1)
    for number, data in enumerate([b"a", b"b", b"deadly", b"c"]):
        crew.submit(job(number, data))
    outcomes: dict[int, Outcome] = {}
    while crew.running:
        outcomes |= {done.number: outcome for done, outcome in crew.finished()}
    crew.submit(job(4, b"d"))
    ((_, last),) = crew.finished()
    crew.dismiss()
    assert isinstance(outcomes[2], Refused)
    assert "died on this image" in outcomes[2].reason
    others = [outcomes[0], outcomes[1], outcomes[3], last]
    assert [isinstance(one, Extracted) and one.template for one in others] == [
        b"a",
        b"b",
        b"c",
        b"d",
    ]
    # Elsewhere than here, on one thread.
    assert all(isinstance(o, Extracted) and o.maker != str(os.getpid()) for o in others)
    assert all(isinstance(o, Extracted) and o.quality for o in others)


def test_workers_that_cannot_start_are_not_blamed_on_the_prints(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workers, "_prepare_worker", stillborn)
    jobs = [job(number, b"no image") for number in range(3)]
    with pytest.raises(TenprintError, match="--workers 1"):
        list(extract_all(jobs, Settings(), 2))


def stillborn(_form: object) -> None:
    os._exit(1)


def test_processes_and_this_one_say_the_same() -> None:
    jobs = [job(number, b"no image") for number in range(9)]
    settings = Settings(extractor="gabor")
    here = {done.number: outcome for done, outcome in extract_all(jobs, settings, 1)}
    there = {done.number: outcome for done, outcome in extract_all(jobs, settings, 2)}
    assert here == there
    assert all(isinstance(outcome, Refused) for outcome in here.values())
    assert len(here) == 9


def test_jobs_are_taken_as_they_are_needed() -> None:
    taken: list[int] = []

    def jobs() -> object:
        for number in range(100):
            taken.append(number)
            yield job(number, b"no image")

    outcomes = extract_all(jobs(), Settings(), 1)  # type: ignore[arg-type]
    next(outcomes)
    outcomes.close()
    assert taken == [0]
