"""Persons: who is enrolled where, and how they are removed so that nothing biometric stays."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, func, select

from engine.errors import GalleryError
from engine.store import changes, holds
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
    query = (
        select(persons.c.reference)
        .distinct()
        .select_from(templates)
        .join(prints, prints.c.id == templates.c.print_id)
        .join(persons, persons.c.id == prints.c.person_id)
        .where(templates.c.gallery_id == gallery.id)
        .order_by(persons.c.reference)
    )
    return list(connection.execute(query).scalars())


def galleries_of(connection: Connection, person: str) -> list[str]:
    """The names of the galleries that have the person, sorted."""
    query = (
        select(galleries.c.name)
        .distinct()
        .select_from(templates)
        .join(galleries, galleries.c.id == templates.c.gallery_id)
        .join(prints, prints.c.id == templates.c.print_id)
        .join(persons, persons.c.id == prints.c.person_id)
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
    person_id = connection.execute(
        select(persons.c.id).where(persons.c.reference == person)
    ).scalar()
    own = select(prints.c.id).where(prints.c.person_id == person_id)
    mine = (templates.c.gallery_id == gallery.id) & templates.c.print_id.in_(own)
    template_ids = list(connection.execute(select(templates.c.id).where(mine)).scalars())
    if person_id is None or not template_ids:
        raise GalleryError(f"gallery {gallery.name!r} has no person {person!r}")
    changes.record(connection, changes.REMOVE, gallery.id, template_ids, submission)
    connection.execute(delete(templates).where(mine))
    records = _delete_records(connection, gallery, person_id)
    pictures = _delete_unused_prints(connection, person_id)
    left = connection.execute(
        select(func.count()).select_from(prints).where(prints.c.person_id == person_id)
    ).scalar_one()
    if not left:
        connection.execute(delete(persons).where(persons.c.id == person_id))
    return Removed(int(not left), len(template_ids), pictures, records)


def _delete_records(connection: Connection, gallery: GalleryRow, person_id: int) -> int:
    """Deletes the person's records in the gallery with all that they ever said; gives their
    number."""
    table = offense_records.c
    own = (table.gallery_id == gallery.id) & (table.person_id == person_id)
    # Each record has one current version, whatever became of it.
    current = select(func.count()).where(own, table.superseded_at.is_(None))
    count = int(connection.execute(current).scalar_one())
    connection.execute(delete(offense_records).where(own))
    return count


def _delete_unused_prints(connection: Connection, person_id: int) -> int:
    """Deletes the person's prints without a template, and encounters without a print; gives the
    number of images that went with them."""
    unused = (prints.c.person_id == person_id) & ~exists().where(
        templates.c.print_id == prints.c.id
    )
    ids = list(connection.execute(select(prints.c.id).where(unused)).scalars())
    pictures = connection.execute(delete(images).where(images.c.print_id.in_(ids))).rowcount
    connection.execute(delete(prints).where(prints.c.id.in_(ids)))
    connection.execute(
        delete(encounters).where(
            encounters.c.person_id == person_id,
            ~exists().where(prints.c.encounter_id == encounters.c.id),
        )
    )
    return pictures
