"""Encounters: one occasion on which prints of a person were taken, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from engine.errors import ConflictError, NotFoundError
from engine.store import memberships, persons, rows
from engine.store.schema import encounters, galleries, images, now, prints, templates
from engine.store.schema import persons as persons_table
from engine.store.sealing import image_place, template_place, vault_of


@dataclass(frozen=True, slots=True)
class Facts:
    """What a client says of an encounter. status: ACTIVE or INACTIVE. kind: in the client's
    words. client_data: base64. contextual_data: JSON; None where the client sent none."""

    status: str
    kind: str
    client_data: str | None = None
    contextual_data: str | None = None


@dataclass(frozen=True, slots=True)
class EncounterRow:
    """One encounter as it is kept. galleries: sorted."""

    id: int
    person_id: int
    person: str
    reference: str
    facts: Facts
    created_at: datetime
    updated_at: datetime | None
    galleries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeptPrint:
    """A print of an encounter. details: JSON, as it was told; None where nothing was. image: the
    file, None where only a template came. template, quality: of any gallery, None where no gallery
    has one."""

    position: int
    ppi: float | None
    details: str | None
    image: bytes | None
    template: bytes | None
    quality: int | None


def create(
    connection: Connection, person: str, reference: str, facts: Facts, submission: int
) -> EncounterRow:
    """Makes an encounter, and its person where there is none. ConflictError where the person has
    an encounter of that name."""
    person_id = rows.ensure(connection, persons_table, {"reference": person}, {"created_at": now()})
    if of_person(connection, person_id, reference):
        raise conflict(person, reference)
    row = {
        "person_id": person_id,
        "reference": reference,
        "submission_id": submission,
        "created_at": now(),
        **_columns(facts),
    }
    rows.add(connection, encounters, row)
    return find(connection, person, reference)


def conflict(person: str, reference: str) -> ConflictError:
    """What to say where an encounter is there that was to be made."""
    return ConflictError(f"person {person!r} has an encounter {reference!r} already")


def find(connection: Connection, person: str, reference: str) -> EncounterRow:
    """One encounter; NotFoundError where there is none."""
    found = of_person(connection, find_person(connection, person), reference)
    if not found:
        raise NotFoundError(f"person {person!r} has no encounter {reference!r}")
    return found[0]


def find_person(connection: Connection, person: str) -> int:
    """The id of a person; NotFoundError where there is none."""
    person_id = persons.lookup(connection, person)
    if person_id is None:
        raise NotFoundError(f"there is no person {person!r}")
    return person_id


def of_person(
    connection: Connection, person_id: int, reference: str | None = None
) -> list[EncounterRow]:
    """All encounters of a person, or the one of that name, oldest first."""
    table = encounters.c
    query = (
        select(
            table.id,
            persons_table.c.reference,
            table.reference,
            table.status,
            table.kind,
            table.client_data,
            table.contextual_data,
            table.created_at,
            table.updated_at,
        )
        .join(persons_table, persons_table.c.id == table.person_id)
        .where(table.person_id == person_id)
        .order_by(table.id)
    )
    if reference is not None:
        query = query.where(table.reference == reference)
    found = connection.execute(query).all()
    names = memberships.galleries_of(connection, [row[0] for row in found])
    return [
        EncounterRow(
            row[0], person_id, row[1], row[2], Facts(*row[3:7]), row[7], row[8],
            tuple(names[row[0]]),
        )
        for row in found
    ]  # fmt: skip


def prints_of(
    connection: Connection, encounter_id: int, *, with_images: bool = True
) -> list[KeptPrint]:
    """The prints of an encounter, in the order in which they came."""
    vault = vault_of(connection)
    table = templates.c
    held: dict[int, tuple[bytes, int]] = {
        row.print_id: (
            vault.open(row.data, row.sealed_with, template_place(row.gallery_id, row.print_id)),
            row.quality,
        )
        for row in connection.execute(
            select(table.print_id, table.gallery_id, table.data, table.sealed_with, table.quality)
            .join(prints, prints.c.id == templates.c.print_id)
            .where(prints.c.encounter_id == encounter_id)
        )
    }
    columns: list[Any] = [prints.c.id, prints.c.position, prints.c.ppi, prints.c.details]
    query = select(*columns).where(prints.c.encounter_id == encounter_id).order_by(prints.c.id)
    if with_images:
        query = query.add_columns(images.c.data, images.c.sealed_with)
        query = query.outerjoin(images, images.c.print_id == prints.c.id)
    return [
        KeptPrint(
            row.position,
            row.ppi,
            row.details,
            vault.open(row.data, row.sealed_with, image_place(row.id))
            if with_images and row.data is not None
            else None,
            *held.get(row.id, (None, None)),
        )
        for row in connection.execute(query)
    ]


def change(connection: Connection, encounter_id: int, facts: Facts) -> None:
    """Puts new facts in the place of the old ones."""
    values = {**_columns(facts), "updated_at": now()}
    connection.execute(update(encounters).where(encounters.c.id == encounter_id).values(values))


def touch(connection: Connection, encounter_id: int, **values: Any) -> None:
    """Changes single columns, and says when."""
    own = encounters.c.id == encounter_id
    connection.execute(update(encounters).where(own).values(updated_at=now(), **values))


def drop(connection: Connection, encounter_ids: Sequence[int]) -> None:
    """Deletes encounters whose prints were deleted before."""
    connection.execute(delete(encounters).where(encounters.c.id.in_(encounter_ids)))


def _columns(facts: Facts) -> dict[str, Any]:
    return {
        "status": facts.status,
        "kind": facts.kind,
        "client_data": facts.client_data,
        "contextual_data": facts.contextual_data,
    }


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a template comes from. details: JSON, of its print."""

    encounter: str
    gallery: str
    position: int
    details: str | None


