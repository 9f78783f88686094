"""What was searched is counted by submission and by month, each of which has its bounds in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from engine.store.database import Database
from engine.store.searched import by_month, month_of
from tests.decided_searches import Made, submit

JANUARY, FEBRUARY = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2))
LAST_YEAR = datetime(2025, 12, 1, tzinfo=UTC)
MOMENT = timedelta(milliseconds=10)


def counted(
    connection: Connection, start: datetime | None = None, end: datetime | None = None
) -> list[tuple[datetime, int, str, int]]:
    return [
        (part.month, *row)
        for part in by_month(connection, start, end)
        for row in zip(part.submission, part.jurisdiction, part.searches, strict=True)
    ]


def test_a_submission_counts_in_every_month_in_which_it_searched(database: Database) -> None:
    with database.write() as writer:
        first = submit(writer, "XX", *map(Made, (JANUARY - MOMENT, JANUARY, FEBRUARY - MOMENT)))
        other = submit(writer, "", Made(FEBRUARY))
        submit(writer, "XX", Made(FEBRUARY), verb="verify")
    with database.read() as connection:
        assert counted(connection) == [
            (LAST_YEAR, first, "XX", 1),
            (JANUARY, first, "XX", 2),
            (FEBRUARY, other, "", 1),
        ]
        assert counted(connection, JANUARY + MOMENT, FEBRUARY) == [(JANUARY, first, "XX", 1)]
        assert counted(connection, end=JANUARY) == [(LAST_YEAR, first, "XX", 1)]


def test_a_submission_that_searched_nothing_is_of_the_month_in_which_it_began(
    database: Database,
) -> None:
    with database.write() as writer:
        nothing = submit(writer, "XX", began=FEBRUARY - MOMENT)
        submit(writer, "XX", began=JANUARY, verb="enrol")
    with database.read() as connection:
        assert counted(connection) == [(JANUARY, nothing, "XX", 0)]
        assert counted(connection, FEBRUARY) == []
        assert counted(connection, end=FEBRUARY - MOMENT) == []


def test_months_are_those_of_utc() -> None:
    east = datetime.fromisoformat("2026-02-01T01:00:00+02:00")
    assert month_of(east) == JANUARY
