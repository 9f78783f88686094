"""Who was merged with another is reached by what concerns the other: removal and legal holds."""

from __future__ import annotations

from sqlalchemy import Connection

from engine.store import (
    encounters,
    holdings,
    holds,
    merging,
    persons,
    probe_prints,
    submissions,
)
from engine.store.database import Database
from engine.store.expiry import PROBES, SEARCHES
from tests.store.test_encounters import create
from tests.store.test_expiry import OLD, before, decide, expire, ids, old_search
from tests.store.test_probe_prints import FINGERS, close, kept, searched


def merge(connection: Connection, source: str, target: str) -> None:
    rows = encounters.of_person(connection, encounters.find_person(connection, source))
    merging.move(connection, rows, encounters.find_person(connection, target), 1)
    merging.join_persons(connection, source, target)


def remove(connection: Connection, person: str) -> None:
    """As a client of the service does."""
    person_id = encounters.find_person(connection, person)
    rows = encounters.of_person(connection, person_id)
    for row in rows:
        holdings.clear(connection, row, 1)
    encounters.drop(connection, [row.id for row in rows])
    assert persons.end_if_empty(connection, person_id)


def test_probes_of_decided_cases_go_with_whom_the_person_became(database: Database) -> None:
    with database.write() as connection:
        for person in ("P1", "P2", "P3"):
            create(connection, person, f"E of {person}")
        identified, excluded = searched(connection, "P1"), searched(connection, "P1")
        close(connection, identified, "P1", "identification")
        close(connection, excluded, "P1", "exclusion")
        merge(connection, "P1", "P2")
        merge(connection, "P2", "P3")
        create(connection, "P1", "E of another P1", (2,))
        another = searched(connection, "P1")
        close(connection, another, "P1", "identification")
        assert kept(connection) == [identified, excluded, another]
        remove(connection, "P3")
        assert kept(connection) == [excluded, another]
        remove(connection, "P1")
        assert kept(connection) == [excluded]


def test_a_hold_reaches_cases_under_a_former_name(database: Database) -> None:
    with database.write() as connection:
        for person in ("P1", "P2"):
            create(connection, person, f"E of {person}")
        number = old_search(connection, "P1")
        probe_prints.keep(connection, number, FINGERS)
        decide(connection, number, "P1", OLD)
        merge(connection, "P1", "P2")
        holds.place(connection, "P2", "a court's order", submissions.begin(connection, "hold"))
        limits = before(connection, probes=30, searches=30, decisions=30)
        assert (expire(connection, PROBES, limits), expire(connection, SEARCHES, limits)) == (0, 0)
        holds.release(connection, "P2")
        assert expire(connection, PROBES, limits) == 3
        assert expire(connection, SEARCHES, limits) == 1
        assert ids(connection) == []
