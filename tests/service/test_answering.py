"""Answers to many clients at once are those that each would have got alone, each on record."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from engine.errors import UseError
from engine.formats.images import read_image
from engine.service.answering import Answer, Asked
from engine.service.results import ProbeFinger, Use
from engine.service.tenprint import Tenprint
from engine.settings import Settings
from engine.store import purposes, searches, submissions
from tests.prints_at_no_cost import Row, extract

USE = Use(operator="client", source="test")


def asked(row, finger: int, use: Use = USE) -> Asked:
    image = read_image(row.path.read_bytes(), ppi=500.0)
    template = extract(image, Settings())
    return Asked((ProbeFinger(row, f"{finger:064x}", template),), "default", 5, use)


def told(answer: object) -> list[tuple[object, ...]]:
    assert isinstance(answer, Answer) and answer.search is not None
    return [(c.person, c.rank, c.score, c.gap, c.llr) for c in answer.search.candidates]


def test_a_batch_is_answered_as_one_by_one(tenprint: Tenprint, make_row: Row) -> None:
    tenprint.enrol([make_row(f"P{number}", number) for number in range(9)])
    answering = tenprint.answering()
    batch = [asked(make_row("probe", number), number) for number in (3, 7, 3, 40, 8)]
    alone = [told(answering.answer([each])[0]) for each in batch]
    together = answering.answer(batch)
    assert [told(each) for each in together] == alone
    assert alone[0][0][0] == "P3" and alone[1][0][0] == "P7"
    found: dict[int, list[list[tuple[object, ...]]]] = {}

    def ask(number: int) -> None:
        found[number] = [told(each) for each in answering.answer(batch)]

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == dict.fromkeys(range(3), alone)
    with tenprint._database.read() as connection:
        kept = searches.read(connection, 100)
        lines = [line for line in submissions.read(connection) if line.verb == "identify"]
    assert len(kept) == len(lines) == 5 * 5
    assert len({each.submission_id for each in kept}) == 25
    assert all(line.finished_at and line.outcome.startswith("1 search") for line in lines)
    assert tenprint.audit.verify().broken is None


def test_one_that_is_not_allowed_does_not_hinder_the_others(
    tenprint: Tenprint, make_row: Row
) -> None:
    tenprint.enrol([make_row(f"P{number}", number) for number in range(4)])
    tenprint.audit.allow(["booking"])
    answering = tenprint.answering()
    good = replace(USE, purpose="booking")
    probes = [make_row("probe", number) for number in range(3)]
    first, refused, last = answering.answer(
        [asked(probes[0], 0, good), asked(probes[1], 1), asked(probes[2], 2, good)]
    )
    assert isinstance(refused, UseError)
    assert (told(first)[0][0], told(last)[0][0]) == ("P0", "P2")
    with tenprint._database.read() as connection:
        assert purposes.allowed(connection) == ("booking",)
        outcomes = [line.outcome for line in submissions.read(connection, 3)]
    assert sorted(each.split(":")[0] for each in outcomes)[-1] == "refused"
    assert tenprint.audit.verify().broken is None


def test_what_fails_half_way_is_on_record_as_failed(
    tenprint: Tenprint, make_row: Row, monkeypatch
) -> None:
    tenprint.enrol([make_row("P1", 1)])
    answering = tenprint.answering()

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("engine.service.answering.write_down", fail)
    with pytest.raises(MemoryError):
        answering.answer([asked(make_row("probe", 1), 1)] * 2)
    with tenprint._database.read() as connection:
        lines = submissions.read(connection, 2)
        assert searches.read(connection) == []
    assert [(line.outcome, line.finished_at is not None) for line in lines] == [
        ("failed", True)
    ] * 2
    assert tenprint.audit.verify().broken is None
