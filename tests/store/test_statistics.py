"""Statistics: what came in and what was decided, as plain rows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.store import decisions, submissions
from engine.store.database import Database
from engine.store.decisions import EXAMINER, SUPERVISOR
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


def test_cases_come_with_the_decision_that_closed_them(filled: Database, clock: Clock) -> None:
    later = clock.time
    noon = later - timedelta(seconds=1)
    with filled.write() as connection:
        for search, person, examiner, conclusion, role in (
            (1, "P2", "Ada", "exclusion", EXAMINER),
            (1, "P1", "Ada", "identification", EXAMINER),
            (1, "P2", "Bob", "exclusion", EXAMINER),
            (1, "P1", "Bob", "inconclusive", EXAMINER),
            (1, "P1", "Eve", "exclusion", SUPERVISOR),
            (3, "P3", "Ada", "exclusion", EXAMINER),
        ):
            clock.tick()
            decisions.put(
                connection,
                search,
                person,
                examiner=examiner,
                conclusion=conclusion,
                role=role,
                submission=identify(connection),
            )
        agreed, ruled = (later + timedelta(seconds=seconds) for seconds in (3, 5))
        every = [
            CaseRow(1, 1, "XX", "P1", noon, ruled, "exclusion", True),
            CaseRow(1, 1, "XX", "P2", noon, agreed, "exclusion", False),
            CaseRow(3, 4, "YY", "P3", later, None, None, False),
        ]
        assert cases(connection) == every
        assert cases(connection, end=later) == every[:2]
        assert cases(connection, later) == every[2:]
        assert cases(connection, noon, noon) == []
