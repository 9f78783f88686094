"""Derived indexes: loaded when first needed, brought up to date, saved, rebuilt when no good."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np

from engine.errors import GalleryError, StoreError, TemplateError
from engine.formats import template as template_format
from engine.index import candidates
from engine.index.gallery import Entry, Gallery
from engine.index.growing import Make
from engine.service.index_files import IndexFiles
from engine.service.results import Progress
from engine.service.turnstile import Turnstile
from engine.settings import Settings
from engine.store import changes, galleries, prints
from engine.store.database import Database
from engine.store.galleries import GalleryRow
from engine.store.prints import StoredTemplate

SAVE_AFTER = 10_000  # templates added since the last save; fewer are quickly read again

log = logging.getLogger(__name__)


class Indexes:
    """The indexes of all galleries of one database, under one folder; safe between threads, and
    between the processes that share both."""

    def __init__(self, folder: Path, database: Database, make: Make = np.empty) -> None:
        """make: gives the memory that prints lie in, of a shape and a dtype."""
        self._files = IndexFiles(folder, database.vault, make)
        self._database = database
        self._make = make
        self._loaded: dict[int, Gallery] = {}
        self._unsaved: dict[int, int] = {}
        self._rows: dict[int, GalleryRow] = {}
        self._counted: set[int] = set()
        self._lock = Turnstile()
        with self._files.alone(wait=False) as alone:
            if alone:
                with database.read() as connection:
                    self._files.keep_only(galleries.listing(connection))

    def path(self, gallery: GalleryRow) -> Path:
        """Where a gallery's index is kept."""
        return self._files.path(gallery)

    def bytes(self, gallery: GalleryRow) -> int:
        """How much room the saved index takes; 0 where there is none."""
        return self._files.size(gallery)

    @contextmanager
    def reading(
        self, rows: Sequence[GalleryRow], settings: Settings | None = None
    ) -> Iterator[list[Gallery]]:
        """The galleries' indexes with every change that the database has now; other threads may
        read them inside the block too, but none changes them. settings: of the searches that
        follow, so that no search is slower than another for what it finds missing."""
        with ExitStack() as stack:
            stack.enter_context(self._lock.reading())
            indexes = self._as_they_are(rows, settings)
            if indexes is None:
                stack.close()
                with self._lock.alone():
                    indexes = [self._current(row) for row in rows]
                    if settings:
                        for index in indexes:
                            candidates.prepare(index, settings)
                    stack.enter_context(self._lock.reading())
            yield indexes

    def refresh(self, gallery: GalleryRow) -> None:
        """Brings an index up to date, where there is one; what was removed leaves the disk."""
        with self._lock.alone():
            if gallery.id in self._loaded or self._files.path(gallery).exists():
                self._current(gallery)

    def catch_up(self) -> dict[str, int]:
        """Brings the indexes in use up to date and gives up those of galleries that are gone; gives
        the number that each has been read up to, by the gallery's name."""
        with self._lock.reading():  # who searches is not disturbed where there is nothing new
            rows = list(self._rows.values())
            here = self._as_they_are(rows, None)
            if here is not None and not any(map(self._is_gone, rows)):
                return {index.name: index.sequence for index in here}
        with self._lock.alone():
            for gallery in [self._rows[number] for number in self._loaded]:
                if self._is_gone(gallery):
                    self.drop(gallery)
                else:
                    self._current(gallery)
            return {index.name: index.sequence for index in self._loaded.values()}

    def rebuild(
        self, gallery: GalleryRow, on_progress: Progress = lambda done, total: None
    ) -> Gallery:
        """Makes the index anew from the database's templates, and saves it."""
        with self._lock.alone():
            index = Gallery(gallery.name, self._make)
            with self._database.read() as connection:
                difference = changes.since(connection, gallery.id, 0)
                done = 0
                for batch in prints.read_templates(connection, difference.added):
                    index.add([entry(stored) for stored in batch])
                    done += len(batch)
                    on_progress(done, len(difference.added))
                index.stamp = changes.stamp(connection, difference.sequence)
            index.sequence = difference.sequence
            self._keep(gallery, index)
            self._save(gallery)
            return index

    def drop(self, gallery: GalleryRow) -> None:
        """Deletes the index of a gallery that is no more."""
        with self._lock.alone(), self._files.alone():
            self._forget(gallery)
            self._files.delete(self._files.path(gallery))

    def count_saved(self, template_ids: Collection[int]) -> dict[str, int]:
        """How many of these templates each saved index has, by the file's name; of one that cannot
        be read, all of them."""
        with self._lock.reading(), self._database.read() as connection:
            rows = galleries.listing(connection)
        counted = {}
        for path in self._files.mains():
            row = next((row for row in rows if self._files.path(row) == path), None)
            try:
                kept = set(self._files.saved_ids(row).tolist()) if row else template_ids
            except GalleryError:
                kept = template_ids
            counted[path.name] = sum(each in kept for each in template_ids)
        return counted

    def sealed_files(self) -> list[tuple[Path, str | None]]:
        """Each saved index with the id of the key that it is sealed with, None for a plain one."""
        return self._files.sealed()

    def reseal_files(self) -> int:
        """Brings saved indexes under the first key; gives the number of files changed."""
        return self._files.reseal()

    def close(self) -> None:
        """Saves what was read since the last save, and lets what others removed leave the disk."""
        with self._lock.alone():
            for gallery in [self._rows[number] for number in self._loaded]:
                index = self._loaded[gallery.id]
                if self._is_gone(gallery):
                    self.drop(gallery)
                elif self._catch_up(gallery, index) and self._unsaved[gallery.id]:
                    self._save(gallery)
            self._loaded.clear()

    def _as_they_are(
        self, rows: Sequence[GalleryRow], settings: Settings | None
    ) -> list[Gallery] | None:
        """The indexes, where all are here and the database has nothing new for them."""
        indexes = [self._loaded.get(row.id) for row in rows]
        here = [index for index in indexes if index is not None]
        if len(here) < len(rows) or not self._counted.issuperset(row.id for row in rows):
            return None
        with self._database.read() as connection:
            latest = changes.latest(connection)
            for index in here:
                if index.sequence != latest or changes.stamp(connection, latest) != index.stamp:
                    return None
        if settings and not all(candidates.is_prepared(index, settings) for index in here):
            return None
        return here

    def _current(self, gallery: GalleryRow) -> Gallery:
        index = self._loaded.get(gallery.id)
        if index is None:
            index = self._load(gallery)
        return index if self._catch_up(gallery, index) else self.rebuild(gallery)

    def _load(self, gallery: GalleryRow) -> Gallery:
        if not self._files.path(gallery).exists():
            log.info("%s: no index yet; making it", gallery.name)
            return self.rebuild(gallery)
        try:
            index = self._files.load(gallery)
        except GalleryError as error:
            log.warning("%s: %s; making the index again from the database", gallery.name, error)
            return self.rebuild(gallery)
        self._keep(gallery, index)
        if not self._files.is_of_first_key(gallery):
            self._save(gallery)
        return index

    def _catch_up(self, gallery: GalleryRow, index: Gallery) -> bool:
        """Reads the changes since; False where the index does not belong to this database."""
        removed = self._read_on(gallery, index)
        if removed is None:
            log.warning("%s: the index is not of this database; making it again", gallery.name)
            return False
        # What was removed must leave the disk at once.
        if removed or self._unsaved[gallery.id] >= SAVE_AFTER:
            return self._save(gallery, unless_saved=True)
        return True

    def _read_on(self, gallery: GalleryRow, index: Gallery) -> int | None:
        """Reads the changes since and gives the number of removals among them, None where the
        index does not belong to this database."""
        try:
            with self._database.read() as connection:
                if changes.stamp(connection, index.sequence) != index.stamp:
                    return None
                counted = gallery.id in self._counted
                if counted and changes.latest(connection) == index.sequence:
                    return 0
                difference = changes.since(connection, gallery.id, index.sequence)
                for batch in prints.read_templates(connection, difference.added):
                    index.add([entry(stored) for stored in batch])
                if difference.removed:
                    index.remove(difference.removed)
                stamp = changes.stamp(connection, difference.sequence)
                # Once is enough, and in a large gallery too much for every search.
                if not counted and len(index) != prints.count(connection, gallery):
                    return None
        except BaseException:
            self._forget(gallery)  # half of the changes may be in it
            raise
        self._counted.add(gallery.id)
        index.sequence, index.stamp = difference.sequence, stamp
        self._unsaved[gallery.id] += len(difference.added)
        return len(difference.removed)

    def _is_gone(self, gallery: GalleryRow) -> bool:
        with self._database.read() as connection:
            known = galleries.lookup(connection, gallery.name)
        return known is None or known.id != gallery.id

    def _keep(self, gallery: GalleryRow, index: Gallery) -> None:
        self._forget(gallery)
        self._loaded[gallery.id] = index
        self._rows[gallery.id] = gallery
        self._unsaved[gallery.id] = 0

    def _forget(self, gallery: GalleryRow) -> None:
        for held in (self._loaded, self._unsaved, self._rows):
            held.pop(gallery.id, None)
        self._counted.discard(gallery.id)

    def _save(self, gallery: GalleryRow, *, unless_saved: bool = False) -> bool:
        """Saves an index as the database has it now: what another process removed while this one
        waited to write must not come back. False where the index is not of this database.
        unless_saved: not where another process has just saved the same."""
        index, path = self._loaded[gallery.id], self._files.path(gallery)
        with self._files.alone():
            if self._read_on(gallery, index) is None:
                self._files.delete(path)
                return False
            if self._is_gone(gallery):
                self._files.delete(path)
                return True
            try:
                mark = (index.sequence, index.stamp)
                if not unless_saved or self._files.saved_up_to(gallery) != mark:
                    self._files.save(gallery, index)
            except GalleryError as error:
                # Nothing is lost, the next start makes it again; but what was removed must not
                # stay.
                log.warning("%s", error)
                self._files.delete(path)
        self._unsaved[gallery.id] = 0
        return True


def entry(stored: StoredTemplate) -> Entry:
    """A stored template as an index takes it; StoreError where it cannot be read."""
    try:
        template = template_format.decode(stored.data, f"template {stored.id}")
    except TemplateError as error:
        raise StoreError(
            f"the database is damaged: {error}; restore it from a backup, or remove person "
            f"{stored.person} and enrol again"
        ) from error
    return Entry(stored.id, stored.person, template)
