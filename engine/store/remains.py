"""Remains: the stored bytes of a person, and the rows that still speak of one after a removal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, LargeBinary, Table, func, select, type_coerce

from engine.store.audit import Filter, read
from engine.store.probe_prints import IMAGE
from engine.store.row_ids import probes_of
from engine.store.schema import (
    decisions,
    encounters,
    holds,
    images,
    offense_records,
    persons,
    prints,
    probe_prints,
    search_candidates,
    submissions,
    templates,
)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What the database has of one person: ids of rows, the digests of the files that came, and
    the bytes of templates and images as they are stored."""

    person_id: int | None
    template_ids: tuple[int, ...]
    print_ids: tuple[int, ...]
    sha256: tuple[str, ...]
    templates: tuple[bytes, ...]
    images: tuple[bytes, ...]


def holdings(connection: Connection, person: str) -> Holdings:
    """What is kept of a person in all galleries."""
    person_id = connection.execute(
        select(persons.c.id).where(persons.c.reference == person)
    ).scalar()
    return _held(connection, person_id, prints.c.person_id == person_id)


@dataclass(frozen=True, slots=True)
class ProbeBytes:
    """What is kept of one finger of a probe, as it is stored: its template, or its image."""

    id: int
    is_image: bool
    data: bytes


def probes(connection: Connection, person: str) -> list[ProbeBytes]:
    """What is kept of probes that may be a person's prints."""
    return _probes(connection, probe_prints.c.id.in_(probes_of([person])))


def probes_left(connection: Connection, before: Sequence[ProbeBytes]) -> list[ProbeBytes]:
    """Those that are there still: somebody has yet to compare them, or excluded the person."""
    return _probes(connection, probe_prints.c.id.in_([each.id for each in before]))


def _probes(connection: Connection, which: ColumnElement[bool]) -> list[ProbeBytes]:
    data = type_coerce(probe_prints.c.data, LargeBinary)
    query = select(probe_prints.c.id, probe_prints.c.kind == IMAGE, data).where(which)
    return [ProbeBytes(*row) for row in connection.execute(query)]


def of_same_files(connection: Connection, sha256: Sequence[str]) -> Holdings:
    """What is kept of anyone for whom a file of one of these digests was enrolled."""
    return _held(connection, None, prints.c.sha256.in_(sha256))


def _held(connection: Connection, person_id: int | None, which: ColumnElement[bool]) -> Holdings:
    own = select(prints.c.id).where(which)
    files = connection.execute(select(prints.c.id, prints.c.sha256).where(which)).all()
    # As bytes, whatever the column makes of them: they are what must not stay on the disk.
    of_templates = select(templates.c.id, type_coerce(templates.c.data, LargeBinary)).where(
        templates.c.print_id.in_(own)
    )
    of_images = select(type_coerce(images.c.data, LargeBinary)).where(images.c.print_id.in_(own))
    made = connection.execute(of_templates).all()
    return Holdings(
        person_id,
        tuple(row[0] for row in made),
        tuple(row[0] for row in files),
        tuple(row[1] for row in files),
        tuple(row[1] for row in made),
        tuple(connection.execute(of_images).scalars()),
    )


def rows_left(connection: Connection, before: Holdings) -> dict[str, int]:
    """How many of the rows that a person had there still are, by table."""
    left = {}
    for table, column, ids in (
        (persons, "id", [before.person_id]),
        (encounters, "person_id", [before.person_id]),
        (prints, "person_id", [before.person_id]),
        (offense_records, "person_id", [before.person_id]),
        (images, "print_id", before.print_ids),
        (templates, "id", before.template_ids),
    ):
        left[table.name] = _count(connection, table, column, ids)
    return left


def named_in(connection: Connection, person: str) -> dict[str, int]:
    """How many rows of the logs name the person's reference: searches and decisions keep it, and
    nothing else of the person."""
    counted = {
        table.name: _count(connection, table, column, [person])
        for table, column in (
            (submissions, "subject"),
            (search_candidates, "person"),
            (decisions, "person"),
            (holds, "person"),
        )
    }
    return counted | {"audit": sum(1 for _ in read(connection, Filter(person=person)))}


def is_in_a_row(connection: Connection, needle: bytes) -> bool:
    """Whether some stored template or image has these bytes, by right: it is in the database."""
    is_sqlite = connection.dialect.name == "sqlite"
    find = func.instr if is_sqlite else func.pg_catalog.position
    for table in (templates, images, probe_prints):
        data = type_coerce(table.c.data, LargeBinary)
        query = select(1).select_from(table).where(find(data, needle) > 0).limit(1)
        if connection.execute(query).first():
            return True
    return False


def _count(connection: Connection, table: Table, column: str, values: Sequence[object]) -> int:
    query = select(func.count()).select_from(table).where(table.c[column].in_(values))
    return int(connection.execute(query).scalar_one())
