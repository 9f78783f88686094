"""Offense records: facts attached to a person by a gallery, never part of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from engine.store.galleries import GalleryRow
from engine.store.schema import now, offense_records, persons, prints, templates
from engine.types import Degree, OffenseRecord

FIELDS = tuple(OffenseRecord.__dataclass_fields__)


@dataclass(frozen=True, slots=True)
class Attached:
    """What became of records sent: counts, and the persons that the gallery does not know."""

    added: int
    updated: int
    unchanged: int
    unknown_persons: tuple[str, ...]


def attach(
    connection: Connection,
    gallery: GalleryRow,
    records: Sequence[tuple[str, OffenseRecord]],
    submission: int,
) -> Attached:
    """Attaches (person, record) pairs; the same record sent again replaces what it said before."""
    counts = {"added": 0, "updated": 0, "unchanged": 0}
    unknown: dict[str, None] = {}
    for person, record in records:
        person_id = _person_in(connection, gallery, person)
        if person_id is None:
            unknown[person] = None
        else:
            counts[_put(connection, gallery, person_id, record, submission)] += 1
    return Attached(**counts, unknown_persons=tuple(unknown))


def of_persons(
    connection: Connection, references: Sequence[str]
) -> dict[str, tuple[OffenseRecord, ...]]:
    """Each person's records from all galleries; where two galleries sent the same record id, what
    was sent last counts."""
    found: dict[str, dict[str, OffenseRecord]] = {reference: {} for reference in references}
    query = (
        select(persons.c.reference, *(offense_records.c[field] for field in FIELDS))
        .join(persons, persons.c.id == offense_records.c.person_id)
        .where(persons.c.reference.in_(references))
        .order_by(offense_records.c.updated_at, offense_records.c.id)
    )
    for person, *values in connection.execute(query):
        record = _record(values)
        found[person][record.record_id] = record
    return {person: tuple(records.values()) for person, records in found.items()}


def _person_in(connection: Connection, gallery: GalleryRow, person: str) -> int | None:
    query = (
        select(persons.c.id)
        .join(prints, prints.c.person_id == persons.c.id)
        .join(templates, templates.c.print_id == prints.c.id)
        .where(persons.c.reference == person, templates.c.gallery_id == gallery.id)
    )
    return connection.execute(query).scalar()


def _put(
    connection: Connection,
    gallery: GalleryRow,
    person_id: int,
    record: OffenseRecord,
    submission: int,
) -> str:
    """Writes one record; says whether it was added, updated or unchanged."""
    table = offense_records
    key = {"gallery_id": gallery.id, "person_id": person_id, "record_id": record.record_id}
    same = [table.c[name] == value for name, value in key.items()]
    row = asdict(record) | {"degree": int(record.degree), "updated_at": now()}
    row["submission_id"] = submission
    old = connection.execute(select(*(table.c[field] for field in FIELDS)).where(*same)).first()
    if old is None:
        connection.execute(insert(table).values(row | key))
        return "added"
    if _record(old) == record:
        return "unchanged"
    connection.execute(update(table).where(*same).values(row))
    return "updated"


def _record(values: Sequence[Any]) -> OffenseRecord:
    fields = dict(zip(FIELDS, values, strict=True))
    return OffenseRecord(**fields | {"degree": Degree(fields["degree"])})
