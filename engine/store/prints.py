"""Prints and their templates: enrolled once however often they are sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, func, insert, select

from engine.store import changes, galleries, memberships, rows
from engine.store.galleries import GalleryRow
from engine.store.schema import ACTIVE, encounters, images, now, persons, prints, templates
from engine.store.sealing import image_place, template_place, vault_of

READ_AT_ONCE = 500  # ids in one query: below every database's limit on parameters
# What it takes to open a template.
SEALED = (templates.c.data, templates.c.sealed_with, templates.c.gallery_id, templates.c.print_id)


@dataclass(frozen=True, slots=True)
class PrintKey:
    """What makes a print the same print within a gallery. sha256: hex, of the file's bytes."""

    person: str
    position: int
    sha256: str


@dataclass(frozen=True, slots=True)
class NewPrint:
    """A print to enrol. template: bytes of formats.template. image: the file, None if refused.
    ppi: as the caller stated it."""

    key: PrintKey
    encounter: str
    source: str
    ppi: float | None
    image: bytes | None
    template: bytes
    maker: str
    quality: int


@dataclass(frozen=True, slots=True)
class StoredTemplate:
    """A template as the database keeps it, with the person it is of."""

    id: int
    person: str
    data: bytes


@dataclass(frozen=True, slots=True)
class StoredPrint:
    """One enrolled print of a person. image: None where it was refused."""

    template_id: int
    position: int
    source: str
    ppi: float | None
    template: bytes
    image: bytes | None


def is_enrolled(connection: Connection, gallery: GalleryRow, key: PrintKey) -> bool:
    """Whether the gallery has this print already."""
    query = (
        select(templates.c.id)
        .join(prints, prints.c.id == templates.c.print_id)
        .join(persons, persons.c.id == prints.c.person_id)
        .where(templates.c.gallery_id == gallery.id, persons.c.reference == key.person)
        .where(prints.c.position == key.position, prints.c.sha256 == key.sha256)
    )
    return connection.execute(query).first() is not None


def has_files(connection: Connection, person: str, sha256s: Collection[str]) -> bool:
    """Whether prints of the person were made of all these files."""
    query = (
        select(func.count(prints.c.sha256.distinct()))
        .join(persons, persons.c.id == prints.c.person_id)
        .where(persons.c.reference == person, prints.c.sha256.in_(sha256s))
    )
    return bool(connection.execute(query).scalar_one() == len(set(sha256s)))


def are_there(connection: Connection, template_ids: Collection[int]) -> bool:
    """Whether all of these templates are: one that changes hands gets another id."""
    wanted = sorted(set(template_ids))
    query = select(func.count()).select_from(templates)
    return all(
        connection.execute(query.where(templates.c.id.in_(some))).scalar_one() == len(some)
        for some in (
            wanted[start : start + READ_AT_ONCE] for start in range(0, len(wanted), READ_AT_ONCE)
        )
    )


def enrol(
    connection: Connection, gallery: GalleryRow, new: Sequence[NewPrint], submission: int
) -> list[bool]:
    """Enrols prints; for each, whether it was new to the gallery.

    MakerMismatchError where one was made by another maker than the gallery's, KeysError without a
    key though others are sealed.
    """
    changes.lock(connection)
    vault = vault_of(connection)
    if vault.key is None:
        vault.require_keys(connection)  # who forgot the keys must not enrol in plain beside others
    fresh = []
    template_ids = []
    for item in new:
        if gallery.maker != item.maker:
            gallery = galleries.fix_maker(connection, gallery, item.maker)
        fresh.append(not is_enrolled(connection, gallery, item.key))
        if fresh[-1]:
            print_id = _ensure_print(connection, item, submission)
            active = _join(connection, gallery, print_id)
            place = template_place(gallery.id, print_id)
            data, sealed_with = vault.seal(item.template, place)
            row = {
                "print_id": print_id,
                "gallery_id": gallery.id,
                "maker": item.maker,
                "quality": item.quality,
                "data": data,
                "created_at": now(),
                "sealed_with": sealed_with,
                "active": active,
            }
            template_id = rows.add(connection, templates, row)
            if active:
                template_ids.append(template_id)
    changes.record(connection, changes.ENROL, gallery.id, template_ids, submission)
    return fresh


def has_any(connection: Connection, gallery: GalleryRow) -> bool:
    """Whether the gallery has a template: quick, however many there are."""
    query = select(templates.c.id).where(templates.c.gallery_id == gallery.id).limit(1)
    return connection.execute(query).first() is not None


def count(connection: Connection, gallery: GalleryRow) -> int:
    """How many templates of the gallery are searched."""
    query = select(func.count()).where(templates.c.gallery_id == gallery.id, templates.c.active)
    return int(connection.execute(query).scalar_one())


