"""Row ids: which rows speak of persons, what went of them, and whether any of it is there again.

Ids are never used again, so a row that went is known by its id for good: the audit log names those
that a removal deleted, and anyone can look for them later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, exists, func, or_, select

from engine.store.persons import Removed
from engine.store.schema import (
    encounters,
    former_names,
    images,
    offense_records,
    persons,
    prints,
    probe_prints,
    search_candidates,
    search_probes,
    templates,
)

COLUMNS = {
    "persons": persons.c.id,
    "encounters": encounters.c.id,
    "prints": prints.c.id,
    "images": images.c.print_id,
    "templates": templates.c.id,
    "offense_records": offense_records.c.id,
    "probe_prints": probe_prints.c.id,
}
Ranges = list[list[int]]  # first and last of each run of ids that went
AT_ONCE = 200  # ranges in one query


@dataclass(frozen=True, slots=True)
class RowIds:
    """The ids of persons' rows by table. current: of the offense records that are in force."""

    by_table: Mapping[str, frozenset[int]]
    current: frozenset[int]

    def without(self, others: RowIds) -> RowIds:
        """Those that the others have not."""
        return RowIds(
            {table: ids - others.by_table[table] for table, ids in self.by_table.items()},
            self.current - others.current,
        )

    @property
    def counts(self) -> Removed:
        """How much they are."""
        own = self.by_table
        return Removed(
            len(own["persons"]), len(own["templates"]), len(own["images"]), len(self.current)
        )

    @property
    def ranges(self) -> dict[str, Ranges]:
        """All of them, as short as they can be written; without tables that have none."""
        return {table: _ranges(ids) for table, ids in self.by_table.items() if ids}


def of_persons(connection: Connection, references: Sequence[str]) -> RowIds:
    """The rows of these persons in all galleries."""
    known = select(persons.c.id).where(persons.c.reference.in_(references))
    of_them = select(prints.c.id).where(prints.c.person_id.in_(known))
    queries: dict[str, Select[Any]] = {
        "persons": known,
        "encounters": select(encounters.c.id).where(encounters.c.person_id.in_(known)),
        "prints": of_them,
        "images": select(images.c.print_id).where(images.c.print_id.in_(of_them)),
        "templates": select(templates.c.id).where(templates.c.print_id.in_(of_them)),
        "offense_records": select(offense_records.c.id).where(
            offense_records.c.person_id.in_(known)
        ),
        "probe_prints": probes_of(references),
    }
    current = queries["offense_records"].where(offense_records.c.superseded_at.is_(None))
    found = {table: _all(connection, query) for table, query in queries.items()}
    return RowIds(found, _all(connection, current))


def gone(connection: Connection, before: RowIds, references: Sequence[str]) -> RowIds:
    """Those rows of these persons that are not there any more."""
    after = of_persons(connection, references)
    # Whose probe it is, names say that may be gone themselves.
    own = probe_prints.c.id.in_(before.by_table["probe_prints"])
    probes = _all(connection, select(probe_prints.c.id).where(own))
    return before.without(RowIds({**after.by_table, "probe_prints": probes}, after.current))


def count_left(connection: Connection, gone: Mapping[str, Ranges]) -> dict[str, int]:
    """How many of the rows that went are there, by table."""
    left = {}
    for table, ranges in gone.items():
        column, count = COLUMNS[table], 0
        for start in range(0, len(ranges), AT_ONCE):
            part = ranges[start : start + AT_ONCE]
            within = or_(*(column.between(first, last) for first, last in part))
            count += int(connection.execute(select(func.count(column)).where(within)).scalar_one())
        left[table] = count
    return left


def ids_in(ranges: Ranges) -> Iterable[int]:
    """Each id of ranges."""
    for first, last in ranges:
        yield from range(first, last + 1)


def probes_of(references: Sequence[str]) -> Select[Any]:
    """The ids of what is kept of probes that may be these persons' prints: of those that hit them,
    by any name they had, and of files that they were enrolled from."""
    hit, file = search_candidates.c, search_probes.c
    before = (
        select(former_names.c.former)
        .join(persons, persons.c.id == former_names.c.person_id)
        .where(persons.c.reference.in_(references))
    )
    files = (
        select(prints.c.sha256)
        .join(persons, persons.c.id == prints.c.person_id)
        .where(persons.c.reference.in_(references))
    )
    return select(probe_prints.c.id).where(
        or_(
            exists().where(
                hit.search_id == probe_prints.c.search_id,
                hit.person.in_(references) | hit.person.in_(before),
                hit.over_threshold,
            ),
            exists().where(
                file.search_id == probe_prints.c.search_id,
                file.number == probe_prints.c.number,
                file.sha256.in_(files),
            ),
        )
    )


def _all(connection: Connection, query: Select[Any]) -> frozenset[int]:
    return frozenset(connection.execute(query).scalars())


def _ranges(ids: Iterable[int]) -> Ranges:
    found: Ranges = []
    for each in sorted(ids):
        if found and found[-1][1] == each - 1:
            found[-1][1] = each
        else:
            found.append([each, each])
    return found
