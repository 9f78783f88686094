"""Probe prints: what the fingers of a probe looked like, for those who compare its hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, exists, insert, select

from engine.store.schema import (
    decisions,
    images,
    persons,
    prints,
    probe_prints,
    search_candidates,
    search_probes,
    searches,
)
from engine.store.sealing import image_place, probe_place, vault_of

TEMPLATE, IMAGE = "template", "image"


@dataclass(frozen=True, slots=True)
class ProbeData:
    """One finger of a probe. template: in the form of formats.template. image: the file as it
    came, None where there is none. ppi: of the image, as the caller stated it."""

    template: bytes
    image: bytes | None
    ppi: float | None


@dataclass(frozen=True, slots=True)
class HeldProbe:
    """One finger of a probe as it is kept; None for what is not."""

    number: int
    position: int
    quality: int
    source: str
    template: bytes | None
    image: bytes | None
    ppi: float | None


def keep(connection: Connection, search_id: int, fingers: Sequence[ProbeData]) -> None:
    """Keeps the fingers of a probe, in the order in which they were searched."""
    vault, rows = vault_of(connection), []
    for number, finger in enumerate(fingers, start=1):
        for kind, value in ((TEMPLATE, finger.template), (IMAGE, finger.image)):
            if value is None:
                continue
            data, key = vault.seal(value, probe_place(search_id, number, kind))
            rows.append(
                {
                    "search_id": search_id,
                    "number": number,
                    "kind": kind,
                    "data": data,
                    "ppi": finger.ppi if kind == IMAGE else None,
                    "sealed_with": key,
                }
            )
    if rows:
        connection.execute(insert(probe_prints), rows)


def of_search(connection: Connection, search_id: int, *, images: bool = True) -> list[HeldProbe]:
    """The fingers of a search, in order. images: whether to read these too."""
    vault = vault_of(connection)
    kept: dict[tuple[int, str], tuple[bytes, float | None]] = {}
    query = select(
        probe_prints.c.number,
        probe_prints.c.kind,
        probe_prints.c.data,
        probe_prints.c.sealed_with,
        probe_prints.c.ppi,
    ).where(probe_prints.c.search_id == search_id)
    if not images:
        query = query.where(probe_prints.c.kind == TEMPLATE)
    for number, kind, data, key, ppi in connection.execute(query):
        kept[number, kind] = (vault.open(data, key, probe_place(search_id, number, kind)), ppi)
    own = (
        select(
            search_probes.c.number,
            search_probes.c.position,
            search_probes.c.quality,
            search_probes.c.source,
            search_probes.c.sha256,
        )
        .where(search_probes.c.search_id == search_id)
        .order_by(search_probes.c.number)
    )
    found = []
    for number, position, quality, source, sha256 in connection.execute(own).all():
        template = kept.get((number, TEMPLATE), (None, None))[0]
        image, ppi = kept.get((number, IMAGE), (None, None))
        if image is None and images:
            image, ppi = _enrolled(connection, sha256)
        found.append(HeldProbe(number, position, quality, source, template, image, ppi))
    return found


def forget_files(connection: Connection, sha256s: Sequence[str]) -> None:
    """Deletes what is kept of probes that were these very files: prints of who is removed."""
    of_these = search_probes.c.sha256.in_(sha256s)
    same = exists().where(
        search_probes.c.search_id == probe_prints.c.search_id,
        search_probes.c.number == probe_prints.c.number,
        of_these,
    )
    near = probe_prints.c.search_id.in_(select(search_probes.c.search_id).where(of_these))
    connection.execute(delete(probe_prints).where(near, same))  # same alone would look at all


def forget_person(connection: Connection, person: str, until: datetime | None = None) -> None:
    """Deletes what is kept of probes that hit a person who is removed: it may be that person's
    print. What examiners excluded is not, and what they have yet to compare with another stays.
    until: of searches before, where the name may be another person's since."""
    case, made = search_candidates.c, decisions.c
    ended = (made.search_id == case.search_id) & (made.person == case.person) & made.closes
    excluded = exists().where(ended, made.conclusion == "exclusion")
    hits = select(case.search_id).where(case.person == person, case.over_threshold, ~excluded)
    still = exists().where(
        case.search_id == probe_prints.c.search_id,
        case.person != person,
        case.over_threshold,
        ~exists().where(ended),
        exists().where(persons.c.reference == case.person),
    )
    which = [probe_prints.c.search_id.in_(hits), ~still]
    if until is not None:
        which.append(
            exists().where(searches.c.id == probe_prints.c.search_id, searches.c.at <= until)
        )
    connection.execute(delete(probe_prints).where(*which))


def _enrolled(connection: Connection, sha256: str) -> tuple[bytes | None, float | None]:
    """The image of a probe that was itself enrolled: the same file, wherever it is kept."""
    query = (
        select(images.c.print_id, images.c.data, images.c.sealed_with, prints.c.ppi)
        .join(prints, prints.c.id == images.c.print_id)
        .where(prints.c.sha256 == sha256)
        .limit(1)
    )
    row = connection.execute(query).first()
    if row is None:
        return None, None
    opened = vault_of(connection).open(row.data, row.sealed_with, image_place(row.print_id))
    return opened, row.ppi
