"""Hits: the cases that examiners have to decide, and how far each has come.

A case is a search and a person over its threshold. Where several galleries have the person it is
one case all the same, shown as the best-ranked of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from engine.errors import GalleryError
from engine.store.schema import (
    decisions,
    galleries,
    persons,
    prints,
    search_candidates,
    searches,
    submissions,
    templates,
)

# What a case waits for: its first examiner, its second, a supervisor because these differ; or none.
FIRST, SECOND, SUPERVISION, CLOSED = STAGES = ("first", "second", "supervision", "closed")


@dataclass(frozen=True, slots=True)
class WaitingHit:
    """A case as the queue needs it. jurisdiction: of the submission. received: when its search
    was kept. stage: one of STAGES."""

    search_id: int
    probe: str
    person: str
    gallery: str
    rank: int
    score: float
    llr: float
    received: datetime
    jurisdiction: str
    stage: str = FIRST


def stage_of(made: int, closed: bool) -> str:
    """The stage of a case with so many decisions."""
    return CLOSED if closed else STAGES[min(made, 2)]


def waiting(
    connection: Connection, at: datetime | None = None, gallery: str | None = None
) -> list[WaitingHit]:
    """The cases that are not closed, now or at a time, in the order in which they came; those of
    persons who were removed since are not among them.

    gallery: only the cases that this gallery found and whose person it still has, as it ranked
    them.
    """
    case = search_candidates.c
    query = _cases(at).where(exists().where(persons.c.reference == case.person))
    if at is not None:
        query = query.where(searches.c.at <= at)
    if gallery is not None:
        query = query.where(case.gallery == gallery, _is_in(gallery))
    return _best(connection.execute(query.where(~_closed(at))))


def decided(connection: Connection, at: datetime | None = None, gallery: str | None = None) -> int:
    """How many cases are closed, now or at a time; of one gallery, where it is named."""
    cases = select(decisions.c.search_id, decisions.c.person).where(decisions.c.closes)
    if at is not None:
        cases = cases.where(decisions.c.at <= at)
    if gallery is not None:
        case = search_candidates.c
        same = (case.search_id == decisions.c.search_id) & (case.person == decisions.c.person)
        cases = cases.where(exists().where(same, case.gallery == gallery, case.over_threshold))
    return int(connection.execute(select(func.count()).select_from(cases.subquery())).scalar_one())


def find(connection: Connection, search_id: int, person: str) -> WaitingHit:
    """One case, closed or not; GalleryError where the search has no such hit."""
    case = search_candidates.c
    query = _cases().where(case.search_id == search_id, case.person == person)
    found = _best(connection.execute(query))
    if found:
        return found[0]
    known = connection.execute(select(searches.c.id).where(searches.c.id == search_id)).first()
    if known is None:
        raise GalleryError(f"there is no search {search_id}")
    raise GalleryError(f"search {search_id} has no candidate {person!r} over its threshold")


def of_search(connection: Connection, search_id: int) -> list[WaitingHit]:
    """The cases of a search, closed or not, in the order of their ranks."""
    query = _cases().where(search_candidates.c.search_id == search_id)
    return _best(connection.execute(query))


def _is_in(gallery: str) -> ColumnElement[bool]:
    """Whether the person of a case has a template in the gallery. One within the other: joined, a
    database without statistics would go through all templates of the gallery for each case."""
    own = select(galleries.c.id).where(galleries.c.name == gallery).scalar_subquery()
    there = exists().where(templates.c.print_id == prints.c.id, templates.c.gallery_id == own)
    enrolled = select(prints.c.id).join(persons, persons.c.id == prints.c.person_id)
    return enrolled.where(persons.c.reference == search_candidates.c.person, there).exists()


def _made(at: datetime | None) -> ColumnElement[bool]:
    """Which decisions are of a candidate's case, those made since left out."""
    case = search_candidates.c
    own = (decisions.c.search_id == case.search_id) & (decisions.c.person == case.person)
    return own if at is None else own & (decisions.c.at <= at)


def _closed(at: datetime | None = None) -> ColumnElement[bool]:
    return exists().where(_made(at), decisions.c.closes)


def _cases(at: datetime | None = None) -> Select[Any]:
    """The columns of WaitingHit for every candidate over a threshold, the best of a case first;
    in the place of the stage, the number of decisions and whether one of them closed the case."""
    case = search_candidates.c
    made = select(func.count()).select_from(decisions).where(_made(at)).scalar_subquery()
    return (
        select(
            case.search_id,
            searches.c.probe,
            case.person,
            case.gallery,
            case.rank,
            case.score,
            case.llr,
            searches.c.at,
            submissions.c.jurisdiction,
            made,
            _closed(at),
        )
        .join(searches, searches.c.id == case.search_id)
        .join(submissions, submissions.c.id == searches.c.submission_id)
        .where(case.over_threshold)
        .order_by(case.search_id, case.rank)
    )


def _best(rows: Iterable[Any]) -> list[WaitingHit]:
    """The first row of each case."""
    cases: dict[tuple[int, str], WaitingHit] = {}
    for row in rows:
        stage = stage_of(row[-2], bool(row[-1]))
        cases.setdefault((row[0], row[2]), WaitingHit(*(*row[:-2], stage)))
    return list(cases.values())
