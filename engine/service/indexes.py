"""Derived indexes: loaded when first needed, brought up to date, saved, rebuilt when no good."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from engine.errors import GalleryError, StoreError, TemplateError
from engine.formats import template as template_format
from engine.index import candidates
from engine.index.gallery import Entry, Gallery
from engine.service.results import Progress
from engine.settings import Settings
from engine.store import changes, galleries, prints
from engine.store.database import Database
from engine.store.galleries import GalleryRow
from engine.store.prints import StoredTemplate

SAVE_AFTER = 10_000  # templates added since the last save; fewer are quickly read again

log = logging.getLogger(__name__)


class Indexes:
    """The indexes of all galleries of one database, under one folder; safe between threads."""

    def __init__(self, folder: Path, database: Database) -> None:
        self._folder = folder
        self._database = database
        self._loaded: dict[int, Gallery] = {}
        self._unsaved: dict[int, int] = {}
        self._rows: dict[int, GalleryRow] = {}
        self._lock = threading.RLock()

    def path(self, gallery: GalleryRow) -> Path:
        """Where a gallery's index is kept; a name used again never meets the old file."""
        return self._folder / f"{gallery.id}-{gallery.name}.npz"

    def bytes(self, gallery: GalleryRow) -> int:
        """How much room the saved index takes; 0 where there is none."""
        path = self.path(gallery)
        return path.stat().st_size if path.is_file() else 0

    @contextmanager
    def reading(
        self, rows: Sequence[GalleryRow], settings: Settings | None = None
    ) -> Iterator[list[Gallery]]:
        """The galleries' indexes with every change that the database has now; no other thread
        changes them inside the block. settings: of the searches that follow, so that no search is
        slower than another for what it finds missing."""
        with self._lock:
            indexes = [self._current(row) for row in rows]
            if settings:
                for index in indexes:
                    candidates.prepare(index, settings)
            yield indexes

    def refresh(self, gallery: GalleryRow) -> None:
        """Brings an index up to date; what was removed leaves the disk."""
        with self.reading([gallery]):
            pass

    def rebuild(
        self, gallery: GalleryRow, on_progress: Progress = lambda done, total: None
    ) -> Gallery:
        """Makes the index anew from the database's templates, and saves it."""
        with self._lock:
            index = Gallery(gallery.name)
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
        with self._lock:
            for held in (self._loaded, self._unsaved, self._rows):
                held.pop(gallery.id, None)
            _unlink(self.path(gallery))

    def close(self) -> None:
        """Saves what was read since the last save."""
        with self._lock:
            for gallery_id, count in list(self._unsaved.items()):
                if count:
                    self._save_what_is_left(self._rows[gallery_id])
            self._loaded.clear()

    def _current(self, gallery: GalleryRow) -> Gallery:
        index = self._loaded.get(gallery.id)
        if index is None:
            index = self._load(gallery)
        return index if self._catch_up(gallery, index) else self.rebuild(gallery)

    def _load(self, gallery: GalleryRow) -> Gallery:
        path = self.path(gallery)
        if not path.exists():
            log.info("%s: no index yet; making it", gallery.name)
            return self.rebuild(gallery)
        try:
            index = Gallery.load(path)
        except GalleryError as error:
            log.warning("%s: %s; making the index again from the database", gallery.name, error)
            return self.rebuild(gallery)
        self._keep(gallery, index)
        return index

    def _catch_up(self, gallery: GalleryRow, index: Gallery) -> bool:
        """Reads the changes since; False where the index does not belong to this database."""
        with self._database.read() as connection:
            difference = changes.since(connection, gallery.id, index.sequence)
            count = prints.count(connection, gallery)
            ours = changes.stamp(connection, index.sequence) == index.stamp
            stamp = changes.stamp(connection, difference.sequence)
            if ours:
                for batch in prints.read_templates(connection, difference.added):
                    index.add([entry(stored) for stored in batch])
                if difference.removed:
                    index.remove(difference.removed)
        if not ours or len(index) != count:
            log.warning("%s: the index is not of this database; making it again", gallery.name)
            return False
        index.sequence, index.stamp = difference.sequence, stamp
        self._unsaved[gallery.id] += len(difference.added)
        # What was removed must leave the disk at once.
        if difference.removed or self._unsaved[gallery.id] >= SAVE_AFTER:
            self._save(gallery)
        return True

    def _keep(self, gallery: GalleryRow, index: Gallery) -> None:
        self._loaded[gallery.id] = index
        self._rows[gallery.id] = gallery
        self._unsaved[gallery.id] = 0

    def _save_what_is_left(self, gallery: GalleryRow) -> None:
        """Saves an index without what other processes removed: that must not come back."""
        with self._database.read() as connection:
            known = galleries.lookup(connection, gallery.name)
        if known is None or known.id != gallery.id:
            return
        if self._catch_up(gallery, self._loaded[gallery.id]) and self._unsaved[gallery.id]:
            self._save(gallery)

    def _save(self, gallery: GalleryRow) -> None:
        path = self.path(gallery)
        try:
            self._loaded[gallery.id].save(path)
        except GalleryError as error:
            # Nothing is lost, the next start makes it again; but what was removed must not stay.
            log.warning("%s", error)
            _unlink(path)
        self._unsaved[gallery.id] = 0


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("%s cannot be deleted (%s): it may hold what was removed", path, error.strerror)


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
