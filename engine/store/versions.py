"""Versions: what an offense record said from when to when. Nothing is overwritten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select, update

from engine.errors import GalleryError, StoreError
from engine.store import rows
from engine.store.schema import galleries, now, offense_records, persons, submissions
from engine.types import Degree, OffenseRecord

ADDED, AMENDED, SEALED, EXPUNGED, RESTORED = "added", "amended", "sealed", "expunged", "restored"
CLOSED = (SEALED, EXPUNGED)  # of a record whose content no longer counts
FIELDS = tuple(OffenseRecord.__dataclass_fields__)
COLUMNS = tuple(offense_records.c[field] for field in FIELDS)


@dataclass(frozen=True, slots=True)
class Version:
    """What one gallery had a record say from recorded_at until superseded_at (None: to this day).

    change: "added", "amended", "sealed", "expunged" or "restored", and the reason given for it.
    submission_id, operator, purpose: of the use of the system that made it.
    """

    person: str
    gallery: str
    record: OffenseRecord
    change: str
    reason: str
    recorded_at: datetime
    superseded_at: datetime | None
    submission_id: int
    operator: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Current:
    """A gallery's current version of a record, as it is needed to supersede it."""

    id: int
    gallery_id: int
    gallery: str
    change: str
    recorded_at: datetime
    record: OffenseRecord


def current(connection: Connection, person_id: int, record_id: str) -> list[Current]:
    """The current version in each gallery that attached this record to the person, oldest first."""
    table = offense_records.c
    query = (
        select(
            table.id, table.gallery_id, galleries.c.name, table.change, table.recorded_at, *COLUMNS
        )
        .join(galleries, galleries.c.id == table.gallery_id)
        .where(table.person_id == person_id, table.record_id == record_id)
        .where(table.superseded_at.is_(None))
        .order_by(table.id)
    )
    found = connection.execute(query).all()
    return [
        Current(row.id, row.gallery_id, row.name, row.change, row.recorded_at, _record(row[5:]))
        for row in found
    ]


def write(
    connection: Connection,
    person_id: int,
    gallery_id: int,
    record: OffenseRecord,
    change: str,
    *,
    reason: str = "",
    submission: int,
    before: Current | None = None,
) -> int:
    """Writes the record's next version after `before`, the current one; gives its id."""
    time = now()
    if before is not None:
        # A clock that was set back must not make a version that ends before it begins.
        time = max(time, before.recorded_at)
        connection.execute(
            update(offense_records)
            .where(offense_records.c.id == before.id)
            .values(superseded_at=time)
        )
    row = asdict(record) | {
        "degree": int(record.degree),
        "person_id": person_id,
        "gallery_id": gallery_id,
        "submission_id": submission,
        "change": change,
        "reason": reason,
        "recorded_at": time,
    }
    return rows.add(connection, offense_records, row)


def before_closing(connection: Connection, person_id: int, closed: Current) -> OffenseRecord:
    """What the record said last before it was sealed or expunged. StoreError where that was deleted
    since, its time being over (see store.expiry)."""
    table = offense_records.c
    query = (
        select(*COLUMNS)
        .where(table.person_id == person_id, table.gallery_id == closed.gallery_id)
        .where(table.record_id == closed.record.record_id, table.change.not_in(CLOSED))
        .order_by(table.id.desc())
    )
    row = connection.execute(query.limit(1)).first()
    if row is None:
        raise StoreError(
            f"offense record {closed.record.record_id!r} cannot be restored: what it said was "
            "deleted when its time was over"
        )
    return _record(row)


def read(connection: Connection, *where: ColumnElement[bool]) -> list[Version]:
    """The versions that fit, oldest first; `where` may speak of offense_records, persons and
    galleries."""
    table = offense_records.c
    query = (
        select(
            persons.c.reference,
            galleries.c.name,
            table.change,
            table.reason,
            table.recorded_at,
            table.superseded_at,
            table.submission_id,
            submissions.c.operator,
            submissions.c.purpose,
            *COLUMNS,
        )
        .join(persons, persons.c.id == table.person_id)
        .join(galleries, galleries.c.id == table.gallery_id)
        .join(submissions, submissions.c.id == table.submission_id)
        .where(*where)
        .order_by(table.recorded_at, table.id)
    )
    return [
        Version(line[0], line[1], _record(line[9:]), *line[2:9])
        for line in connection.execute(query)
    ]


def person_id(connection: Connection, person: str) -> int:
    """The id of the person of that reference; GalleryError where there is none."""
    query = select(persons.c.id).where(persons.c.reference == person)
    found = connection.execute(query).scalar()
    if found is None:
        raise GalleryError(f"there is no person {person!r}")
    return int(found)


def _record(values: Sequence[Any]) -> OffenseRecord:
    fields = dict(zip(FIELDS, values, strict=True))
    return OffenseRecord(**fields | {"degree": Degree(fields["degree"])})
