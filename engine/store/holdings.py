"""Holdings: the prints of an encounter in its galleries. Every template that begins or ends being
searched is a change, so that indexes follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from engine.errors import InputError
from engine.store import (
    changes,
    encounters,
    galleries,
    memberships,
    persons,
    probe_prints,
    rows,
)
from engine.store.encounters import EncounterRow
from engine.store.galleries import GalleryRow
from engine.store.schema import ACTIVE, images, now, prints, templates
from engine.store.sealing import image_place, template_place, vault_of


@dataclass(frozen=True, slots=True)
class NewItem:
    """A print to keep with an encounter. sha256: hex, of the image or else of the template that
    came. source: what it was called. details: JSON. template: bytes of formats.template."""

    position: int
    sha256: str
    source: str
    ppi: float | None
    details: str
    image: bytes | None
    template: bytes
    maker: str
    quality: int


def put(
    connection: Connection,
    encounter: EncounterRow,
    items: Sequence[NewItem],
    names: Iterable[str],
    submission: int,
) -> None:
    """Puts an encounter that has neither print nor gallery into galleries, which are made where
    there are none, with its prints.

    InputError where two prints are the same, MakerMismatchError where a gallery is of another
    maker.
    """
    vault = vault_of(connection)
    if vault.key is None:
        vault.require_keys(connection)  # who forgot the keys must not enrol in plain beside others
    rows_of = [_join(connection, name, encounter) for name in names]
    seen: set[tuple[int, str]] = set()
    for item in items:
        if (item.position, item.sha256) in seen:
            raise InputError(item.source, "the same print as another of this encounter")
        seen.add((item.position, item.sha256))
        row = {
            "person_id": encounter.person_id,
            "encounter_id": encounter.id,
            "position": item.position,
            "sha256": item.sha256,
            "source": item.source,
            "ppi": item.ppi,
            "created_at": now(),
            "details": item.details,
        }
        print_id = rows.add(connection, prints, row)
        if item.image is not None:
            data, sealed_with = vault.seal(item.image, image_place(print_id))
            picture = {"print_id": print_id, "data": data, "sealed_with": sealed_with}
            connection.execute(insert(images).values(picture))
        for gallery in rows_of:
            _add(
                connection, encounter, gallery, print_id, item.maker, item.quality, item.template,
                submission,
            )  # fmt: skip


def clear(connection: Connection, encounter: EncounterRow, submission: int) -> None:
    """Takes an encounter out of all its galleries, and deletes its prints."""
    for name in encounter.galleries:
        _leave(connection, encounter, galleries.find(connection, name), submission)
    own = select(prints.c.id).where(prints.c.encounter_id == encounter.id)
    files = select(prints.c.sha256).where(prints.c.encounter_id == encounter.id)
    probe_prints.forget_files(connection, list(connection.execute(files).scalars()))
    connection.execute(delete(images).where(images.c.print_id.in_(own)))
    connection.execute(delete(prints).where(prints.c.encounter_id == encounter.id))


def forget_galleries(connection: Connection, person_id: int, names: Iterable[str]) -> None:
    """Deletes a person's offense records in those of the galleries that no longer have them."""
    for name in names:
        gallery = galleries.find(connection, name)
        if not memberships.has_person(connection, gallery.id, person_id):
            persons.delete_records(connection, gallery.id, person_id)


def set_galleries(
    connection: Connection, encounter: EncounterRow, names: Sequence[str], submission: int
) -> None:
    """Puts an encounter into exactly these galleries. MakerMismatchError as for `put`."""
    held = _templates_of(connection, encounter)
    for name in names:
        if name in encounter.galleries:
            continue
        gallery = _join(connection, name, encounter)
        for print_id, maker, quality, data in held:
            _add(connection, encounter, gallery, print_id, maker, quality, data, submission)
    lost = [name for name in encounter.galleries if name not in names]
    for name in lost:
        _leave(connection, encounter, galleries.find(connection, name), submission)
    forget_galleries(connection, encounter.person_id, lost)
    encounters.touch(connection, encounter.id)


def set_status(
    connection: Connection, encounter: EncounterRow, status: str, submission: int
) -> None:
    """Makes an encounter one that is searched, or one that is not."""
    if status != encounter.facts.status:
        active = status == ACTIVE
        _record(connection, encounter, changes.ENROL if active else changes.REMOVE, submission)
        own = select(prints.c.id).where(prints.c.encounter_id == encounter.id)
        connection.execute(
            update(templates).where(templates.c.print_id.in_(own)).values(active=active)
        )
    encounters.touch(connection, encounter.id, status=status)


