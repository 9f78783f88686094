"""Offense records: facts attached to a person by a gallery, never part of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select

from engine.store import changes, galleries, versions
from engine.store.corrections import correct
from engine.store.galleries import GalleryRow
from engine.store.schema import offense_records, persons, prints, templates
from engine.store.versions import ADDED, AMENDED, CLOSED, COLUMNS, Version
from engine.types import Degree, OffenseRecord

__all__ = ["Attached", "Version", "attach", "correct", "history", "of_persons"]

READ_AT_ONCE = 500  # persons in one query: below every database's limit on parameters
DEGREES = {int(degree): degree for degree in Degree}  # quicker than Degree() a million times


@dataclass(frozen=True, slots=True)
class Attached:
    """What became of records sent: counts, and the persons that the gallery does not know.

    refused: records that were sealed or expunged before and stay so; closed: which, in words.
    """

    added: int
    updated: int
    unchanged: int
    unknown_persons: tuple[str, ...]
    refused: int = 0
    closed: tuple[str, ...] = ()


def attach(
    connection: Connection,
    gallery: GalleryRow,
    records: Sequence[tuple[str, OffenseRecord]],
    submission: int,
) -> Attached:
    """Attaches (person, record) pairs. A record sent again with other content is a new version;
    one that was sealed or expunged does not come back this way, nor by another gallery that says
    what it said."""
    changes.lock(connection)
    counts = {"added": 0, "updated": 0, "unchanged": 0, "refused": 0}
    ids: dict[str, int | None] = {}
    closed: dict[str, None] = {}
    for person, record in records:
        if person not in ids:
            ids[person] = _person_in(connection, gallery, person)
        person_id = ids[person]
        if person_id is None:
            continue
        there = versions.current(connection, person_id, record.record_id)
        own = next((item for item in there if item.gallery_id == gallery.id), None)
        shut = next(
            (
                item
                for item in there
                if item.change in CLOSED
                and (item is own or versions.before_closing(connection, person_id, item) == record)
            ),
            None,
        )
        if shut is not None:
            closed[f"{record.record_id} of {person}: {shut.change} in {shut.gallery}"] = None
            counts["refused"] += 1
        elif own is not None and own.record == record:
            counts["unchanged"] += 1
        else:
            versions.write(
                connection,
                person_id,
                gallery.id,
                record,
                AMENDED if own else ADDED,
                submission=submission,
                before=own,
            )
            counts["updated" if own else "added"] += 1
    unknown = tuple(person for person, person_id in ids.items() if person_id is None)
    return Attached(**counts, unknown_persons=unknown, closed=tuple(closed))


def of_persons(
    connection: Connection, references: Sequence[str], at: datetime | None = None
) -> dict[str, tuple[OffenseRecord, ...]]:
    """Each person's records from all galleries, as they stand or as they stood at a time, in the
    order in which they were recorded.

    Galleries number their records as they like: the same id from two of them is two records,
    unless all that they say is the same.
    """
    table = offense_records.c
    standing: ColumnElement[bool] = table.superseded_at.is_(None)
    if at is not None:
        standing = (table.recorded_at <= at) & (standing | (table.superseded_at > at))
    query = (
        select(persons.c.reference, table.gallery_id, *COLUMNS)
        .join(persons, persons.c.id == table.person_id)
        .where(standing)
        .order_by(table.recorded_at, table.id)
    )
    found: dict[str, tuple[OffenseRecord, ...]] = dict.fromkeys(references, ())
    asked = list(found)
    for start in range(0, len(asked), READ_AT_ONCE):
        some = persons.c.reference.in_(asked[start : start + READ_AT_ONCE])
        own: dict[str, list[OffenseRecord]] = {}
        told_by: dict[str, set[int]] = {}
        rows = connection.execute(query.where(some))
        for person, gallery, name, ncic, charge, degree, *rest in rows:
            record = OffenseRecord(name, ncic, charge, DEGREES[degree], *rest)
            own.setdefault(person, []).append(record)
            told_by.setdefault(person, set()).add(gallery)
        # Only where several galleries speak of a person can two say the same.
        found.update(
            (person, tuple(dict.fromkeys(facts) if len(told_by[person]) > 1 else facts))
            for person, facts in own.items()
        )
    return found


def history(connection: Connection, person: str, gallery: str | None = None) -> list[Version]:
    """Every version of every record of a person (in one gallery, where it is named), oldest
    first. GalleryError where there is no such person or gallery."""
    where = [offense_records.c.person_id == versions.person_id(connection, person)]
    if gallery is not None:
        where.append(offense_records.c.gallery_id == galleries.find(connection, gallery).id)
    return versions.read(connection, *where)


def _person_in(connection: Connection, gallery: GalleryRow, person: str) -> int | None:
    query = (
        select(persons.c.id)
        .join(prints, prints.c.person_id == persons.c.id)
        .join(templates, templates.c.print_id == prints.c.id)
        .where(persons.c.reference == person, templates.c.gallery_id == gallery.id)
    )
    return connection.execute(query.limit(1)).scalar()
