"""Searched: how much was searched for whom and when, counted by submission and month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, exists, func, select

from engine.store.schema import searches, submissions

READ_AT_ONCE = 10_000  # rows that are objects at a time


@dataclass(frozen=True, slots=True)
class MonthSearched:
    """Identify submissions of one month, as columns of equal length: there may be millions.

    month: its first moment, UTC. submission: id. searches: that it kept in the month; 0 for one
    that kept none at all, in the month in which it began.
    """

    month: datetime
    submission: tuple[int, ...]
    jurisdiction: tuple[str, ...]
    searches: tuple[int, ...]


def by_month(
    connection: Connection, start: datetime | None = None, end: datetime | None = None
) -> list[MonthSearched]:
    """What was searched from `start` on and before `end`, and the submissions that began then and
    searched nothing; a month comes in several parts, a submission once in it."""
    return [*_counted(connection, start, end), *_without(connection, start, end)]


def month_of(moment: datetime) -> datetime:
    """The first moment of the month, UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _counted(
    connection: Connection, start: datetime | None, end: datetime | None
) -> Iterator[MonthSearched]:
    at, own = searches.c.at, submissions.c
    within: list[ColumnElement[bool]] = []
    within += [at >= start] if start else []
    within += [at < end] if end else []
    ends = select(func.min(at), func.max(at)).select_from(searches).where(*within)
    first, last = connection.execute(ends).one()
    # A query a month: no database has to know what a month is, or in which zone.
    month = month_of(first) if first else None
    while month and month <= last:
        following = _next(month)
        query = (
            select(own.id, own.jurisdiction, func.count())
            .join(searches, searches.c.submission_id == own.id)
            .where(own.verb == "identify", at >= month, at < following, *within)
            .group_by(own.id, own.jurisdiction)
        )
        for rows in connection.execute(query).partitions(READ_AT_ONCE):
            yield _columns(month, rows)
        month = following


def _without(
    connection: Connection, start: datetime | None, end: datetime | None
) -> list[MonthSearched]:
    own = submissions.c
    query = select(own.id, own.jurisdiction, own.started_at).where(
        own.verb == "identify",
        ~exists().where(searches.c.submission_id == own.id),
        *([own.started_at >= start] if start else ()),
        *([own.started_at < end] if end else ()),
    )
    months: defaultdict[datetime, list[tuple[int, str, int]]] = defaultdict(list)
    for submission, jurisdiction, began in connection.execute(query):
        months[month_of(began)].append((submission, jurisdiction, 0))
    return [_columns(month, rows) for month, rows in months.items()]


def _columns(month: datetime, rows: Iterable[Iterable[object]]) -> MonthSearched:
    return MonthSearched(month, *zip(*rows, strict=True))


def _next(month: datetime) -> datetime:
    year, ahead = divmod(month.year * 12 + month.month, 12)
    return month.replace(year=year, month=ahead + 1)
