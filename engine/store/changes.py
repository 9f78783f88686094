"""Changes: every enrolment and removal under a number that only grows, for indexes to follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from engine.store.schema import changes, clock, now

ENROL = "enrol"
REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Difference:
    """What a gallery gained and lost since a number: template ids, and the number it leads to."""

    added: tuple[int, ...]
    removed: tuple[int, ...]
    sequence: int


def lock(connection: Connection) -> None:
    """Makes other writers wait until this transaction ends (SQLite's writers wait anyway)."""
    connection.execute(select(clock.c.sequence).with_for_update())


def record(
    connection: Connection,
    kind: str,
    gallery_id: int,
    template_ids: Sequence[int],
    submission: int,
) -> None:
    """Numbers the changes, in the caller's transaction."""
    if not template_ids:
        return
    last = connection.execute(
        update(clock)
        .values(sequence=clock.c.sequence + len(template_ids))
        .returning(clock.c.sequence)
    ).scalar_one()
    first = last - len(template_ids) + 1
    time = now()
    connection.execute(
        insert(changes),
        [
            {
                "sequence": first + offset,
                "at": time,
                "kind": kind,
                "gallery_id": gallery_id,
                "template_id": template_id,
                "submission_id": submission,
            }
            for offset, template_id in enumerate(template_ids)
        ],
    )


def latest(connection: Connection) -> int:
    """The number of the last change; 0 before the first."""
    return int(connection.execute(select(clock.c.sequence)).scalar_one())


def since(connection: Connection, gallery_id: int, sequence: int) -> Difference:
    """What an index of the gallery that has read up to `sequence` must add and remove."""
    newer = (
        select(
            changes.c.template_id,
            func.min(changes.c.sequence).label("first"),
            func.max(changes.c.sequence).label("last"),
        )
        .where(changes.c.gallery_id == gallery_id, changes.c.sequence > sequence)
        .group_by(changes.c.template_id)
        .subquery()
    )
    # A template's changes alternate: what left first was in that index, what came first was not;
    # and what came and went since, or went and came, leaves nothing to do.
    first, last = changes.alias(), changes.alias()
    query = (
        select(newer.c.template_id, last.c.kind)
        .join(first, first.c.sequence == newer.c.first)
        .join(last, last.c.sequence == newer.c.last)
        .where(first.c.kind == last.c.kind)
        .order_by(newer.c.last)
    )
    found: dict[str, list[int]] = {ENROL: [], REMOVE: []}
    for template_id, kind in connection.execute(query):
        found[kind].append(template_id)
    return Difference(tuple(found[ENROL]), tuple(found[REMOVE]), latest(connection))


def stamp(connection: Connection, sequence: int) -> str:
    """What the change of that number was and when: another database has another there, and one
    that was restored from a backup and went on. "" where there is no such change."""
    made = select(changes.c.at, changes.c.kind, changes.c.gallery_id, changes.c.template_id)
    row = connection.execute(made.where(changes.c.sequence == sequence)).first()
    return f"{row.at.isoformat()} {row.kind} {row.gallery_id} {row.template_id}" if row else ""


def last_of(connection: Connection, gallery_id: int) -> int:
    """The number of the gallery's own last change; 0 before its first."""
    newest = select(func.max(changes.c.sequence)).where(changes.c.gallery_id == gallery_id)
    return int(connection.execute(newest).scalar_one() or 0)
