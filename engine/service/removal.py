"""Removal: what goes leaves the database, its journal and the derived indexes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from engine.errors import GalleryError
from engine.service.indexes import Indexes
from engine.service.journal import Entry
from engine.service.results import Progress, Removed
from engine.store import changes, galleries, holds, persons
from engine.store.chain import Head
from engine.store.database import Database
from engine.store.galleries import GalleryRow

REMOVED_AT_ONCE = 200  # persons in one transaction, when a whole gallery goes
# What deletions touch, for databases that must be told to clean up.
TABLES = (
    "templates", "images", "probe_prints", "prints", "encounters", "offense_records", "persons",
)  # fmt: skip


def remove_person(
    database: Database, indexes: Indexes, person: str, gallery: str | None, entry: Entry
) -> tuple[Removed, Head]:
    """Removes a person from one gallery or, where none is named, from all; gives what went, and
    where the audit log says so."""
    removed, rows, head = delete_person(database, person, gallery, entry)
    database.forget()
    for row in rows:
        indexes.refresh(row)
    return removed, head


def delete_person(
    database: Database, person: str, gallery: str | None, entry: Entry
) -> tuple[Removed, list[GalleryRow], Head]:
    """Deletes a person's rows, of one gallery or of all; also gives the galleries whose indexes
    still have the person, and the entry of the audit log."""
    with database.write() as writer:
        changes.lock(writer)  # nobody enrols the person elsewhere meanwhile
        names = [gallery] if gallery else persons.galleries_of(writer, person)
        if not names:
            raise GalleryError(f"person {person!r} is in no gallery")
        rows = [galleries.find(writer, name) for name in names]
        removed = sum(
            (persons.remove(writer, row, person, entry.submission) for row in rows), Removed()
        )
        last = changes.latest(writer)
        head = entry.tell(
            writer,
            "removed",
            persons=[person],
            galleries=names,
            changes=[last - removed.templates + 1, last],
            **counts(removed),
        )
    return removed, rows, head


def remove_gallery(
    database: Database, indexes: Indexes, gallery: str, entry: Entry, on_progress: Progress
) -> Removed:
    """Removes a gallery and all that no other gallery uses. Interrupted, it can be run again."""
    with database.read() as connection:
        row = galleries.find(connection, gallery)
        todo = persons.in_gallery(connection, row)
        holds.require_none(connection, todo)
    indexes.drop(row)
    removed, total, gone = Removed(), len(todo), False
    while not gone:
        for start in range(0, len(todo), REMOVED_AT_ONCE):
            batch = todo[start : start + REMOVED_AT_ONCE]
            with database.write() as writer:
                changes.lock(writer)
                went = sum(
                    (_remove_if_there(writer, row, each, entry.submission) for each in batch),
                    Removed(),
                )
                entry.tell_of_many(writer, "removed", batch, galleries=[gallery], **counts(went))
            removed += went
            on_progress(start + len(batch), total)
        with database.write() as writer:
            changes.lock(writer)
            todo = persons.in_gallery(writer, row)  # whom another process enrolled meanwhile
            gone = not todo
            if gone:
                galleries.drop(writer, row)
                entry.tell(writer, "dropped", galleries=[gallery])
    database.forget()
    indexes.drop(row)  # another process may have saved it meanwhile
    return removed


def _remove_if_there(writer: Connection, row: GalleryRow, person: str, submission: int) -> Removed:
    """Another process may remove the same persons."""
    try:
        return persons.remove(writer, row, person, submission)
    except GalleryError:
        return Removed()


def counts(removed: Removed) -> dict[str, Any]:
    """What a removal deleted, as the audit log and proofs tell it."""
    return {
        "templates": removed.templates,
        "images": removed.images,
        "records": removed.records,
        "persons_gone": removed.persons,
    }
