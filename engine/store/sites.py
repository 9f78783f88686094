"""Sites: what scores mean in a gallery, as long as they are made in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields

from sqlalchemy import Connection, delete, insert, select, update

from engine.store import changes
from engine.store.galleries import GalleryRow
from engine.store.schema import galleries, sites
from engine.types import Site

COLUMNS = tuple(sites.c[field.name] for field in fields(Site))


def of(connection: Connection, gallery: GalleryRow, scoring: str) -> tuple[Site, ...]:
    """The gallery's sites, fewest fingers first; none where `scoring` made other scores."""
    own = select(*COLUMNS).where(sites.c.gallery_id == gallery.id, sites.c.scoring == scoring)
    rows = connection.execute(own.order_by(sites.c.fingers)).mappings()
    return tuple(Site(**row) for row in rows)


def put(
    connection: Connection,
    gallery: GalleryRow,
    measured: Sequence[Site],
    scoring: str,
    *,
    fpir: float,
    submission: int,
) -> None:
    """Keeps these sites in place of those before, and the rate that searches are to keep."""
    changes.lock(connection)
    connection.execute(delete(sites).where(sites.c.gallery_id == gallery.id))
    told = {"gallery_id": gallery.id, "submission_id": submission, "scoring": scoring}
    connection.execute(insert(sites), [told | asdict(site) for site in measured])
    connection.execute(update(galleries).where(galleries.c.id == gallery.id).values(fpir=fpir))