def origins(connection: Connection, template_ids: Sequence[int]) -> dict[int, Origin]:
    """Where these templates come from, as far as they are there."""
    query = (
        select(
            templates.c.id,
            encounters.c.reference,
            galleries.c.name,
            prints.c.position,
            prints.c.details,
        )
        .join(prints, prints.c.id == templates.c.print_id)
        .join(encounters, encounters.c.id == prints.c.encounter_id)
        .join(galleries, galleries.c.id == templates.c.gallery_id)
        .where(templates.c.id.in_(template_ids))
    )
    return {row[0]: Origin(*row[1:]) for row in connection.execute(query)}


@dataclass(frozen=True, slots=True)
class HeldTemplate:
    """One template of a person. sha256: hex, of what it was made from."""

    id: int
    position: int
    sha256: str
    quality: int
    data: bytes
    active: bool
    gallery: str
    encounter: str


def templates_of(connection: Connection, person_id: int) -> list[HeldTemplate]:
    """All templates of a person, in every gallery, the best quality first."""
    query = (
        select(
            templates.c.id,
            prints.c.position,
            prints.c.sha256,
            templates.c.quality,
            templates.c.data,
            templates.c.active,
            galleries.c.name,
            encounters.c.reference,
            templates.c.sealed_with,
            templates.c.gallery_id,
            templates.c.print_id,
        )
        .join(prints, prints.c.id == templates.c.print_id)
        .join(encounters, encounters.c.id == prints.c.encounter_id)
        .join(galleries, galleries.c.id == templates.c.gallery_id)
        .where(encounters.c.person_id == person_id)
        .order_by(templates.c.quality.desc(), templates.c.id)
    )
    vault = vault_of(connection)
    found = []
    for row in connection.execute(query):
        number, position, sha256, quality, data, *about, sealed_with, gallery_id, print_id = row
        opened = vault.open(data, sealed_with, template_place(gallery_id, print_id))
        active, gallery, encounter = about
        found.append(
            HeldTemplate(number, position, sha256, quality, opened, active, gallery, encounter)
        )
    return found
