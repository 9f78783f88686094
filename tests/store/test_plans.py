"""What is asked of one person or encounter does not go through a whole gallery.

SQLite keeps no statistics here, so its plans are the same for a few rows as for a million.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event

from engine.store import encounters, galleries, hits, holdings, persons, prints, records
from engine.store.database import Database
from tests.store.invented import attach, hit, identify, search
from tests.store.test_encounters import create

# A step that looks an index of a gallery up by nothing but the gallery, or reads a whole table.
WHOLE = re.compile(
    r"SEARCH (?:TABLE )?(templates|memberships) USING .*\(gallery_id=\?( AND active=\?)?\)"
    r"|SCAN (?:TABLE )?(templates|prints|persons|encounters|memberships|images)\b"
    r"|SCAN (?:TABLE )?(probe_prints|searches)\b"
)
QUESTIONS: dict[str, Callable[[Connection], Any]] = {
    "prints of a person": lambda c: prints.of_person(c, galleries.find(c, "a"), "P1"),
    "prints of one occasion": lambda c: prints.of_encounter(c, galleries.find(c, "a"), "P1"),
    "whether a print is enrolled": lambda c: prints.is_enrolled(
        c, galleries.find(c, "a"), prints.PrintKey("P1", 2, "0" * 64)
    ),
    "templates of a person": lambda c: encounters.templates_of(c, 1),
    "prints of an encounter": lambda c: encounters.prints_of(c, 1),
    "hits of a gallery": lambda c: hits.waiting(c, gallery="a"),
    "records of a person": lambda c: records.history(c, "P1", "a"),
    "galleries of an encounter": lambda c: holdings.set_galleries(
        c, encounters.find(c, "P1", "E1"), ["b"], 1
    ),
    "status of an encounter": lambda c: holdings.set_status(
        c, encounters.find(c, "P1", "E1"), "INACTIVE", 1
    ),
    "what a person leaves": lambda c: [
        persons.remove(c, galleries.find(c, name), "P1", 1) for name in ("a", "b")
    ],
}


@contextmanager
def planned(connection: Connection) -> Iterator[list[tuple[str, str]]]:
    """Each statement of the block with each step of SQLite's plan for it."""
    steps: list[tuple[str, str]] = []

    def explain(_: Any, cursor: Any, statement: str, given: Any, *_more: Any) -> None:
        if re.match("SELECT|UPDATE|DELETE", statement):
            asked = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", given)
            steps.extend((statement, row[3]) for row in asked)

    event.listen(connection, "before_cursor_execute", explain)
    try:
        yield steps
    finally:
        event.remove(connection, "before_cursor_execute", explain)


@pytest.mark.parametrize("question", QUESTIONS)
def test_who_asks_of_one_does_not_read_all(sqlite: Database, question: str) -> None:
    with sqlite.write() as connection:
        create(connection, "P1", "E1", names=("a", "b"))
        attach(connection, "P1", gallery="a")
        search(connection, identify(connection), hit("P1", 1, gallery="a"))
        with planned(connection) as steps:
            QUESTIONS[question](connection)
    assert steps
    assert [step for step in steps if WHOLE.match(step[1])] == []


def test_a_plan_that_reads_all_is_seen(sqlite: Database) -> None:
    with sqlite.write() as connection:
        create(connection, "P1", "E1")
        with planned(connection) as steps:
            prints.count(connection, galleries.find(connection, "a"))
    assert any(WHOLE.match(step) for _, step in steps)
