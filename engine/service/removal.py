"""Removal: what goes leaves the database, its journal and the derived indexes."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from engine.errors import GalleryError
from engine.service.indexes import Indexes
from engine.service.journal import Entry
from engine.service.results import Progress, Removed
from engine.store import changes, galleries, holds, persons, row_ids
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
        going = Going(writer, [person])
        for row in rows:
            persons.remove(writer, row, person, entry.submission)
        removed, head = going.tell(entry, "removed", names)
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
                going = Going(writer, batch)
                for each in batch:
                    _remove_if_there(writer, row, each, entry.submission)
                went, _ = going.tell(entry, "removed", [gallery])
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


def _remove_if_there(writer: Connection, row: GalleryRow, person: str, submission: int) -> None:
    """Another process may remove the same persons."""
    with suppress(GalleryError):
        persons.remove(writer, row, person, submission)


class Going:
    """What is about to be deleted of some persons, in one transaction, under the clock's lock."""

    def __init__(self, writer: Connection, people: Sequence[str]) -> None:
        self._writer = writer
        self._people = people
        self._before = row_ids.of_persons(writer, people)
        self._change = changes.latest(writer)

    def tell(self, entry: Entry, event: str, names: Sequence[str]) -> tuple[Removed, Head]:
        """Writes in the audit log what went, by counts, numbers of changes and ids of rows: by
        those it can be looked for ever after (`past_removals`)."""
        gone = row_ids.gone(self._writer, self._before, self._people)
        head = entry.tell_of_many(
            self._writer,
            event,
            self._people,
            galleries=sorted(names),
            changes=[self._change + 1, changes.latest(self._writer)],
            rows=gone.ranges,
            **counts(gone.counts),
        )
        return gone.counts, head


def counts(removed: Removed) -> dict[str, Any]:
    """What a removal deleted, as the audit log and proofs tell it."""
    return {
        "templates": removed.templates,
        "images": removed.images,
        "records": removed.records,
        "persons_gone": removed.persons,
    }
