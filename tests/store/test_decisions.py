"""Decisions and the cases that wait for one, now and as it was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Connection, delete, func, select

from engine.errors import GalleryError, StoreError
from engine.store import decisions, galleries, hits, persons, schema
from engine.store.database import Database
from tests.store.conftest import Clock
from tests.store.invented import enrol, hit, identify, search

MOMENT = timedelta(microseconds=10_000)


def decide(
    connection: Connection,
    search_id: int,
    person: str,
    examiner: str = "Ada",
    conclusion: str = "identification",
) -> int:
    return decisions.put(
        connection,
        search_id,
        person,
        examiner=examiner,
        conclusion=conclusion,
        notes="",
        submission=identify(connection),
    )


def names(found: list[hits.WaitingHit]) -> list[tuple[int, str]]:
    return [(case.search_id, case.person) for case in found]


@pytest.fixture
def filled(database: Database, clock: Clock) -> Database:
    """Search 1 at noon finds P1 in two galleries, P2 and, too weakly, P3; search 2, a second
    later, P1."""
    with database.write() as writer:
        enrol(writer, "default", "P1", "P2", "P3")
        enrol(writer, "other", "P1")
        use = identify(writer)
        found = [
            hit("P1", 1, gallery="other"),
            hit("P2", 2),
            hit("P1", 3),
            hit("P3", 4, over=False),
        ]
        search(writer, use, *found)
        clock.tick()
        search(writer, use, hit("P1", 1))
    return database


def test_a_case_is_a_search_and_a_person_over_its_threshold(filled: Database, clock: Clock) -> None:
    with filled.read() as connection:
        found = hits.waiting(connection)
    assert names(found) == [(1, "P1"), (1, "P2"), (2, "P1")]
    noon = clock.time - timedelta(seconds=1)
    assert found[0] == hits.WaitingHit(1, "probe", "P1", "other", 1, 9.0, 4.0, noon, "XX")


def test_a_gallery_has_its_own_cases(filled: Database) -> None:
    with filled.read() as connection:
        assert names(hits.waiting(connection, gallery="other")) == [(1, "P1")]
        own = hits.waiting(connection, gallery="default")
        assert names(own) == [(1, "P2"), (1, "P1"), (2, "P1")]
        assert [case.rank for case in own] == [2, 3, 1]
        assert hits.waiting(connection, gallery="none") == []


def test_a_decided_case_no_longer_waits_and_did_before(filled: Database, clock: Clock) -> None:
    second = clock.time
    with filled.write() as connection:
        decided = clock.tick()
        decide(connection, 1, "P1")
        assert names(hits.waiting(connection)) == [(1, "P2"), (2, "P1")]
        assert hits.decided(connection) == hits.decided(connection, decided) == 1
        assert hits.decided(connection, decided - MOMENT) == 0
        assert names(hits.waiting(connection, decided)) == [(1, "P2"), (2, "P1")]
        before = [(1, "P1"), (1, "P2"), (2, "P1")]
        assert names(hits.waiting(connection, decided - MOMENT)) == before
        assert names(hits.waiting(connection, second)) == before
        assert names(hits.waiting(connection, second - MOMENT)) == before[:2]
        assert hits.waiting(connection, second - timedelta(seconds=2)) == []


def test_who_was_removed_waits_no_more(filled: Database) -> None:
    with filled.write() as connection:
        default = galleries.find(connection, "default")
        persons.remove(connection, default, "P1", identify(connection))
        assert names(hits.waiting(connection, gallery="default")) == [(1, "P2")]
        assert (1, "P1") in names(hits.waiting(connection, gallery="other"))
        other = galleries.find(connection, "other")
        persons.remove(connection, other, "P1", identify(connection))
        assert names(hits.waiting(connection)) == [(1, "P2")]


def test_decided_cases_are_counted_by_gallery(filled: Database) -> None:
    with filled.write() as connection:
        decide(connection, 1, "P1")
        decide(connection, 1, "P2")
        counts = [hits.decided(connection, None, name) for name in (None, "default", "other", "x")]
        assert counts == [2, 2, 1, 0]


def test_several_examiners_may_decide_one_case(filled: Database, clock: Clock) -> None:
    with filled.write() as connection:
        first = decide(connection, 1, "P1")
        clock.tick()
        second = decide(connection, 1, "P1", "Bob", "exclusion")
        decide(connection, 1, "P2", "Bob", "inconclusive")
        made = decisions.of_case(connection, 1, "P1")
        assert [(item.id, item.examiner, item.conclusion) for item in made] == [
            (first, "Ada", "identification"),
            (second, "Bob", "exclusion"),
        ]
        assert made[1].at == clock.time
        assert hits.decided(connection) == 2
        assert decisions.of_case(connection, 2, "P1") == []


def test_an_examiner_decides_a_case_once(filled: Database) -> None:
    with filled.write() as connection:
        decide(connection, 1, "P1")
        decide(connection, 2, "P1")
        reason = r"Ada decided the case of 'P1' in search 1 before: identification, 2026-01-01"
        with pytest.raises(StoreError, match=reason):
            decide(connection, 1, "P1", " Ada ", "exclusion")
        assert len(decisions.of_case(connection, 1, "P1")) == 1


@pytest.mark.parametrize(
    ("wrong", "error", "reason"),
    [
        ({"search_id": 9}, GalleryError, "no search 9"),
        ({"person": "P9"}, GalleryError, "search 1 has no candidate 'P9' over its threshold"),
        ({"person": "P3"}, GalleryError, "search 1 has no candidate 'P3' over its threshold"),
        ({"search_id": 2, "person": "P2"}, GalleryError, "search 2 has no candidate 'P2'"),
        ({"examiner": " "}, StoreError, "needs the name"),
        ({"conclusion": "match"}, StoreError, "'match' is no conclusion: use one of ident"),
    ],
)
def test_a_decision_that_cannot_be_is_refused(
    filled: Database, wrong: dict[str, str], error: type[Exception], reason: str
) -> None:
    asked = {"search_id": 1, "person": "P1"} | wrong
    with filled.write() as connection:
        with pytest.raises(error, match=reason):
            decide(connection, **asked)  # type: ignore[arg-type]
        assert hits.decided(connection) == 0


def test_a_case_is_found_decided_or_not(filled: Database) -> None:
    with filled.write() as connection:
        before = hits.find(connection, 1, "P1")
        decide(connection, 1, "P1")
        assert hits.find(connection, 1, "P1") == before
        assert (before.gallery, before.rank) == ("other", 1)


def test_decisions_go_with_their_search(filled: Database) -> None:
    with filled.write() as connection:
        decide(connection, 1, "P1")
        connection.execute(delete(schema.searches).where(schema.searches.c.id == 1))
        left = select(func.count()).select_from(schema.decisions)
        assert connection.execute(left).scalar_one() == 0
