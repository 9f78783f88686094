"""Persons: who is enrolled where, and how they are removed so that nothing biometric stays."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, func, select

from engine.errors import GalleryError
from engine.store import changes, holds, memberships, probe_prints
from engine.store.galleries import GalleryRow
from engine.store.schema import (
    encounters,
    galleries,
    images,
    offense_records,
    persons,
    prints,
    templates,
)
from engine.store.schema import memberships as memberships_table


@dataclass(frozen=True, slots=True)
class Removed:
    """How much a removal deleted. persons: those who were in no other gallery."""

    persons: int = 0
    templates: int = 0
    images: int = 0
    records: int = 0

    def __add__(self, other: Removed) -> Removed:
        return Removed(
            self.persons + other.persons,
            self.templates + other.templates,
            self.images + other.images,
            self.records + other.records,
        )


def in_gallery(connection: Connection, gallery: GalleryRow) -> list[str]:
    """The references of everyone in the gallery, sorted."""
    table = memberships_table.c
    query = (
        select(persons.c.reference)
        .distinct()
        .join(encounters, encounters.c.person_id == persons.c.id)
        .join(memberships_table, table.encounter_id == encounters.c.id)
        .where(table.gallery_id == gallery.id)
        .order_by(persons.c.reference)
    )
    return list(connection.execute(query).scalars())


def galleries_of(connection: Connection, person: str) -> list[str]:
    """The names of the galleries that have the person, sorted."""
    table = memberships_table.c
    query = (
        select(galleries.c.name)
        .distinct()
        .join(memberships_table, table.gallery_id == galleries.c.id)
        .join(encounters, encounters.c.id == table.encounter_id)
        .join(persons, persons.c.id == encounters.c.person_id)
        .where(persons.c.reference == person)
        .order_by(galleries.c.name)
    )
    return list(connection.execute(query).scalars())


def remove(connection: Connection, gallery: GalleryRow, person: str, submission: int) -> Removed:
    """Deletes a person's templates and records in a gallery, and the prints, images and encounters
    that no other gallery uses; records the change.

    GalleryError where the person is not in the gallery, HoldError where a legal hold stops it.
    """
    changes.lock(connection)
    holds.require_none(connection, [person])
    person_id = lookup(connection, person)
    if person_id is None or not memberships.leave(connection, gallery.id, person_id):
        raise GalleryError(f"gallery {gallery.name!r} has no person {person!r}")
    own = select(prints.c.id).where(prints.c.person_id == person_id)
    mine = (templates.c.gallery_id == gallery.id) & templates.c.print_id.in_(own)
    held = connection.execute(select(templates.c.id, templates.c.active).where(mine)).all()
    searched = [template_id for template_id, active in held if active]
    changes.record(connection, changes.REMOVE, gallery.id, searched, submission)
    connection.execute(delete(templates).where(mine))
    records = delete_records(connection, gallery.id, person_id)
    pictures = _delete_unused_prints(connection, person_id)
    gone = remove_if_empty(connection, person_id, person)
    return Removed(int(gone), len(held), pictures, records)


def lookup(connection: Connection, person: str) -> int | None:
    """The id of the person, if there is one."""
    query = select(persons.c.id).where(persons.c.reference == person)
    return connection.execute(query).scalar()


def remove_if_empty(connection: Connection, person_id: int, person: str) -> bool:
    """Deletes a person without an encounter, with all records and what is kept of probes that hit
    them; whether there was no encounter."""
    gone = drop_if_empty(connection, person_id)
    if gone:
        probe_prints.forget_person(connection, person)
    return gone


def drop_if_empty(connection: Connection, person_id: int) -> bool:
    """Deletes a person without an encounter, with all records; whether there was none. Of one who
    goes on under another reference that is all."""
    left = select(func.count()).where(encounters.c.person_id == person_id)
    if connection.execute(left).scalar_one():
        return False
    connection.execute(delete(persons).where(persons.c.id == person_id))
    return True


def delete_records(connection: Connection, gallery_id: int, person_id: int) -> int:
    """Deletes the person's records in the gallery with all that they ever said; gives their
    number."""
    table = offense_records.c
    own = (table.gallery_id == gallery_id) & (table.person_id == person_id)
    # Each record has one current version, whatever became of it.
    current = select(func.count()).where(own, table.superseded_at.is_(None))
    count = int(connection.execute(current).scalar_one())
    connection.execute(delete(offense_records).where(own))
    return count


def _delete_unused_prints(connection: Connection, person_id: int) -> int:
    """Deletes the person's prints without a template, and encounters without a gallery; gives
    the number of images that went with them."""
    unused = (prints.c.person_id == person_id) & ~exists().where(
        templates.c.print_id == prints.c.id
    )
    found = connection.execute(select(prints.c.id, prints.c.sha256).where(unused)).all()
    ids = [row.id for row in found]
    probe_prints.forget_files(connection, [row.sha256 for row in found])
    pictures = connection.execute(delete(images).where(images.c.print_id.in_(ids))).rowcount
    connection.execute(delete(prints).where(prints.c.id.in_(ids)))
    connection.execute(
        delete(encounters).where(
            encounters.c.person_id == person_id,
            ~exists().where(memberships_table.c.encounter_id == encounters.c.id),
        )
    )
    return pictures
