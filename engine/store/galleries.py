"""Galleries: named sets of templates that one search covers, each of one maker."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from engine.errors import GalleryError, MakerMismatchError
from engine.store.changes import lock
from engine.store.schema import (
    NAME_LENGTH,
    galleries,
    images,
    now,
    offense_records,
    prints,
    templates,
)

NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{NAME_LENGTH - 1}}}")


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """One gallery. maker: of all its templates, None until the first. fpir: that its searches are
    to keep, None until one is chosen."""

    id: int
    name: str
    maker: str | None
    created_at: datetime
    fpir: float | None

    @property
    def extractor(self) -> str | None:
        """The extractor of its templates, None until the first."""
        return self.maker.partition("-")[0] if self.maker else None


@dataclass(frozen=True, slots=True)
class Contents:
    """How much a gallery holds. template_bytes, image_bytes: of the data alone."""

    persons: int
    templates: int
    images: int
    records: int
    template_bytes: int
    image_bytes: int


def listing(connection: Connection) -> list[GalleryRow]:
    """Every gallery, by name."""
    rows = connection.execute(select(galleries).order_by(galleries.c.name))
    return [GalleryRow(**row) for row in rows.mappings()]


def lookup(connection: Connection, name: str) -> GalleryRow | None:
    """The gallery of that name, if there is one."""
    row = connection.execute(select(galleries).where(galleries.c.name == name)).mappings().first()
    return GalleryRow(**row) if row else None


def find(connection: Connection, name: str) -> GalleryRow:
    """The gallery of that name; GalleryError where there is none."""
    gallery = lookup(connection, name)
    if gallery is None:
        known = ", ".join(gallery.name for gallery in listing(connection))
        hint = f"there are: {known}" if known else "enrol something first"
        raise GalleryError(f"no gallery {name!r}: {hint}")
    return gallery


def check_name(name: str) -> None:
    """GalleryError where the name will not do for a gallery."""
    if not NAME.fullmatch(name):
        raise GalleryError(
            f"{name!r} is no name for a gallery: use up to {NAME_LENGTH} letters, digits, "
            "dots, dashes and underscores, the first a letter or a digit"
        )


def ensure(connection: Connection, name: str) -> GalleryRow:
    """The gallery of that name, made if need be; GalleryError where the name will not do."""
    check_name(name)
    lock(connection)  # of two processes that begin with the same gallery one makes it
    if lookup(connection, name) is None:
        connection.execute(insert(galleries).values(name=name, created_at=now()))
    return find(connection, name)


def require_maker(gallery: GalleryRow, maker: str) -> None:
    """MakerMismatchError unless templates of `maker` may join the gallery."""
    if gallery.maker not in (None, maker):
        raise MakerMismatchError(
            f"gallery {gallery.name!r} holds templates made by {gallery.maker}, not {maker}: use "
            "the same extractor, version and settings, or enrol into another gallery"
        )


def fix_maker(connection: Connection, gallery: GalleryRow, maker: str) -> GalleryRow:
    """Fixes the maker with the first template; MakerMismatchError where it is fixed otherwise."""
    connection.execute(
        update(galleries)
        .where(galleries.c.id == gallery.id, galleries.c.maker.is_(None))
        .values(maker=maker)
    )
    fixed = find(connection, gallery.name)
    require_maker(fixed, maker)
    return fixed


def contents(connection: Connection, gallery: GalleryRow) -> Contents:
    """Counts what the gallery holds."""
    of_templates = (
        select(
            func.count(func.distinct(prints.c.person_id)),
            func.count(),
            func.count(images.c.print_id),
            func.coalesce(func.sum(func.length(templates.c.data)), 0),
            func.coalesce(func.sum(func.length(images.c.data)), 0),
        )
        .select_from(templates)
        .join(prints, prints.c.id == templates.c.print_id)
        .outerjoin(images, images.c.print_id == prints.c.id)
        .where(templates.c.gallery_id == gallery.id)
    )
    persons, count, pictures, template_bytes, image_bytes = connection.execute(of_templates).one()
    of_records = select(func.count()).where(
        offense_records.c.gallery_id == gallery.id, offense_records.c.superseded_at.is_(None)
    )
    records = connection.execute(of_records).scalar_one()
    return Contents(persons, count, pictures, records, template_bytes, image_bytes)


def drop(connection: Connection, gallery: GalleryRow) -> None:
    """Forgets the name of a gallery that was emptied before (see `persons.remove`)."""
    connection.execute(delete(galleries).where(galleries.c.id == gallery.id))
