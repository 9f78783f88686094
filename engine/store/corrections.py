"""Corrections: records amended, sealed, expunged and restored, each as the next version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from engine.errors import GalleryError, StoreError
from engine.store import changes, galleries, versions
from engine.store.schema import offense_records
from engine.store.versions import (
    AMENDED,
    CLOSED,
    EXPUNGED,
    FIELDS,
    RESTORED,
    SEALED,
    Current,
    Version,
)
from engine.types import Degree, OffenseRecord

AMENDABLE = FIELDS[1:]  # all but the record's id


def correct(
    connection: Connection,
    gallery: str | None,
    person: str,
    record_id: str,
    *,
    change: str,
    reason: str,
    submission: int,
    fields: Mapping[str, Any] | None = None,
) -> Version:
    """Changes a record in one gallery or, where none is named, in each that has it; gives the new
    version (of several the one that counts).

    change: "amended" takes `fields`, new values by the name of the field of OffenseRecord.
    "sealed" and "expunged" leave the record's id and nothing else; what it said before stays in
    the history alone. "restored" takes either back. GalleryError where there is no such gallery,
    person or record, StoreError where the change does not go with the record as it stands.
    """
    changes.lock(connection)
    person_id = versions.person_id(connection, person)
    there = versions.current(connection, person_id, record_id)
    if gallery is not None:
        own = galleries.find(connection, gallery).id
        there = [item for item in there if item.gallery_id == own]
    if not there:
        where = f" in gallery {gallery!r}" if gallery else ""
        raise GalleryError(f"person {person!r} has no offense record {record_id!r}{where}")
    _check(change, fields)
    written, refused = 0, ""
    for item in there:
        refused = _why_not(item, change)
        if refused:
            continue
        record = _changed(connection, person_id, item, change, fields)
        if change == AMENDED and record == item.record:
            refused = "says that already"
            continue
        written = versions.write(
            connection,
            person_id,
            item.gallery_id,
            record,
            change,
            reason=reason,
            submission=submission,
            before=item,
        )
    if not written:
        raise StoreError(f"offense record {record_id!r} of person {person!r} {refused}")
    return versions.read(connection, offense_records.c.id == written)[0]


def _check(change: str, fields: Mapping[str, Any] | None) -> None:
    """StoreError where no record could be changed like this."""
    if change not in (AMENDED, SEALED, EXPUNGED, RESTORED):
        raise StoreError(f"{change!r} is no change: use amended, sealed, expunged or restored")
    if change != AMENDED and fields:
        raise StoreError(f"a record is {change} whole: give no fields")
    if change == AMENDED and not fields:
        raise StoreError("an amended record needs fields with new values")
    unknown = sorted(set(fields or ()) - set(AMENDABLE))
    if unknown:
        known = ", ".join(AMENDABLE)
        raise StoreError(f"no field {', '.join(unknown)} to amend: there are {known}")


def _why_not(item: Current, change: str) -> str:
    """Why the record cannot be changed like this as it stands; "" where it can."""
    if change == RESTORED:
        return "" if item.change in CLOSED else "is neither sealed nor expunged"
    if item.change == SEALED and change != EXPUNGED:
        return "is sealed: restore it first" if change == AMENDED else "is sealed already"
    if item.change == EXPUNGED:
        return "is expunged: restore it first" if change != EXPUNGED else "is expunged already"
    return ""


def _changed(
    connection: Connection,
    person_id: int,
    item: Current,
    change: str,
    fields: Mapping[str, Any] | None,
) -> OffenseRecord:
    """What the record says after the change."""
    if change in CLOSED:
        return OffenseRecord(item.record.record_id, disposition=change.upper())
    if change == RESTORED:
        return versions.before_closing(connection, person_id, item)
    values = dict(fields or {})
    if "degree" in values:
        try:
            values["degree"] = Degree(values["degree"])
        except ValueError as error:
            raise StoreError(f"{values['degree']!r} is no degree of an offense") from error
    return replace(item.record, **values)
