"""Memberships: which encounters a gallery has, whether they have a print or none."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from engine.store.schema import encounters, galleries, memberships, persons

Ids = tuple[str, str]  # references of a person and of one encounter


def join(connection: Connection, gallery_id: int, encounter_id: int) -> None:
    """Makes an encounter one of the gallery's, if it is not."""
    own = (memberships.c.gallery_id == gallery_id) & (memberships.c.encounter_id == encounter_id)
    if connection.execute(select(memberships.c.gallery_id).where(own)).first() is None:
        row = {"gallery_id": gallery_id, "encounter_id": encounter_id}
        connection.execute(insert(memberships).values(row))


def leave(connection: Connection, gallery_id: int, person_id: int) -> int:
    """Takes all of a person's encounters out of the gallery, and says how many those were."""
    own = select(encounters.c.id).where(encounters.c.person_id == person_id)
    mine = (memberships.c.gallery_id == gallery_id) & memberships.c.encounter_id.in_(own)
    return connection.execute(delete(memberships).where(mine)).rowcount


def leave_one(connection: Connection, gallery_id: int, encounter_id: int) -> None:
    """Takes one encounter out of the gallery."""
    own = (memberships.c.gallery_id == gallery_id) & (memberships.c.encounter_id == encounter_id)
    connection.execute(delete(memberships).where(own))


def has_person(connection: Connection, gallery_id: int, person_id: int) -> bool:
    """Whether the gallery has any encounter of the person."""
    query = (
        select(encounters.c.id)
        .join(memberships, memberships.c.encounter_id == encounters.c.id)
        .where(memberships.c.gallery_id == gallery_id, encounters.c.person_id == person_id)
    )
    return connection.execute(query.limit(1)).first() is not None


def galleries_of(connection: Connection, encounter_ids: Sequence[int]) -> dict[int, list[str]]:
    """The names of the galleries of each encounter, sorted."""
    query = (
        select(memberships.c.encounter_id, galleries.c.name)
        .join(galleries, galleries.c.id == memberships.c.gallery_id)
        .where(memberships.c.encounter_id.in_(encounter_ids))
        .order_by(galleries.c.name)
    )
    found: dict[int, list[str]] = {encounter_id: [] for encounter_id in encounter_ids}
    for encounter_id, name in connection.execute(query):
        found[encounter_id].append(name)
    return found


def content(connection: Connection, gallery_id: int | None, offset: int, limit: int) -> list[Ids]:
    """Persons and encounters of one gallery, or of any, in the order in which they came; `limit`
    of them from place `offset`."""
    query = (
        select(persons.c.reference, encounters.c.reference)
        .join(encounters, encounters.c.person_id == persons.c.id)
        .order_by(encounters.c.id)
        .offset(offset)
        .limit(limit)
    )
    if gallery_id is not None:
        query = query.join(memberships, memberships.c.encounter_id == encounters.c.id)
        query = query.where(memberships.c.gallery_id == gallery_id)
    return [(person, encounter) for person, encounter in connection.execute(query)]
