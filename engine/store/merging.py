"""Merging: encounters go from one person to another, and what hangs on the person goes along."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, exists, select, update

from engine.errors import ConflictError
from engine.store import encounters, former_names, holdings, persons
from engine.store.encounters import EncounterRow
from engine.store.schema import (
    case_holds,
    decisions,
    offense_records,
    prints,
    search_candidates,
)
from engine.store.schema import encounters as encounters_table
from engine.store.versions import CLOSED

READ_AT_ONCE = 500  # searches named in one statement


def move(
    connection: Connection, moved: Sequence[EncounterRow], target_id: int, submission: int
) -> None:
    """Gives encounters of one person to another. ConflictError where that one has an encounter of
    the same name: then nothing is moved."""
    theirs = {row.reference for row in encounters.of_person(connection, target_id)}
    for encounter in moved:
        if encounter.reference in theirs:
            raise ConflictError(
                f"the target has an encounter {encounter.reference!r} already: nothing was moved"
            )
    for encounter in moved:
        own = prints.c.encounter_id == encounter.id
        connection.execute(update(prints).where(own).values(person_id=target_id))
        row = encounters_table.c.id == encounter.id
        connection.execute(update(encounters_table).where(row).values(person_id=target_id))
        holdings.renew(connection, encounter, submission)
        encounters.touch(connection, encounter.id)


def join_persons(connection: Connection, source: str, target: str) -> None:
    """Gives what is left of a person without an encounter to another one, and deletes the person:
    offense records with their history, and cases that are not closed, with what one examiner
    decided of them (but for a search of which the target has a decided case itself)."""
    source_id = encounters.find_person(connection, source)
    target_id = encounters.find_person(connection, target)
    _give_records(connection, source_id, target_id)
    _give_cases(connection, source, target)
    former_names.add(connection, source, source_id, target_id)
    persons.drop_if_empty(connection, source_id)


def _give_cases(connection: Connection, source: str, target: str) -> None:
    case, other = search_candidates.c, decisions.alias()
    closed = exists().where(
        other.c.search_id == case.search_id, other.c.person == source, other.c.closes
    )
    theirs = exists().where(other.c.search_id == case.search_id, other.c.person == target)
    begun = exists().where(other.c.search_id == case.search_id, other.c.person == source)
    query = select(case.search_id).where(case.person == source, ~closed, ~(begun & theirs))
    moved = list(connection.execute(query.distinct()).scalars())
    for start in range(0, len(moved), READ_AT_ONCE):
        some = moved[start : start + READ_AT_ONCE]
        for table in (search_candidates, decisions):
            own = (table.c.person == source) & table.c.search_id.in_(some)
            connection.execute(update(table).where(own).values(person=target))
        held = (case_holds.c.person == source) & case_holds.c.search_id.in_(some)
        connection.execute(delete(case_holds).where(held))


def _give_records(connection: Connection, source_id: int, target_id: int) -> None:
    """Where both have a record of one id in a gallery, it is the same record: that of the target
    stays, but for one that only the source has sealed or expunged."""
    table = offense_records.c
    current = select(table.gallery_id, table.record_id, table.change).where(
        table.superseded_at.is_(None)
    )
    theirs = {
        (row.gallery_id, row.record_id): row.change
        for row in connection.execute(current.where(table.person_id == target_id))
    }
    for row in connection.execute(current.where(table.person_id == source_id)).all():
        same = (table.gallery_id == row.gallery_id) & (table.record_id == row.record_id)
        there = theirs.get((row.gallery_id, row.record_id))
        if there is not None:
            loser = target_id if row.change in CLOSED and there not in CLOSED else source_id
            connection.execute(delete(offense_records).where(same, table.person_id == loser))
        connection.execute(
            update(offense_records)
            .where(same, table.person_id == source_id)
            .values(person_id=target_id)
        )
