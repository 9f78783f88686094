"""Persons, records and searches that the database's tests invent."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

from sqlalchemy import Connection

from engine.store import galleries, prints, records, searches, submissions
from engine.store.prints import NewPrint, PrintKey
from engine.types import Candidate, Degree, OffenseRecord

MAKER = "gabor-1.d1.e1.00000000"
ASSAULT = OffenseRecord(
    "R1",
    "1399",
    "ASSAULT",
    Degree.FELONY,
    "PENDING",
    date(2020, 2, 29),
    "XX",
    36,
    nibrs="13A",
    statute="16-3-600",
)


def enrol(connection: Connection, gallery: str, *references: str) -> None:
    """One print of each person."""
    submission = submissions.begin(connection, "enrol")
    new = [
        NewPrint(PrintKey(name, 2, f"{name:0>64}"), "", "", None, None, b"", MAKER, 80)
        for name in references
    ]
    prints.enrol(connection, galleries.ensure(connection, gallery), new, submission)


def attach(
    connection: Connection, person: str, *sent: OffenseRecord, gallery: str = "default"
) -> records.Attached:
    submission = submissions.begin(connection, "records", operator="clerk", purpose="feed")
    row = galleries.find(connection, gallery)
    return records.attach(connection, row, [(person, record) for record in sent], submission)


def correct(
    connection: Connection,
    change: str,
    *,
    gallery: str | None = None,
    person: str = "P1",
    record_id: str = "R1",
    reason: str = "order",
    **fields: object,
) -> records.Version:
    submission = submissions.begin(connection, "correct", operator="judge", purpose="court")
    return records.correct(
        connection,
        gallery,
        person,
        record_id,
        change=change,
        reason=reason,
        submission=submission,
        fields=fields or None,
    )


def hit(person: str, rank: int, *, gallery: str = "default", over: bool = True) -> Candidate:
    return Candidate(person, gallery, rank, 10.0 - rank, 4.0, 1.0, over, ())


def identify(connection: Connection, jurisdiction: str = "XX") -> int:
    return submissions.begin(connection, "identify", jurisdiction=jurisdiction)


def search(connection: Connection, submission: int, *candidates: Candidate) -> int:
    return searches.save(
        connection,
        submission,
        probe="probe",
        maker=MAKER,
        fpir=1e-3,
        threshold=5.0,
        gallery_size=9,
        compared=9,
        max_candidates=20,
        probes=[],
        sequences={},
        calibrations={},
        candidates=candidates,
    )


def leave_behind(path: Path, content: bytes) -> None:
    """Writes and deletes as a program does that overwrites nothing."""
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA secure_delete = OFF")
        other.execute("CREATE TABLE scratch (content BLOB)")
        other.execute("INSERT INTO scratch VALUES (?)", (content,))
        other.commit()
        other.execute("DROP TABLE scratch")
        other.commit()
