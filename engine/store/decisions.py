"""Decisions: what examiners concluded about a hit; only added to, one of each examiner a case.

Two examiners decide a case, each without knowing of the other. Where they agree it is closed; where
they differ a supervisor, who was neither of them, closes it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, func, select

from engine.errors import ConflictError, StoreError
from engine.store import changes, hits, rows
from engine.store.schema import decisions, now

IDENTIFICATION, EXCLUSION, INCONCLUSIVE = "identification", "exclusion", "inconclusive"
CONCLUSIONS = (IDENTIFICATION, EXCLUSION, INCONCLUSIVE)
EXAMINER, SUPERVISOR = "examiner", "supervisor"  # as whom somebody decides


@dataclass(frozen=True, slots=True)
class Decision:
    """One examiner's decision on one case. conclusion: one of CONCLUSIONS. role: EXAMINER or
    SUPERVISOR. closes: whether the case ended with it."""

    id: int
    search_id: int
    person: str
    examiner: str
    conclusion: str
    notes: str
    at: datetime
    submission_id: int
    role: str
    closes: bool


def put(
    connection: Connection,
    search_id: int,
    person: str,
    *,
    examiner: str,
    conclusion: str,
    notes: str = "",
    role: str = EXAMINER,
    submission: int,
) -> int:
    """Keeps a decision and gives its id.

    GalleryError where the search has no candidate over the threshold of that person, StoreError
    where the examiner is not named or the conclusion is unknown, ConflictError where the case is
    not this examiner's to decide (`refusal`).
    """
    examiner = examiner.strip()
    if not examiner:
        raise StoreError("a decision needs the name of its examiner")
    if conclusion not in CONCLUSIONS:
        raise StoreError(f"{conclusion!r} is no conclusion: use one of {', '.join(CONCLUSIONS)}")
    changes.lock(connection)
    hits.find(connection, search_id, person)
    before = of_case(connection, search_id, person)
    refused = refusal(before, examiner, role)
    if refused:
        raise ConflictError(f"the case of {person!r} in search {search_id} {refused}")
    agreed = any(item.conclusion == conclusion for item in before)
    row = {
        "search_id": search_id,
        "person": person,
        "examiner": examiner,
        "conclusion": conclusion,
        "notes": notes,
        "at": now(),
        "submission_id": submission,
        "role": role,
        "closes": role == SUPERVISOR or agreed,
    }
    return rows.add(connection, decisions, row)


def refusal(made: Sequence[Decision], examiner: str, role: str = EXAMINER) -> str:
    """Why somebody may not decide a case with these decisions, "" where they may. Says nothing of
    what others concluded."""
    stage = stage_of(made)
    if stage == hits.CLOSED:
        return "is closed"
    if any(_same(item.examiner, examiner) for item in made):
        return f"was decided by {examiner} before: another person decides next"
    if stage == hits.SUPERVISION and role != SUPERVISOR:
        return "waits for a supervisor: two examiners came to different conclusions"
    if stage != hits.SUPERVISION and role == SUPERVISOR:
        return "waits for an examiner: a supervisor decides where two examiners differ"
    return ""


def stage_of(made: Sequence[Decision]) -> str:
    """Where a case with these decisions stands: one of hits.STAGES."""
    return hits.stage_of(len(made), any(item.closes for item in made))


def of_case(connection: Connection, search_id: int, person: str) -> list[Decision]:
    """The decisions on a case, oldest first."""
    return of_searches(connection, [search_id]).get((search_id, person), [])


def of_searches(
    connection: Connection, search_ids: Collection[int]
) -> dict[tuple[int, str], list[Decision]]:
    """The decisions on the cases of these searches, oldest first, by search id and person."""
    query = (
        select(*(decisions.c[name] for name in Decision.__dataclass_fields__))
        .where(decisions.c.search_id.in_(search_ids))
        .order_by(decisions.c.id)
    )
    found: dict[tuple[int, str], list[Decision]] = {}
    for row in connection.execute(query):
        made = Decision(*row)
        found.setdefault((made.search_id, made.person), []).append(made)
    return found


def closing(
    connection: Connection, examiner: str | None, limit: int, offset: int
) -> tuple[list[Decision], int]:
    """The decisions that closed cases, newest first, and how many there are; of the cases that an
    examiner decided too, or of all."""
    of_case = decisions.alias()
    query = select(*(decisions.c[name] for name in Decision.__dataclass_fields__)).where(
        decisions.c.closes
    )
    if examiner is not None:
        query = query.where(
            exists().where(
                of_case.c.search_id == decisions.c.search_id,
                of_case.c.person == decisions.c.person,
                of_case.c.examiner == examiner,
            )
        )
    count = connection.execute(select(func.count()).select_from(query.subquery())).scalar_one()
    page = query.order_by(decisions.c.id.desc()).limit(limit).offset(offset)
    return [Decision(*row) for row in connection.execute(page)], int(count)


def _same(one: str, other: str) -> bool:
    """Whether two names are of one person, however they are typed."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
