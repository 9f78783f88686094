"""Statistics: what came in and what was decided, as plain rows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.store import decisions, submissions
from engine.store.database import Database
from engine.store.statistics import CaseRow, Identification, cases
from engine.store.statistics import submissions as identifications
from tests.store.conftest import Clock
from tests.store.invented import hit, identify, search


@pytest.fixture
def filled(database: Database, clock: Clock) -> Database:
    """At noon XX looks for two persons, a second later YY for nobody, then for P3."""
    with database.write() as writer:
        first = identify(writer, "XX")
        search(writer, first, hit("P1", 1), hit("P1", 2, gallery="other"), hit("P2", 3))
        search(writer, first, hit("P9", 1, over=False))
        submissions.begin(writer, "enrol", jurisdiction="XX")
        clock.tick()
        identify(writer, "YY")
        search(writer, identify(writer, "YY"), hit("P3", 1))
    return database


def test_submissions_are_counted_with_their_searches(filled: Database, clock: Clock) -> None:
    later = clock.time
    noon = clock.tick(-1)
    with filled.read() as connection:
        first = Identification(1, "XX", noon, 2)
        second, third = Identification(3, "YY", later, 0), Identification(4, "YY", later, 1)
        assert identifications(connection) == [first, second, third]
        assert identifications(connection, end=later) == [first]
        assert identifications(connection, later) == [second, third]
        assert identifications(connection, noon, later) == [first]


def test_cases_come_with_their_first_and_last_decision(filled: Database, clock: Clock) -> None:
    later = clock.time
    noon = later - timedelta(seconds=1)
    with filled.write() as connection:
        for person, examiner, conclusion in (
            ("P2", "Ada", "exclusion"),
            ("P1", "Ada", "identification"),
            ("P1", "Bob", "inconclusive"),
            ("P1", "Eve", "exclusion"),
        ):
            clock.tick()
            decisions.put(
                connection,
                1,
                person,
                examiner=examiner,
                conclusion=conclusion,
                submission=identify(connection),
            )
        first, second = (later + timedelta(seconds=seconds) for seconds in (1, 2))
        every = [
            CaseRow(1, 1, "XX", "P1", noon, second, "identification", "exclusion"),
            CaseRow(1, 1, "XX", "P2", noon, first, "exclusion", "exclusion"),
            CaseRow(3, 4, "YY", "P3", later, None, None, None),
        ]
        assert cases(connection) == every
        assert cases(connection, end=later) == every[:2]
        assert cases(connection, later) == every[2:]
        assert cases(connection, noon, noon) == []
