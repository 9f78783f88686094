"""Decisions and the cases that wait for one, now and as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from alembic import command
from sqlalchemy import Connection, delete, func, select

from engine.errors import ConflictError, GalleryError, StoreError
from engine.store import decisions, galleries, hits, persons, schema
from engine.store.database import Database
from engine.store.decisions import EXAMINER, SUPERVISOR
from engine.store.hits import CLOSED, FIRST, SECOND, SUPERVISION
from engine.store.migrate import config
from tests.store.conftest import Clock
from tests.store.invented import enrol, hit, identify, search

MOMENT = timedelta(microseconds=10_000)


def decide(
    connection: Connection,
    search_id: int,
    person: str,
    examiner: str = "Ada",
    conclusion: str = "identification",
    role: str = decisions.EXAMINER,
) -> int:
    return decisions.put(
        connection,
        search_id,
        person,
        examiner=examiner,
        conclusion=conclusion,
        notes="",
        role=role,
        submission=identify(connection),
    )


def close(connection: Connection, search_id: int, person: str) -> None:
    """Two examiners agree."""
    for examiner in ("Ada", "Bob"):
        decide(connection, search_id, person, examiner)


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


def test_a_closed_case_no_longer_waits_and_did_before(filled: Database, clock: Clock) -> None:
    second = clock.time
    with filled.write() as connection:
        decided = clock.tick()
        close(connection, 1, "P1")
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


def test_closed_cases_are_counted_by_gallery(filled: Database) -> None:
    with filled.write() as connection:
        close(connection, 1, "P1")
        close(connection, 1, "P2")
        decide(connection, 2, "P1")
        counts = [hits.decided(connection, None, name) for name in (None, "default", "other", "x")]
        assert counts == [2, 2, 1, 0]


def test_a_case_goes_from_stage_to_stage(filled: Database, clock: Clock) -> None:
    def stage(at: datetime | None = None) -> str:
        with filled.read() as connection:
            return next((x.stage for x in hits.waiting(connection, at) if x.person == "P2"), CLOSED)

    times, stages = [clock.time], [stage()]
    for examiner, conclusion, role in (
        ("Ada", "identification", EXAMINER),
        ("Bob", "exclusion", EXAMINER),
        ("Sue", "inconclusive", SUPERVISOR),
    ):
        times.append(clock.tick())
        with filled.write() as connection:
            decide(connection, 1, "P2", examiner, conclusion, role)
        stages.append(stage())
    assert stages == [FIRST, SECOND, SUPERVISION, CLOSED]
    assert [stage(time) for time in times] == stages
    with filled.read() as connection:
        made = decisions.of_case(connection, 1, "P2")
        assert [(x.examiner, x.conclusion, x.role, x.closes) for x in made] == [
            ("Ada", "identification", "examiner", False),
            ("Bob", "exclusion", "examiner", False),
            ("Sue", "inconclusive", "supervisor", True),
        ]
        assert made[2].at == clock.time
        assert hits.find(connection, 1, "P2").stage == CLOSED


@pytest.mark.parametrize(
    ("made", "next_one", "reason"),
    [
        ("Ada:exclusion", "Ada:exclusion", "decided by Ada before: another person decides next"),
        ("Ada:exclusion", " ADA :identification", "decided by ADA before"),
        ("Ada:exclusion", "Sue:exclusion:supervisor", "waits for an examiner"),
        ("", "Sue:exclusion:supervisor", "waits for an examiner"),
        ("Ada:exclusion Bob:exclusion", "Eve:exclusion", "is closed"),
        ("Ada:exclusion Bob:exclusion", "Sue:exclusion:supervisor", "is closed"),
        ("Ada:exclusion Bob:inconclusive", "Eve:exclusion", "waits for a supervisor"),
        ("Ada:exclusion Bob:inconclusive", "Ada:exclusion:supervisor", "decided by Ada before"),
        (
            "Ada:exclusion Bob:inconclusive Sue:identification:supervisor",
            "Otto:exclusion:supervisor",
            "is closed",
        ),
    ],
)
def test_nobody_decides_what_is_not_theirs(
    filled: Database, made: str, next_one: str, reason: str
) -> None:
    with filled.write() as connection:
        for one in made.split():
            decide(connection, 1, "P1", *one.split(":"))
        before = decisions.of_case(connection, 1, "P1")
        with pytest.raises(ConflictError, match=reason):
            decide(connection, 1, "P1", *next_one.split(":"))
        assert decisions.of_case(connection, 1, "P1") == before


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
        close(connection, 1, "P1")
        assert hits.find(connection, 1, "P1") == replace(before, stage=CLOSED)
        assert hits.find(connection, 1, "P1") in hits.of_search(connection, 1)
        assert hits.of_search(connection, 4) == []
        assert (before.gallery, before.rank) == ("other", 1)


def test_decisions_go_with_their_search(filled: Database) -> None:
    with filled.write() as connection:
        decide(connection, 1, "P1")
        connection.execute(delete(schema.searches).where(schema.searches.c.id == 1))
        left = select(func.count()).select_from(schema.decisions)
        assert connection.execute(left).scalar_one() == 0


def test_what_two_agreed_on_before_there_were_stages_is_closed(filled: Database) -> None:
    settings = config()
    with filled.write() as connection:
        for case, examiner, conclusion in (
            ((1, "P1"), "Ada", "exclusion"),
            ((1, "P1"), "Bob", "identification"),
            ((1, "P1"), "Eve", "exclusion"),
            ((1, "P2"), "Ada", "exclusion"),
        ):
            row = {
                "search_id": case[0], "person": case[1], "examiner": examiner, "notes": "",
                "conclusion": conclusion, "at": schema.now(), "submission_id": 1,
            }  # fmt: skip
            connection.execute(schema.decisions.insert().values(row))
        settings.attributes["connection"] = connection
        command.downgrade(settings, "0006")
        command.upgrade(settings, "head")
        made = decisions.of_case(connection, 1, "P1")
        assert [(x.examiner, x.closes, x.role) for x in made] == [
            ("Ada", False, "examiner"), ("Bob", False, "examiner"), ("Eve", True, "examiner"),
        ]  # fmt: skip
        stages = {(case.search_id, case.person): case.stage for case in hits.waiting(connection)}
        assert stages == {(1, "P2"): SECOND, (2, "P1"): FIRST}
