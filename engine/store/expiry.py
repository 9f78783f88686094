"""Expiry: what is past its time and may be deleted, counted, and deleted a batch at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Select,
    delete,
    exists,
    func,
    insert,
    select,
    type_coerce,
)

from engine.errors import StoreError
from engine.store import changes, holds
from engine.store.persons import remove_if_empty
from engine.store.schema import (
    decisions,
    encounters,
    images,
    offense_records,
    persons,
    prints,
    probe_prints,
    retention,
    search_candidates,
    searches,
    tasks,
)

IMAGES, PROBES, SEARCHES, DECISIONS, CLOSED, EXPORTS, EMPTY, TASKS = KINDS = (
    "images", "probes", "searches", "decisions", "closed-records", "exports", "empty-encounters",
    "tasks",
)  # fmt: skip
LONGEST = 36_500  # days: a century


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction deleted: ids, and how many rows of other tables went with them."""

    ids: tuple[int, ...]
    more: Mapping[str, int]


def timers(connection: Connection) -> dict[str, int]:
    """For how many days each kind is kept; a kind that is missing is kept for good."""
    return {row.kind: row.days for row in connection.execute(select(retention))}


def put(connection: Connection, wanted: Mapping[str, int | None], submission: int) -> None:
    """Sets timers, in days; None takes one away. StoreError for a kind or a number that is none."""
    for kind, days in wanted.items():
        if kind not in KINDS:
            raise StoreError(f"nothing is called {kind!r} here: there are {', '.join(KINDS)}")
        if days is not None and not 1 <= days <= LONGEST:
            raise StoreError(f"{kind} are kept from 1 to {LONGEST} days, not {days}")
    changes.lock(connection)
    connection.execute(delete(retention).where(retention.c.kind.in_(list(wanted))))
    rows = [
        {"kind": kind, "days": days, "submission_id": submission}
        for kind, days in wanted.items()
        if days is not None
    ]
    if rows:
        connection.execute(insert(retention), rows)


def limits(kept: Mapping[str, int], time: datetime) -> dict[str, datetime]:
    """Before which time each kind is past its own, at a time."""
    return {kind: time - timedelta(days=days) for kind, days in kept.items()}


def count(connection: Connection, kind: str, before: Mapping[str, datetime]) -> int:
    """How many of a kind are past their time and may be deleted."""
    query = _past(kind, before).subquery()
    return int(connection.execute(select(func.count()).select_from(query)).scalar_one())


def count_kept(connection: Connection, kind: str, before: Mapping[str, datetime]) -> int:
    """How many of a kind are past their time and must stay: for a legal hold, a decision that is
    kept longer, or work that waits."""
    query = _old(kind, before).subquery()
    old = int(connection.execute(select(func.count()).select_from(query)).scalar_one())
    return old - count(connection, kind, before)


def delete_some(
    connection: Connection, kind: str, before: Mapping[str, datetime], limit: int
) -> Batch:
    """Deletes `limit` of a kind at most that are past their time, the oldest first."""
    changes.lock(connection)
    if kind == EMPTY:
        return _delete_empty(connection, before, limit)
    ids = tuple(connection.execute(_past(kind, before).limit(limit)).scalars())
    more: dict[str, int] = {}
    if kind == SEARCHES:
        for name, table in (("candidates", search_candidates), ("decisions", decisions)):
            of_them = select(func.count()).select_from(table).where(table.c.search_id.in_(ids))
            more[name] = int(connection.execute(of_them).scalar_one())
    # What hangs on a search goes with it (ON DELETE CASCADE).
    column: Any = {
        IMAGES: images.c.print_id,
        PROBES: probe_prints.c.id,
        SEARCHES: searches.c.id,
        CLOSED: offense_records.c.id,
        TASKS: tasks.c.id,
    }[kind]
    connection.execute(delete(column.table).where(column.in_(ids)))
    return Batch(ids, more)


def _delete_empty(connection: Connection, before: Mapping[str, datetime], limit: int) -> Batch:
    """Encounters without a print, with their places in galleries; a person goes with the last."""
    ids = tuple(connection.execute(_past(EMPTY, before).limit(limit)).scalars())
    own = (
        select(persons.c.id, persons.c.reference)
        .distinct()
        .join(encounters, encounters.c.person_id == persons.c.id)
        .where(encounters.c.id.in_(ids))
    )
    people = connection.execute(own).all()
    connection.execute(delete(encounters).where(encounters.c.id.in_(ids)))
    gone = sum(remove_if_empty(connection, row.id, row.reference) for row in people)
    return Batch(ids, {"persons_gone": gone})