def read_templates(connection: Connection, ids: Sequence[int]) -> Iterator[list[StoredTemplate]]:
    """The templates of these ids, as far as they exist, a few hundred at a time."""
    for start in range(0, len(ids), READ_AT_ONCE):
        query = (
            select(templates.c.id, persons.c.reference, *SEALED)
            .join(prints, prints.c.id == templates.c.print_id)
            .join(persons, persons.c.id == prints.c.person_id)
            .where(templates.c.id.in_(ids[start : start + READ_AT_ONCE]))
            .order_by(templates.c.id)
        )
        yield [
            StoredTemplate(number, person, _open(connection, *sealed))
            for number, person, *sealed in connection.execute(query)
        ]


def of_person(connection: Connection, gallery: GalleryRow, person: str) -> list[StoredPrint]:
    """The prints of a person in a gallery, in the order of their enrolment."""
    query = (
        select(
            templates.c.id,
            prints.c.position,
            prints.c.source,
            prints.c.ppi,
            images.c.data,
            images.c.sealed_with,
            *SEALED,
        )
        .select_from(templates)
        .join(prints, prints.c.id == templates.c.print_id)
        .outerjoin(images, images.c.print_id == prints.c.id)
        .where(templates.c.gallery_id == gallery.id, templates.c.print_id.in_(_ids_of(person)))
        .order_by(templates.c.id)
    )
    vault = vault_of(connection)
    found = []
    for number, position, source, ppi, image, image_key, *sealed in connection.execute(query):
        if image is not None:
            image = vault.open(image, image_key, image_place(sealed[-1]))
        template = _open(connection, *sealed)
        found.append(StoredPrint(number, position, source, ppi, template, image))
    return found


def of_encounter(connection: Connection, gallery: GalleryRow, person: str) -> list[StoredTemplate]:
    """The person's templates of one occasion, the one that the gallery has most prints of."""
    query = (
        select(templates.c.active, prints.c.encounter_id, templates.c.id, *SEALED)
        .join(prints, prints.c.id == templates.c.print_id)
        .where(templates.c.gallery_id == gallery.id, templates.c.print_id.in_(_ids_of(person)))
        .order_by(templates.c.id)
    )
    occasions: dict[int, list[StoredTemplate]] = {}
    for active, encounter, number, *sealed in connection.execute(query):
        if active:
            template = StoredTemplate(number, person, _open(connection, *sealed))
            occasions.setdefault(encounter, []).append(template)
    return max(occasions.values(), key=len, default=[])


def _ids_of(person: str) -> Select[tuple[int]]:
    """The person's prints, for a query of a gallery: joined to it by name they would be looked for
    among all prints of the gallery, where the database keeps no statistics."""
    own = select(prints.c.id).join(persons, persons.c.id == prints.c.person_id)
    return own.where(persons.c.reference == person)


def _open(
    connection: Connection, data: bytes, sealed_with: str | None, gallery_id: int, print_id: int
) -> bytes:
    place = template_place(gallery_id, print_id)
    return vault_of(connection).open(data, sealed_with, place)


def _join(connection: Connection, gallery: GalleryRow, print_id: int) -> bool:
    """Makes the print's encounter one of the gallery; whether it is active, so to be searched."""
    own = select(encounters.c.id, encounters.c.status)
    encounter_id, status = connection.execute(
        own.join(prints, prints.c.encounter_id == encounters.c.id).where(prints.c.id == print_id)
    ).one()
    memberships.join(connection, gallery.id, encounter_id)
    return bool(status == ACTIVE)


def _ensure_print(connection: Connection, new: NewPrint, submission: int) -> int:
    """The print's id; its person, encounter, print and image are made where they are missing."""
    person_id = rows.ensure(
        connection, persons, {"reference": new.key.person}, {"created_at": now()}
    )
    encounter_id = rows.ensure(
        connection,
        encounters,
        {"person_id": person_id, "reference": new.encounter},
        {"submission_id": submission, "created_at": now()},
    )
    print_id = rows.ensure(
        connection,
        prints,
        {"person_id": person_id, "position": new.key.position, "sha256": new.key.sha256},
        {
            "encounter_id": encounter_id,
            "source": new.source,
            "ppi": new.ppi,
            "created_at": now(),
        },
    )
    if new.image is not None:
        kept = select(images.c.print_id).where(images.c.print_id == print_id)
        if connection.execute(kept).first() is None:
            data, sealed_with = vault_of(connection).seal(new.image, image_place(print_id))
            row = {"print_id": print_id, "data": data, "sealed_with": sealed_with}
            connection.execute(insert(images).values(row))
    return print_id
