"""Legal holds: nothing of a person on hold is deleted, by hand or when its time is over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, select, update

from engine.errors import GalleryError, HoldError
from engine.store import changes, rows
from engine.store.schema import former_names, holds, now, persons, search_candidates


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold on a person, by reference. released_at: None while it holds."""

    person: str
    reason: str
    placed_at: datetime
    released_at: datetime | None
    submission_id: int


def place(connection: Connection, person: str, reason: str, submission: int) -> Hold:
    """Places a hold. HoldError without a reason, or where there is one already; GalleryError where
    neither a gallery nor a search knows the person: a slip must not look like a hold."""
    changes.lock(connection)
    if not reason.strip():
        raise HoldError("a legal hold needs a reason")
    known = select(persons.c.id).where(persons.c.reference == person)
    named = select(search_candidates.c.search_id).where(search_candidates.c.person == person)
    if not any(connection.execute(query.limit(1)).first() for query in (known, named)):
        raise GalleryError(f"there is no person {person!r}")
    if current(connection, person):
        raise HoldError(f"person {person!r} is on hold already")
    row = {"person": person, "reason": reason, "placed_at": now(), "submission_id": submission}
    rows.add(connection, holds, row)
    return current(connection, person)[0]


def release(connection: Connection, person: str) -> Hold:
    """Ends a hold, and gives it as it was. HoldError where there is none."""
    changes.lock(connection)
    found = current(connection, person)
    if not found:
        raise HoldError(f"person {person!r} is not on hold")
    own = (holds.c.person == person) & holds.c.released_at.is_(None)
    connection.execute(update(holds).where(own).values(released_at=now()))
    return found[0]


def current(connection: Connection, person: str | None = None) -> list[Hold]:
    """The holds that hold, oldest first; only that on a person, where one is named."""
    query = select(*(holds.c[name] for name in Hold.__dataclass_fields__)).order_by(holds.c.id)
    query = query.where(holds.c.released_at.is_(None))
    if person is not None:
        query = query.where(holds.c.person == person)
    return [Hold(*row) for row in connection.execute(query)]


def require_none(connection: Connection, references: Iterable[str]) -> None:
    """HoldError where one of the persons is on hold."""
    held = {hold.person for hold in current(connection)}
    for person in references:
        if person in held:
            raise HoldError(f"person {person!r} is on legal hold: release it before")


def on(reference: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the person whose reference a column has, or had before a merge, is on hold, for a
    query."""
    holding, merged = holds.c.released_at.is_(None), persons.alias()
    later = exists().where(
        former_names.c.former == reference,
        merged.c.id == former_names.c.person_id,
        holds.c.person == merged.c.reference,
        holding,
    )
    return exists().where(holds.c.person == reference, holding) | later