def sample_images(
    connection: Connection, before: Mapping[str, datetime], limit: int
) -> list[bytes]:
    """The bytes of the first images that will be deleted, as they are stored."""
    ids = tuple(connection.execute(_past(IMAGES, before).limit(limit)).scalars())
    query = select(type_coerce(images.c.data, LargeBinary)).where(images.c.print_id.in_(ids))
    return list(connection.execute(query).scalars())


def _past(kind: str, before: Mapping[str, datetime]) -> Select[Any]:
    """The ids of what is past its time and may be deleted, oldest first."""
    return _old(kind, before).where(*_may_go(kind, before))


def _old(kind: str, before: Mapping[str, datetime]) -> Select[Any]:
    """The ids of what is past its time."""
    if kind == IMAGES:
        return (
            select(images.c.print_id)
            .join(prints, prints.c.id == images.c.print_id)
            .join(persons, persons.c.id == prints.c.person_id)
            .where(prints.c.created_at < before[kind])
            .order_by(images.c.print_id)
        )
    if kind == PROBES:
        return (
            select(probe_prints.c.id)
            .join(searches, searches.c.id == probe_prints.c.search_id)
            .where(searches.c.at < before[kind])
            .order_by(probe_prints.c.id)
        )
    if kind == SEARCHES:
        return select(searches.c.id).where(searches.c.at < before[kind]).order_by(searches.c.id)
    if kind == EMPTY:
        last = func.coalesce(encounters.c.updated_at, encounters.c.created_at)
        return (
            select(encounters.c.id)
            .join(persons, persons.c.id == encounters.c.person_id)
            .where(last < before[kind], ~_has_prints(encounters.c.id))
            .order_by(encounters.c.id)
        )
    if kind == TASKS:
        last = func.coalesce(tasks.c.ended_at, tasks.c.created_at)
        return select(tasks.c.id).where(last < before[kind]).order_by(tasks.c.id)
    if kind != CLOSED:
        raise StoreError(f"{kind} are not deleted by themselves")
    closing = offense_records.alias()
    same = [
        closing.c[name] == offense_records.c[name]
        for name in ("gallery_id", "person_id", "record_id")
    ]
    closed = exists().where(
        *same,
        closing.c.superseded_at.is_(None),
        closing.c.change.in_(("sealed", "expunged")),
        closing.c.recorded_at < before[kind],
    )
    return (
        select(offense_records.c.id)
        .join(persons, persons.c.id == offense_records.c.person_id)
        .where(offense_records.c.superseded_at.is_not(None), closed)
        .order_by(offense_records.c.id)
    )


def _may_go(kind: str, before: Mapping[str, datetime]) -> Sequence[ColumnElement[bool]]:
    """What must hold of the rows of `_old` for them to be deleted."""
    if kind == TASKS:  # others are promised, to be done or delivered
        return [tasks.c.ended_at.is_not(None)]
    if kind == EMPTY:  # a person's records must not go unseen, with the last encounter
        other = encounters.alias()
        records = exists().where(offense_records.c.person_id == persons.c.id)
        stays = exists().where(other.c.person_id == persons.c.id, _has_prints(other.c.id))
        return [~holds.on(persons.c.reference), ~records | stays]
    if kind not in (SEARCHES, PROBES):
        return [~holds.on(persons.c.reference)]
    case, made = search_candidates.alias(), decisions.alias()
    own = case.c.search_id == searches.c.id
    closed = exists().where(
        made.c.search_id == case.c.search_id, made.c.person == case.c.person, made.c.closes
    )
    known = exists().where(persons.c.reference == case.c.person)
    may_go = [
        ~exists().where(own, holds.on(case.c.person)),
        ~exists().where(own, case.c.over_threshold, known, ~closed),  # examiners' work
    ]
    if kind == PROBES:
        return may_go
    kept: ColumnElement[bool] = made.c.search_id == searches.c.id
    if DECISIONS in before:
        kept &= made.c.at >= before[DECISIONS]
    return [*may_go, ~exists().where(kept)]  # a decision would go with its search


def _has_prints(encounter_id: ColumnElement[int]) -> ColumnElement[bool]:
    return exists().where(prints.c.encounter_id == encounter_id)
