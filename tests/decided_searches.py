"""Searches with hits and decisions, put straight into a database: no print, no search is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, insert

from engine.store import rows
from engine.store.schema import (
    decisions,
    galleries,
    offense_records,
    persons,
    search_candidates,
    searches,
    submissions,
)

START = datetime(2026, 1, 10, 8, tzinfo=UTC)
Decided = tuple[str, float]  # conclusion, hours after the search


@dataclass(frozen=True)
class Made:
    """A search, kept `at`. hits: each person over the threshold, with the decisions on it, of
    which the last one closed the case."""

    at: datetime
    hits: Mapping[str, Sequence[Decided]] = field(default_factory=dict)


def submit(
    connection: Connection,
    jurisdiction: str,
    *made: Made,
    began: datetime | None = None,
    verb: str = "identify",
) -> int:
    """One submission with its searches; each hit is found in two galleries, below it lies P0."""
    submission = rows.add(
        connection,
        submissions,
        {
            "verb": verb, "jurisdiction": jurisdiction, "purpose": "", "operator": "op-77",
            "source": "", "subject": "", "started_at": began or made[0].at, "outcome": "",
        },
    )  # fmt: skip
    for one in made:
        search = rows.add(
            connection,
            searches,
            {
                "submission_id": submission, "probe": "latent-9.png", "maker": "m", "fpir": 1e-3,
                "threshold": 5.0, "gallery_size": 9, "compared": 9, "max_candidates": 20,
                "at": one.at,
            },
        )  # fmt: skip
        listed = [(name, gallery) for name in one.hits for gallery in ("criminal", "border")]
        for rank, (person, gallery) in enumerate([*listed, ("P0", "criminal")], start=1):
            candidate = {
                "search_id": search, "rank": rank, "person": person, "gallery": gallery,
                "score": 9.0, "llr": 3.0, "gap": 1.0, "over_threshold": person in one.hits,
            }  # fmt: skip
            connection.execute(insert(search_candidates), candidate)
        for person, made_of_it in one.hits.items():
            for number, (conclusion, hours) in enumerate(made_of_it):
                decision = {
                    "search_id": search, "person": person, "examiner": f"examiner-{number}",
                    "conclusion": conclusion, "notes": "", "at": one.at + timedelta(hours=hours),
                    "submission_id": submission, "closes": number == len(made_of_it) - 1,
                }  # fmt: skip
                connection.execute(insert(decisions), decision)
    return submission


def convict(connection: Connection, ncic: Mapping[str, str]) -> None:
    """For each person one felony conviction of that NCIC code, "" for no record at all."""
    submission = submit(connection, "", began=START - timedelta(days=99), verb="enrol")
    row = {"name": "criminal", "maker": None, "created_at": START, "fpir": None}
    gallery = rows.ensure(connection, galleries, {"name": "criminal"}, row)
    for person, code in ncic.items():
        who = rows.add(connection, persons, {"reference": person, "created_at": START})
        record = {
            "person_id": who, "gallery_id": gallery, "submission_id": submission,
            "record_id": f"{person}-R1", "ncic": code, "charge": "MURDER", "degree": 3,
            "disposition": "convicted", "offense_date": None, "jurisdiction": "", "nibrs": "",
            "max_sentence_months": 240, "statute": "", "change": "added", "reason": "",
            "recorded_at": START,
        }  # fmt: skip
        if code:
            connection.execute(insert(offense_records), record)


def fill(connection: Connection) -> None:
    """January: Harris searches for three persons and has P1 (murder) and P2 (no record) as hits
    of one search, P1 again of another, none of the third. February: nobody asks, for P1."""
    convict(connection, {"P1-SECRET": "0901", "P2-SECRET": ""})
    submit(
        connection,
        "Harris",
        Made(START, {"P1-SECRET": [("identification", 2)], "P2-SECRET": [("exclusion", 30)]}),
        Made(START + timedelta(minutes=1), {"P1-SECRET": []}),
        Made(START + timedelta(minutes=2)),
    )
    later = datetime(2026, 2, 1, tzinfo=UTC)
    both = [("inconclusive", 10.0), ("identification", 40.0)]
    submit(connection, "", Made(later, {"P1-SECRET": both}))
    submit(connection, "Harris", began=later)
