"""False positives: of the searches that nobody was identified by, those that examiners had to
exclude somebody of; counted by gallery."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, select

from engine.store.decisions import EXCLUSION, IDENTIFICATION
from engine.store.schema import decisions, search_candidates, search_galleries, searches


@dataclass(frozen=True, slots=True)
class FalsePositives:
    """The searches of one gallery that no case of was closed with an identification.

    promised: mean FPIR that they were to keep. excluded: those with a candidate of this gallery
    that was excluded. open: of the others, those with a candidate over the threshold that is not
    decided, or was found inconclusive.
    """

    gallery: str
    searches: int
    promised: float
    excluded: int
    open: int


def count(connection: Connection, since: datetime) -> list[FalsePositives]:
    """The counts over the searches that were kept from `since` on, by gallery, in order of name;
    galleries without such a search are left out."""
    covered, case = search_galleries.c, search_candidates.c
    counted = (searches.c.at >= since, ~exists().where(_of_search(), _concluded(IDENTIFICATION)))
    all_of_them = (
        select(covered.gallery, func.count(), func.avg(searches.c.fpir))
        .join(searches, searches.c.id == covered.search_id)
        .where(*counted)
        .group_by(covered.gallery)
        .order_by(covered.gallery)
    )
    of_case = exists().where(_of_search(), decisions.c.person == case.person, _concluded(EXCLUSION))
    over = (
        select(case.gallery, func.count(func.distinct(case.search_id)))
        .join(searches, searches.c.id == case.search_id)
        .where(case.over_threshold, *counted)
        .group_by(case.gallery)
    )
    with_a_candidate = _by_gallery(connection.execute(over))
    excluded = _by_gallery(connection.execute(over.where(of_case)))
    return [
        FalsePositives(
            gallery,
            number,
            float(promised),
            excluded.get(gallery, 0),
            with_a_candidate.get(gallery, 0) - excluded.get(gallery, 0),
        )
        for gallery, number, promised in connection.execute(all_of_them)
    ]


def _of_search() -> ColumnElement[bool]:
    return decisions.c.search_id == searches.c.id


def _concluded(conclusion: str) -> ColumnElement[bool]:
    return decisions.c.closes & (decisions.c.conclusion == conclusion)


def _by_gallery(rows: Iterable[Any]) -> dict[str, int]:
    return {gallery: number for gallery, number in rows}  # noqa: C416 (rows are not pairs to the types)
