"""Statistics: plain rows of what came in and what was decided, for others to count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Select, func, select

from engine.store import schema
from engine.store.schema import decisions, search_candidates, searches


@dataclass(frozen=True, slots=True)
class Identification:
    """One submission that was to identify. searches: how many it kept."""

    id: int
    jurisdiction: str
    started_at: datetime
    searches: int


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case (see hits): when its search was kept, when it was closed and with which conclusion;
    None while it waits. disputed: its two examiners differed."""

    search_id: int
    submission_id: int
    jurisdiction: str
    person: str
    received: datetime
    closed_at: datetime | None
    conclusion: str | None
    disputed: bool


def submissions(
    connection: Connection, start: datetime | None = None, end: datetime | None = None
) -> list[Identification]:
    """The identify submissions that began from `start` on and before `end`, oldest first."""
    table = schema.submissions.c
    query = (
        select(table.id, table.jurisdiction, table.started_at, func.count(searches.c.id))
        .outerjoin(searches, searches.c.submission_id == table.id)
        .where(table.verb == "identify")
        .group_by(table.id, table.jurisdiction, table.started_at)
        .order_by(table.id)
    )
    query = _between(query, table.started_at, start, end)
    return [Identification(*row) for row in connection.execute(query)]


def cases(
    connection: Connection, start: datetime | None = None, end: datetime | None = None
) -> list[CaseRow]:
    """The cases whose search came from `start` on and before `end`, decided or not, oldest first;
    their decisions as they stand, whenever they were made."""
    case, used = search_candidates.c, schema.submissions.c
    query: Select[Any] = (
        select(case.search_id, used.id, used.jurisdiction, case.person, searches.c.at)
        .join(searches, searches.c.id == case.search_id)
        .join(schema.submissions, used.id == searches.c.submission_id)
        .where(case.over_threshold)
        .order_by(case.search_id, case.rank)
    )
    query = _between(query, searches.c.at, start, end)
    made = select(
        decisions.c.search_id,
        decisions.c.person,
        decisions.c.at,
        decisions.c.conclusion,
        decisions.c.closes,
    ).order_by(decisions.c.id)
    if start is not None or end is not None:
        made = made.join(searches, searches.c.id == decisions.c.search_id)
        made = _between(made, searches.c.at, start, end)
    closing: dict[tuple[int, str], tuple[datetime, str]] = {}
    concluded: dict[tuple[int, str], set[str]] = {}
    for search, person, at, conclusion, closes in connection.execute(made):
        concluded.setdefault((search, person), set()).add(conclusion)
        if closes:
            closing[search, person] = (at, conclusion)
    found: dict[tuple[int, str], CaseRow] = {}
    for search, submission, jurisdiction, person, received in connection.execute(query):
        # Several galleries may have the person; it is one case.
        key = (search, person)
        at, conclusion = closing.get(key, (None, None))
        disputed = len(concluded.get(key, ())) > 1
        found[key] = CaseRow(
            search, submission, jurisdiction, person, received, at, conclusion, disputed
        )
    return list(found.values())


def _between(
    query: Select[Any], time: Column[datetime], start: datetime | None, end: datetime | None
) -> Select[Any]:
    if start is not None:
        query = query.where(time >= start)
    return query if end is None else query.where(time < end)