def renew(connection: Connection, encounter: EncounterRow, submission: int) -> None:
    """Gives all templates of an encounter new ids: indexes learn so that they are of another
    person now."""
    own = select(prints.c.id).where(prints.c.encounter_id == encounter.id)
    table = templates.c
    vault = vault_of(connection)
    columns = (
        table.gallery_id, table.print_id, table.maker, table.quality, table.data, table.sealed_with,
    )  # fmt: skip
    held = connection.execute(select(*columns).where(table.print_id.in_(own))).all()
    if encounter.facts.status == ACTIVE:
        _record(connection, encounter, changes.REMOVE, submission)
    connection.execute(delete(templates).where(table.print_id.in_(own)))
    by_name = {
        gallery.id: gallery
        for gallery in (galleries.find(connection, name) for name in encounter.galleries)
    }
    for gallery_id, print_id, maker, quality, kept, sealed_with in held:
        gallery = by_name[gallery_id]
        data = vault.open(kept, sealed_with, template_place(gallery_id, print_id))
        _add(connection, encounter, gallery, print_id, maker, quality, data, submission)


def _templates_of(
    connection: Connection, encounter: EncounterRow
) -> list[tuple[int, str, int, bytes]]:
    """Print, maker, quality and opened data of one template of every print."""
    vault = vault_of(connection)
    table = templates.c
    query = (
        select(
            table.print_id,
            table.gallery_id,
            table.maker,
            table.quality,
            table.data,
            table.sealed_with,
        )
        .join(prints, prints.c.id == table.print_id)
        .where(prints.c.encounter_id == encounter.id)
        .order_by(table.id)
    )
    first: dict[int, tuple[int, str, int, bytes]] = {}
    for row in connection.execute(query):
        if row.print_id not in first:
            place = template_place(row.gallery_id, row.print_id)
            data = vault.open(row.data, row.sealed_with, place)
            first[row.print_id] = (row.print_id, row.maker, row.quality, data)
    return list(first.values())


def _join(connection: Connection, name: str, encounter: EncounterRow) -> GalleryRow:
    gallery = galleries.ensure(connection, name)
    memberships.join(connection, gallery.id, encounter.id)
    return gallery


def _add(
    connection: Connection,
    encounter: EncounterRow,
    gallery: GalleryRow,
    print_id: int,
    maker: str,
    quality: int,
    data: bytes,
    submission: int,
) -> None:
    """Adds a template, which is searched where the encounter is active. data: not sealed yet."""
    galleries.fix_maker(connection, gallery, maker)
    active = encounter.facts.status == ACTIVE
    sealed, sealed_with = vault_of(connection).seal(data, template_place(gallery.id, print_id))
    row = {
        "print_id": print_id,
        "gallery_id": gallery.id,
        "maker": maker,
        "quality": quality,
        "data": sealed,
        "created_at": now(),
        "sealed_with": sealed_with,
        "active": active,
    }
    template_id = rows.add(connection, templates, row)
    if active:
        changes.record(connection, changes.ENROL, gallery.id, [template_id], submission)


def _leave(
    connection: Connection, encounter: EncounterRow, gallery: GalleryRow, submission: int
) -> None:
    if encounter.facts.status == ACTIVE:
        _record(connection, encounter, changes.REMOVE, submission, gallery.id)
    own = select(prints.c.id).where(prints.c.encounter_id == encounter.id)
    mine = (templates.c.gallery_id == gallery.id) & templates.c.print_id.in_(own)
    connection.execute(delete(templates).where(mine))
    memberships.leave_one(connection, gallery.id, encounter.id)


def _record(
    connection: Connection,
    encounter: EncounterRow,
    kind: str,
    submission: int,
    gallery_id: int | None = None,
) -> None:
    """Numbers one change for each template of the encounter, in one gallery or in all."""
    own = select(prints.c.id).where(prints.c.encounter_id == encounter.id)
    query = (
        select(templates.c.gallery_id, templates.c.id)
        .where(templates.c.print_id.in_(own))
        .order_by(templates.c.id)
    )
    if gallery_id is not None:
        query = query.where(templates.c.gallery_id == gallery_id)
    by_gallery: dict[int, list[int]] = {}
    for named, template_id in connection.execute(query):
        by_gallery.setdefault(named, []).append(template_id)
    for named, template_ids in by_gallery.items():
        changes.record(connection, kind, named, template_ids, submission)
