"""The files of derived indexes: one writer at a time, sealed where there are keys."""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import StoreError
from engine.index.gallery import SAVING, Gallery
from engine.store.galleries import GalleryRow
from engine.store.sealing import Vault

SUFFIX = ".npz"

log = logging.getLogger(__name__)


class IndexFiles:
    """A folder that several processes of one database share. A file is only ever put in the place
    of another, whole, under a lock of the folder; who reads needs none."""

    def __init__(self, folder: Path, vault: Vault) -> None:
        self._folder = folder
        self._vault = vault

    def path(self, gallery: GalleryRow) -> Path:
        """Where a gallery's index is kept; a name used again never meets the old file."""
        return self._folder / f"{gallery.id}-{gallery.name}{SUFFIX}"

    def bytes(self, gallery: GalleryRow) -> int:
        """How much room the saved index takes; 0 where there is none."""
        path = self.path(gallery)
        return path.stat().st_size if path.is_file() else 0

    @contextmanager
    def alone(self, *, wait: bool = True) -> Iterator[bool]:
        """Keeps other processes and threads from writing here until the block ends, and deletes
        what a killed one left half written: templates lie in it. Without `wait`, False where
        another writes."""
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            for left in self._folder.glob(f"*{SAVING}"):
                self.delete(left)
            yield True
        finally:
            os.close(folder)  # the lock goes with it

    def load(self, gallery: GalleryRow) -> Gallery:
        """The saved index; GalleryError where it is missing, damaged, or is not sealed though there
        are keys: what others may have written is not to be searched."""
        path = self.path(gallery)
        if self._vault.key is None:
            return Gallery.load(path)
        from engine.store.sealed_files import Reader

        return Gallery.load(path, unseal=lambda file: Reader(file, self._vault, _place(path)))

    def save(self, gallery: GalleryRow, index: Gallery) -> None:
        """Puts the index in the place of the saved one. GalleryError where that is not possible."""
        path, key = self.path(gallery), self._vault.key
        if key is None:
            index.save(path)
            return
        from engine.store.sealed_files import Writer

        index.save(path, seal=lambda file: Writer(file, key, _place(path)))

    def is_of_first_key(self, gallery: GalleryRow) -> bool:
        """Whether the saved index is sealed as it would be now."""
        return _key_of(self.path(gallery)) == (self._vault.key and self._vault.key.id)

    def delete(self, path: Path) -> None:
        """Deletes a file; a warning where that is not possible."""
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning(
                "%s cannot be deleted (%s): it may hold what was removed", path, error.strerror
            )

    def keep_only(self, galleries: Collection[GalleryRow]) -> None:
        """Deletes what other galleries left here; call it alone."""
        known = {self.path(gallery) for gallery in galleries}
        for path in self._all():
            if path not in known:
                self.delete(path)

    def sealed(self) -> list[tuple[Path, str | None]]:
        """Each saved index with the id of the key that it is sealed with, None for a plain one."""
        return [(path, _key_of(path)) for path in self._all()]

    def reseal(self) -> int:
        """Brings sealed files under the first key; deletes plain ones and those that cannot be
        opened, for they are made again. Gives the number of files changed."""
        key = self._vault.key
        with self.alone():
            old = [(path, held) for path, held in self.sealed() if key and held != key.id]
            for path, held in old:
                if held is None or not self._reseal(path):
                    self.delete(path)
        return len(old)

    def _all(self) -> list[Path]:
        return sorted(path for path in self._folder.glob(f"*{SUFFIX}") if path.is_file())

    def _reseal(self, path: Path) -> bool:
        from engine.store.sealed_files import reseal

        with (
            path.open("rb") as source,
            tempfile.NamedTemporaryFile(
                dir=self._folder, prefix=f"{path.name}.", suffix=SAVING, delete=False
            ) as target,
        ):
            try:
                reseal(source, target, self._vault, _place(path))
                target.flush()
                os.fsync(target.fileno())
                Path(target.name).replace(path)
            except (StoreError, OSError) as error:
                log.warning("%s is deleted and made again: %s", path, error)
                self.delete(Path(target.name))
                return False
            except BaseException:
                self.delete(Path(target.name))
                raise
        return True


def _place(path: Path) -> str:
    """What a sealed file is bound to: it cannot pass for another gallery's."""
    return f"index/{path.name}"


def _key_of(path: Path) -> str | None:
    from engine.store.sealed_files import key_of_file

    try:
        return key_of_file(path)
    except OSError:
        return None
