"""Decisions: what examiners concluded about a hit; only added to, one of each examiner a case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from engine.errors import StoreError
from engine.store import changes, hits, rows
from engine.store.schema import decisions, now

IDENTIFICATION, EXCLUSION, INCONCLUSIVE = "identification", "exclusion", "inconclusive"
CONCLUSIONS = (IDENTIFICATION, EXCLUSION, INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class Decision:
    """One examiner's decision on one case. conclusion: one of CONCLUSIONS."""

    id: int
    search_id: int
    person: str
    examiner: str
    conclusion: str
    notes: str
    at: datetime
    submission_id: int


def put(
    connection: Connection,
    search_id: int,
    person: str,
    *,
    examiner: str,
    conclusion: str,
    notes: str = "",
    submission: int,
) -> int:
    """Keeps a decision and gives its id; the case is decided with its first.

    GalleryError where the search has no candidate over the threshold of that person, StoreError
    where the examiner is not named or has decided the case before, or the conclusion is unknown.
    """
    examiner = examiner.strip()
    if not examiner:
        raise StoreError("a decision needs the name of its examiner")
    if conclusion not in CONCLUSIONS:
        raise StoreError(f"{conclusion!r} is no conclusion: use one of {', '.join(CONCLUSIONS)}")
    changes.lock(connection)
    hits.find(connection, search_id, person)
    for before in of_case(connection, search_id, person):
        if before.examiner == examiner:
            raise StoreError(
                f"{examiner} decided the case of {person!r} in search {search_id} before: "
                f"{before.conclusion}, {before.at:%Y-%m-%d %H:%M} UTC"
            )
    row = {
        "search_id": search_id,
        "person": person,
        "examiner": examiner,
        "conclusion": conclusion,
        "notes": notes,
        "at": now(),
        "submission_id": submission,
    }
    return rows.add(connection, decisions, row)


def of_case(connection: Connection, search_id: int, person: str) -> list[Decision]:
    """The decisions on a case, oldest first."""
    query = (
        select(*(decisions.c[name] for name in Decision.__dataclass_fields__))
        .where(decisions.c.search_id == search_id, decisions.c.person == person)
        .order_by(decisions.c.id)
    )
    return [Decision(*row) for row in connection.execute(query)]
