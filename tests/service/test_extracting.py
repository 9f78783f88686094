"""Extraction for a service: an image that kills its process costs that image alone."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.formats.manifest import PrintRow
from engine.service import extracting
from engine.service.extracting import Extractors
from engine.service.workers import Extracted, Job, Outcome, Refused
from engine.settings import Settings
from engine.types import FingerPosition


def at_work(job: Job, settings: Settings) -> Outcome:
    """Dies of what is called deadly."""
    if job.data == b"deadly":
        os._exit(3)
    return Extracted(job.data, f"process {os.getpid()}", 80)


def job(number: int, data: bytes) -> Job:
    return Job(number, PrintRow("x", FingerPosition.UNKNOWN, Path("x")), data, "")


def test_a_killer_is_found_and_the_others_are_extracted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extracting, "extract_job", at_work)
    extractors = Extractors(2)

    def extract(number: int) -> Outcome:
        (outcome,) = extractors.run([job(number, b"deadly" if number == 3 else b"ok")], Settings())
        return outcome

    with ThreadPoolExecutor(4) as crowd:
        outcomes = list(crowd.map(extract, range(8)))
    assert [type(each) for each in outcomes] == [
        Refused if number == 3 else Extracted for number in range(8)
    ]
    again = extractors.run([job(0, b"a"), job(1, b"b")], Settings())
    assert [each.template for each in again if isinstance(each, Extracted)] == [b"a", b"b"]
    assert str(os.getpid()) not in again[0].maker  # type: ignore[union-attr]
    extractors.close()
    extractors.close()
