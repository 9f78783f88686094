"""Removal: what goes leaves the database, its journal and the derived indexes."""

from __future__ import annotations

from sqlalchemy import Connection

from engine.errors import GalleryError
from engine.service.indexes import Indexes
from engine.service.results import Progress, Removed
from engine.store import changes, galleries, persons
from engine.store.database import Database
from engine.store.galleries import GalleryRow

REMOVED_AT_ONCE = 200  # persons in one transaction, when a whole gallery goes


def remove_person(
    database: Database, indexes: Indexes, person: str, gallery: str | None, submission: int
) -> Removed:
    """Removes a person from one gallery or, where none is named, from all."""
    with database.write() as writer:
        changes.lock(writer)  # nobody enrols the person elsewhere meanwhile
        names = [gallery] if gallery else persons.galleries_of(writer, person)
        if not names:
            raise GalleryError(f"person {person!r} is in no gallery")
        rows = [galleries.find(writer, name) for name in names]
        removed = sum((persons.remove(writer, row, person, submission) for row in rows), Removed())
    database.forget()
    for row in rows:
        indexes.refresh(row)
    return removed


def remove_gallery(
    database: Database, indexes: Indexes, gallery: str, submission: int, on_progress: Progress
) -> Removed:
    """Removes a gallery and all that no other gallery uses. Interrupted, it can be run again."""
    with database.read() as connection:
        row = galleries.find(connection, gallery)
        todo = persons.in_gallery(connection, row)
    indexes.drop(row)
    removed, total, gone = Removed(), len(todo), False
    while not gone:
        for start in range(0, len(todo), REMOVED_AT_ONCE):
            batch = todo[start : start + REMOVED_AT_ONCE]
            with database.write() as writer:
                for person in batch:
                    removed += _remove_if_there(writer, row, person, submission)
            on_progress(start + len(batch), total)
        with database.write() as writer:
            changes.lock(writer)
            todo = persons.in_gallery(writer, row)  # whom another process enrolled meanwhile
            gone = not todo
            if gone:
                galleries.drop(writer, row)
    database.forget()
    indexes.drop(row)  # another process may have saved it meanwhile
    return removed


def _remove_if_there(writer: Connection, row: GalleryRow, person: str, submission: int) -> Removed:
    """Another process may remove the same persons."""
    try:
        return persons.remove(writer, row, person, submission)
    except GalleryError:
        return Removed()
